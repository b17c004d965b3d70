"""The folder of a package: the file, compiled; what belongs around it in C; test vectors; and how to get it running."""

import hashlib
import os
import shutil
import zlib
from pathlib import Path
from typing import Callable, NamedTuple, Optional, Sequence, Tuple

from efnas.config import Config
from efnas.core.space import ArchCode
from efnas.errors import EfnasError
from efnas.export.calibration import AS_CONVERTED, Calibration
from efnas.export.host import PACKED
from efnas.export.package.compilers import ESTIMATES, Built, build, look
from efnas.export.package.header import NAME as HEADER
from efnas.export.package.header import header
from efnas.export.package.network import deployed_network
from efnas.export.package.readme import readme
from efnas.export.package.room import Frames, Room, arena_bytes, host_bytes, places
from efnas.export.package.vectors import PAIRS, make_vectors, packed, packed_bytes
from efnas.export.ready import ReadyFile
from efnas.files import as_json, make_folder, require_new_folder, write_json
from efnas.machine import library_versions
from efnas.vela.board import BoardMemory
from efnas.vela.compiler import Settings, Vela

MODEL, COMPILED, VECTORS, ABOUT = "network.tflite", "network_vela.tflite", "vectors.bin", "package.json"
ABOUT_NETWORK = "arch", "space", "form", "height", "width", "base_width", "source", "scales", "fine_tuning"
SOURCES, BOARD = Path(__file__).parent / "c", Path(__file__).parent / "board"


class Wanted(NamedTuple):
    """What is packaged: a subnet with the weights of a checkpoint (None: seeded random ones), in an output form, for
    frames of the camera, to lie in the flash from an address on (None: the lowest that models have), quantised so; or
    a file of it that is ready."""

    config: Config
    arch: ArchCode
    checkpoint: Optional[str]
    form: str
    frames: Frames
    flash_address: Optional[int] = None
    calibration: Calibration = AS_CONVERTED
    ready: Optional[ReadyFile] = None

    def file(self, path: Path, on_step: Callable[[int, int], None]) -> Tuple[bytes, dict]:
        """Put the file at a path, which is exported where none is ready; and what is said of it."""
        from efnas.export.subnet import export_subnet

        if self.ready:
            path.write_bytes(self.ready.model)
            write_json(path.with_name(f"{path.name}.json"), self.ready.description)
            return self.ready
        exported = export_subnet(self.config, self.arch, path, self.checkpoint, self.form, True,
                                 calibration=self.calibration, on_step=on_step)  # fmt: skip
        return path.read_bytes(), exported.description


def write_package(
    wanted: Wanted, velas: Sequence[Vela], choose: Callable[[Vela, bytes, float], Settings], out: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
    on_step: Callable[[int, int], None] = lambda done, total: None,
) -> dict:  # fmt: skip
    """Make the folder `out`, which appears whole, and return what its package.json says.

    What the first compiler makes is packaged, the others compile the same file to be told of. `choose` gives a
    compiler's settings for a file and the KiB of SRAM that are left for it. Raises EfnasError for a board that is not
    described, CheckFailed, with nothing written, where the package has no room on it.
    """
    memory, data = velas[0].profile.require_memory(), wanted.config.data
    address = memory.model_address if wanted.flash_address is None else wanted.flash_address
    require_new_folder(out)
    beside = host_bytes(data.input_height, data.input_width, wanted.frames, wanted.form == PACKED)
    least = Room({"arena": arena_bytes(0), **beside}, places(memory, address, {"model": 0}))
    least.require(memory)
    left = (memory.sram_free - least.sram_total) / 1024
    workspace = out.absolute().with_name(f"{out.name}.partial-{os.getpid()}")
    make_folder(workspace)
    try:
        about = _fill(workspace, wanted, velas, lambda vela, model: choose(vela, model, left), address, progress,
                      on_step)  # fmt: skip
        os.replace(workspace, out)
    except OSError as error:
        raise EfnasError(f"Cannot write {out}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(workspace, ignore_errors=True)
    return about


def _fill(
    folder: Path, wanted: Wanted, velas: Sequence[Vela], choose: Callable[[Vela, bytes], Settings], address: int,
    progress: Callable[[int, int], None], on_step: Callable[[int, int], None],
) -> dict:  # fmt: skip
    vela, *others = velas
    memory, frames = vela.profile.require_memory(), wanted.frames
    model, described = wanted.file(folder / MODEL, on_step)
    built = build(vela, model, choose(vela, model), folder / COMPILED)
    built.require_npu()
    network = deployed_network(model, built.program)
    beside = host_bytes(network.height, network.width, frames, network.packed is not None)
    vectors_bytes = packed_bytes(network)

    def room_of(each: Built) -> Room:
        flash = places(memory, address, {"model": len(each.program), "vectors": vectors_bytes})
        return Room({"arena": each.arena, **beside}, flash)

    room = room_of(built)
    room.require(memory)
    seen = [look(each, model, choose(each, model)) for each in others]
    vectors = packed(network, make_vectors(network, model, progress))
    versions = {**described["versions"], "vela": vela.version, **library_versions(("tflite-runtime", "numpy"))}
    words = {"arch": described["arch"], "form": wanted.form, "weights": described["source"]["weights"],
             "board": vela.profile.name, "versions": ", ".join(map(" ".join, versions.items()))}  # fmt: skip
    (folder / VECTORS).write_bytes(vectors)
    (folder / HEADER).write_text(
        header(network, frames, room, built.arena, memory, built.program, vectors, PAIRS, words)
    )
    about = {
        **{key: described[key] for key in ABOUT_NETWORK},
        "inputs": [network.given._asdict()],
        "outputs": [port._asdict() for port in network.outputs],
        "how_to_read": described["how_to_read"],
        "board": vela.profile.name,
        "compiler": built.as_dict(True),
        "other_compilers": [each.as_dict(room_of(each).lacks(memory) is None) for each in seen],
        "estimates": ESTIMATES,
        "arena_bytes": built.arena,
        "frames": frames._asdict(),
        "sram": {**room.sram, "total": room.sram_total, "limit": memory.sram_free},
        "flash": {**{name: {"address": place, "bytes": count} for name, (place, count) in room.flash.items()},
                  "limit": memory.flash},
        "firmware_limit": memory.firmware,
        "versions": versions,
    }  # fmt: skip
    _copy_sources(folder, about, memory)
    about["files"] = {path.name: _of_file(path) for path in sorted(folder.iterdir())}
    (folder / ABOUT).write_text(as_json(about))
    return about


def _of_file(path: Path) -> dict:
    content = path.read_bytes()
    crc = f"{zlib.crc32(content):08x}"
    return {"bytes": len(content), "crc32": crc, "sha256": hashlib.sha256(content).hexdigest()}


def _copy_sources(folder: Path, about: dict, memory: BoardMemory) -> None:
    for source in sorted(SOURCES.iterdir()):
        shutil.copyfile(source, folder / source.name)
    shutil.copyfile(BOARD / "board.py", folder / "board.py")
    (folder / "README.md").write_text(readme((BOARD / "README.md").read_text(), about, memory))
