"""A small valid file of every kind that the program reads, made in a moment: what the fuzzer damages."""

import hashlib
import io
import json
from pathlib import Path
from typing import Dict, List, NamedTuple

import numpy as np
import tflite
from PIL import Image, PngImagePlugin

from efnas.config_files import load_config
from efnas.core.supernet import SUPERNETS
from efnas.cost.table import ABOUT, TABLE, CostTable, Row, write_table
from efnas.data.flow_files import write_flo
from efnas.data.flying_chairs import FIRST, FLOW, SECOND
from efnas.export.file_graph import Graph, Operator, Quantisation, Tensor, write_graph
from efnas.runs.manifest import MANIFEST, identity_sha256, manifest_of_config, write_manifest
from efnas.runs.progress import RunProgress
from efnas.runs.run_files import BEST, LAST
from efnas.runs.seal import ENDINGS, SEAL, with_ending, write_seal

HEIGHT, WIDTH = 16, 24
CODE = "000001000"


class ValidFiles(NamedTuple):
    """Contents of valid files: PNG files of several kinds, a manifest and a seal as trees without their hash, the
    texts of a table, the bytes of a network. `folder` has a data set `chairs`, a `run` and a `net.tflite` in it."""

    folder: Path
    flow: bytes
    images: List[bytes]
    manifest: dict
    seal: dict
    table: str
    about: dict
    network: bytes
    configs: List[bytes]
    lists: List[bytes]

    def __repr__(self) -> str:
        return f"ValidFiles({self.folder})"


def make_valid_files(folder: Path) -> ValidFiles:
    draw = np.random.RandomState(0)
    chairs = folder / "chairs" / "train"
    chairs.mkdir(parents=True)
    for number in range(3):
        for ending in (FIRST, SECOND):
            pixels = draw.randint(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(chairs / f"{number:07}{ending}")
        write_flo(chairs / f"{number:07}{FLOW}", draw.uniform(-3, 3, (HEIGHT, WIDTH, 2)))
    network = _network()
    (folder / "net.tflite").write_bytes(network)
    manifest, seal = _run(folder / "run")
    table, about = _table(folder / "sweep")
    configs = [file.read_bytes() for file in sorted((Path(__file__).parents[1] / "configs").glob("*.yaml"))]
    names = [f"train/{number:07}" for number in range(3)]
    lists = ["\n".join(names), "# all\n" + "\n".join(name + FIRST for name in names) + "\n",
             "".join(" ".join(name + ending for ending in (FIRST, SECOND, FLOW)) + "  # one\n" for name in names)]  # fmt: skip
    return ValidFiles(folder, (chairs / f"0000000{FLOW}").read_bytes(), _images(), manifest, seal, table, about, network, configs,
                      [text.encode() for text in lists])  # fmt: skip


def _images() -> List[bytes]:
    draw, files = np.random.RandomState(1), []
    colours = Image.fromarray(draw.randint(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8))
    told = PngImagePlugin.PngInfo()
    told.add_text("Title", "a frame")
    told.add_itxt("Author", "é", zip=True)
    told.add_text("Comment", "long " * 9, zip=True)
    deep = Image.fromarray(draw.randint(0, 65535, (HEIGHT, WIDTH)).astype(np.uint16))
    frames = {"save_all": True, "append_images": [colours.rotate(90)]}
    for image, how in [(colours, {"pnginfo": told, "dpi": (72, 72), "icc_profile": b"profile"}), (colours, frames), (deep, {}),
                       *((colours.convert(mode), {}) for mode in ("P", "L", "1", "RGBA", "LA"))]:  # fmt: skip
        file = io.BytesIO()
        image.save(file, "PNG", **how)
        files.append(file.getvalue())
    return files


def _network() -> bytes:
    """A convolution of an image pair of float values: from six channels to two."""
    none = Quantisation(*(np.empty(0, kind) for kind in (np.float32, np.float32, np.float32, np.int64)), 0)
    kernel, bias = np.linspace(-1, 1, 2 * 3 * 3 * 6, dtype=np.float32), np.zeros(2, np.float32)
    number = tflite.TensorType.FLOAT32
    tensors = {
        "images": Tensor((1, HEIGHT, WIDTH, 6), number, none, np.empty(0, np.uint8)),
        "kernel": Tensor((2, 3, 3, 6), number, none, kernel.view(np.uint8)),
        "bias": Tensor((2,), number, none, bias.view(np.uint8)),
        "flow": Tensor((1, HEIGHT, WIDTH, 2), number, none, np.empty(0, np.uint8)),
    }
    options = (("StrideH", 1), ("StrideW", 1), ("DilationHFactor", 1), ("DilationWFactor", 1))
    convolution = Operator(tflite.BuiltinOperator.CONV_2D, 1, ("images", "kernel", "bias"), ("flow",),
                           tflite.BuiltinOptions.Conv2DOptions, options)  # fmt: skip
    return write_graph(Graph(tensors, [convolution], ("images",), ("flow",)))


def _run(folder: Path) -> tuple:
    folder.mkdir()
    manifest = manifest_of_config(load_config(assignments=["train.num_epochs=9"]))
    space = SUPERNETS["edgeflow-bilinear"].space
    manifest["identity"].update(
        {"network.space": space.name, "network.space_version": space.version, "data.train.samples": 3}
    )
    manifest["history"].append({"at": "2024-01-01 00:00:00", "step": 7, "identity_sha256": "0" * 64, "changed": {"train.lr": [0.1, 0.2]},
                                "schedule": None})  # fmt: skip
    write_manifest(folder, manifest)
    state = {"epoch": 2, **RunProgress.of_space(space).as_state(), "metric": "mean", "histories": {}, "base_width": 4,
             "identity_sha256": identity_sha256(manifest)}  # fmt: skip
    hashes = {ending: hashlib.sha256(ending.encode()).hexdigest() for ending in ENDINGS}
    for name in (BEST, LAST):
        for ending in ENDINGS:
            (folder / f"{name}.abc{ending}").write_text(ending)
        write_seal(folder / name, state, "abc", hashes)
    seal = json.loads(with_ending(folder / BEST, SEAL).read_text())
    seal.pop("seal_sha256")
    return json.loads((folder / MANIFEST).read_text()), seal


def _table(folder: Path) -> tuple:
    folder.mkdir()
    space = SUPERNETS["edgeflow-bilinear"].space
    rows = []
    for place, code in enumerate(space.uniform_codes()):
        options = {block.name: block.label(digit) for block, digit in zip(space.blocks, code)}
        known = ("compiled", "derived", "failed")[place]
        figures = (1.5, 1000 / 1.5, 300.0, True) if place < 2 else (None,) * 4
        bounds = (0.1 * place,) * 3 if place < 2 else (None,) * 3
        rows.append(Row(str(code), options, *figures, 10**8, 10**5, figures[0], known, *bounds, 2.5 if place else None))
    about = {"space": [space.name, space.version], "title": "a board", "proofs": [{"largest_flash_error_kib": 0.5}]}
    write_table(folder, CostTable(rows, about, space))
    return (folder / TABLE).read_text(), json.loads((folder / ABOUT).read_text())


def sealed_anew(tree: dict, field: str, written) -> dict:
    """A tree with the hash of itself put right, where it is a tree that has one."""
    if not isinstance(tree, dict):
        return tree
    plain: Dict = {key: value for key, value in tree.items() if key != field}
    return {**plain, field: hashlib.sha256(written(plain).encode()).hexdigest()}
