"""The folder of a package: the file, compiled; what belongs around it in C; test vectors; and how to get it running."""

import hashlib
import os
import shutil
import zlib
from pathlib import Path
from string import Template
from typing import Callable, Dict, NamedTuple, Optional

from efnas.config import Config
from efnas.core.space import ArchCode
from efnas.errors import CheckFailed, EfnasError
from efnas.export.package.header import NAME as HEADER
from efnas.export.package.header import header
from efnas.export.package.network import deployed_network
from efnas.export.package.room import Frames, Room, arena_bytes, host_bytes, places
from efnas.export.package.vectors import PAIRS, make_vectors, packed, packed_bytes
from efnas.files import as_json, make_folder, require_new_folder
from efnas.machine import library_versions
from efnas.vela.board import BoardMemory
from efnas.vela.compiler import Settings, Vela
from efnas.vela.output import Compiled

MODEL, COMPILED, VECTORS, ABOUT = "network.tflite", "network_vela.tflite", "vectors.bin", "package.json"
SOURCES, BOARD = Path(__file__).parent / "c", Path(__file__).parent / "board"


class Wanted(NamedTuple):
    """What is packaged: a subnet with the weights of a checkpoint (None: seeded random ones), in an output form, for
    frames of the camera, to lie in the flash from an address on (None: the lowest that models have)."""

    config: Config
    arch: ArchCode
    checkpoint: Optional[str]
    form: str
    frames: Frames
    flash_address: Optional[int] = None


def write_package(
    wanted: Wanted, vela: Vela, choose: Callable[[bytes, float], Settings], out: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict:  # fmt: skip
    """Make the folder `out`, which appears whole, and return what its package.json says.

    `choose` gives the compiler's settings for a file and the KiB of SRAM that are left for it. Raises EfnasError for a
    board that is not described, CheckFailed, with nothing written, where the package has no room on it.
    """
    memory, data = vela.profile.require_memory(), wanted.config.data
    address = memory.model_address if wanted.flash_address is None else wanted.flash_address
    require_new_folder(out)
    beside = host_bytes(data.input_height, data.input_width, wanted.frames)
    least = Room({"arena": arena_bytes(0), **beside}, places(memory, address, {"model": 0}))
    least.require(memory)
    left = (memory.sram_free - least.sram_total) / 1024
    workspace = out.absolute().with_name(f"{out.name}.partial-{os.getpid()}")
    make_folder(workspace)
    try:
        about = _fill(workspace, wanted, vela, lambda model: choose(model, left), address, progress)
        os.replace(workspace, out)
    except OSError as error:
        raise EfnasError(f"Cannot write {out}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(workspace, ignore_errors=True)
    return about


def _fill(
    folder: Path, wanted: Wanted, vela: Vela, choose: Callable[[bytes], Settings], address: int,
    progress: Callable[[int, int], None],
) -> dict:  # fmt: skip
    from efnas.export.subnet import export_subnet

    memory, frames = vela.profile.require_memory(), wanted.frames
    exported = export_subnet(wanted.config, wanted.arch, folder / MODEL, wanted.checkpoint, wanted.form, True)
    model = exported.path.read_bytes()
    settings = choose(model)
    compiled = vela.compile(model, settings, folder / COMPILED)
    if compiled.cpu_ops:
        raise CheckFailed(f"{compiled.cpu_ops} operators would run on the processor: the package has none for them.")
    program = (folder / COMPILED).read_bytes()
    network = deployed_network(model, program)
    arena = arena_bytes(compiled.sram_kib)
    sram = {"arena": arena, **host_bytes(network.height, network.width, frames)}
    room = Room(sram, places(memory, address, {"model": len(program), "vectors": packed_bytes(network)}))
    room.require(memory)
    vectors = packed(network, make_vectors(network, model, progress))
    described = exported.description
    versions = {**described["versions"], "vela": vela.version, **library_versions(("tflite-runtime", "numpy"))}
    words = {"arch": described["arch"], "form": wanted.form, "weights": described["source"]["weights"],
             "board": vela.profile.name, "versions": ", ".join(map(" ".join, versions.items()))}  # fmt: skip
    (folder / VECTORS).write_bytes(vectors)
    (folder / HEADER).write_text(header(network, frames, room, arena, memory, program, vectors, PAIRS, words))
    about = {
        **{key: described[key] for key in ("arch", "space", "form", "height", "width", "base_width", "source")},
        "inputs": [network.given._asdict()],
        "outputs": [port._asdict() for port in network.outputs],
        "how_to_read": described["how_to_read"],
        "board": vela.profile.name,
        "compiler": {"version": vela.version, **settings._asdict(), **_estimate(compiled)},
        "arena_bytes": arena,
        "frames": frames._asdict(),
        "sram": {**sram, "total": room.sram_total, "limit": memory.sram_free},
        "flash": {**{name: {"address": place, "bytes": count} for name, (place, count) in room.flash.items()},
                  "limit": memory.flash},
        "firmware_limit": memory.firmware,
        "versions": versions,
    }  # fmt: skip
    _copy_sources(folder, about, memory)
    about["files"] = {path.name: _of_file(path) for path in sorted(folder.iterdir())}
    (folder / ABOUT).write_text(as_json(about))
    return about


def _estimate(compiled: Compiled) -> dict:
    return {name: getattr(compiled, name) for name in ("sram_kib", "flash_kib", "inference_ms", "npu_ops")}


def _of_file(path: Path) -> dict:
    content = path.read_bytes()
    crc = f"{zlib.crc32(content):08x}"
    return {"bytes": len(content), "crc32": crc, "sha256": hashlib.sha256(content).hexdigest()}


def _copy_sources(folder: Path, about: dict, memory: BoardMemory) -> None:
    for source in sorted(SOURCES.iterdir()):
        shutil.copyfile(source, folder / source.name)
    shutil.copyfile(BOARD / "board.py", folder / "board.py")
    (folder / "README.md").write_text(Template((BOARD / "README.md").read_text()).substitute(_told(about, memory)))


def _told(about: dict, memory: BoardMemory) -> Dict[str, str]:
    """The words and figures of the README."""
    sram, flash, compiler = about["sram"], about["flash"], about["compiler"]
    arena = f" --arena-cache-size {compiler['arena']}" if compiler["arena"] else ""
    parts = {name: size for name, size in sram.items() if name not in ("total", "limit")}
    end = max(flash[name]["address"] + flash[name]["bytes"] for name in ("model", "vectors"))
    frames = about["frames"]
    return {
        "arch": about["arch"], "form": about["form"], "board": about["board"], "weights": about["source"]["weights"],
        "size": f"{about['height']}x{about['width']}", "vela": compiler["version"],
        "settings": f"--optimise {compiler['optimise']}{arena}", "ms": f"{compiler['inference_ms']:.1f}",
        "frame": f"{frames['height']}x{frames['width']}, " + ("RGB" if frames["channels"] == 3 else "grey"),
        "sram_rows": "\n".join(f"| {name} | {size:,} |" for name, size in parts.items()),
        "sram_total": f"{sram['total']:,}", "sram_limit": f"{sram['limit']:,}", "sram_region": f"{memory.sram:,}",
        "model_address": f"{flash['model']['address']:#x}", "model_bytes": f"{flash['model']['bytes']:,}",
        "vectors_address": f"{flash['vectors']['address']:#x}", "vectors_bytes": f"{flash['vectors']['bytes']:,}",
        "flash_end": f"{end:#x}", "flash_limit": f"{memory.flash:#x}", "firmware": f"{memory.firmware:,}",
    }  # fmt: skip
