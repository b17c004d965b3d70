"""The C sources of a package, compiled for this machine around a made-up network."""

import ctypes
import itertools
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from efnas.export.content import Port
from efnas.export.host import upsample_x2
from efnas.export.package.folder import SOURCES
from efnas.export.package.header import NAME, header
from efnas.export.package.network import DeployedNetwork
from efnas.export.package.room import Frames, Room, host_bytes, places, taps
from efnas.vela.board import packaged_profile

STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wpedantic", "-Werror", "-O2"]
# Behind a buffer of the size that the macros say.
GUARD, MARK = 8, 77777
HOST = [SOURCES / f"efnas_{name}.c" for name in ("input", "flow", "colour")]


def made_up(form: str, height: int = 20, width: int = 32) -> DeployedNetwork:
    """A network whose canvas is larger than its images, as where a height is no multiple of 16. What is packed is cut
    there, and so is what it is added to."""
    canvas = [-(-side // 16) * 16 for side in (height, width)]
    quarter = [side // 4 for side in canvas]
    given = Port("images", [1, height, width, 6], "INT8", 0.00784294307231903, -1)
    if form == "accumulated":
        return DeployedNetwork(given, [Port("Sum1/flow", [1, *canvas, 2], "INT8", 0.0461567, 16)])
    if form.startswith("packed"):
        rows = -(-height // 2)
        cut = [min(rows + 1, 2 * quarter[0]), 2 * quarter[1]]
        packed = Port("H2Out/residual", [1, rows, cut[1], 8], "INT8", 0.0031415, -7)
        if form == "packed of two heads":
            return DeployedNetwork(given, [packed, Port("Sum1/flow", [1, *cut, 2], "INT8", 0.046123, 16)])
        residual = Port("H1Out/residual", [1, *cut, 2], "INT8", 0.0127, 5)
        return DeployedNetwork(given, [residual, packed, Port("Sum1/flow", [1, *quarter, 2], "INT8", 0.046123, 16)])
    half = Port("Sum2/flow", [1, canvas[0] // 2, canvas[1] // 2, 2], "INT8", 0.046123, 16)
    return DeployedNetwork(given, [Port("H2Out/residual", [1, *canvas, 2], "INT8", 0.0031415, -7), half])


def header_of(network, compiled=b"model", vectors=b"vectors", pairs=3, frames=None, arena=8192) -> str:
    frames = frames or Frames(network.height, network.width, 3)
    memory = packaged_profile().memory
    sizes = {"model": len(compiled), "vectors": len(vectors)}
    room = Room({"arena": arena, **host_bytes(network.height, network.width, frames, network.packed is not None)},
                places(memory, memory.model_address, sizes))  # fmt: skip
    return header(network, frames, room, arena, memory, compiled, vectors, pairs, {"arch": 'a "code"'})


def c_compiler(*names: str) -> str:
    found = next(filter(None, map(shutil.which, names or ("gcc", "cc", "clang"))), None)
    if not found:
        pytest.skip(f"there is no {' or '.join(names) or 'C compiler'} here")
    return found


class HostLibrary:
    """The host's part for one network; arrays go in and come out."""

    def __init__(self, network: DeployedNetwork, folder: Path):
        self.network = network
        (folder / NAME).write_text(header_of(network))
        library = folder / "host.so"
        # What C does not define ends the program.
        words = [
            *STRICT,
            "-fsanitize=undefined",
            "-fsanitize-undefined-trap-on-error",
            "-shared",
            "-fPIC",
            "-I",
            folder,
            *HOST,
            "-o",
            library,
        ]
        subprocess.run([c_compiler(), *map(str, words)], check=True)
        self._library = ctypes.CDLL(str(library))

    def input(self, frames) -> np.ndarray:
        """int8 [h, w, 6] of uint8 frames [h, w, channels]."""
        height, width, channels = frames[0].shape
        found = np.full((self.network.height, self.network.width, 6), 99, np.int8)
        tables = self.network.width * (2 + taps(width, self.network.width)) + 3 + taps(height, self.network.height)
        work = np.full(width * channels + tables // 2 + GUARD, MARK, np.uint32)
        for slot, frame in enumerate(frames):
            self._call("efnas_frame_to_input", frame, height, width, channels, slot, work, found)
        assert (work[-GUARD:] == MARK).all()
        return found

    def flow(self, outputs, height: int, width: int, real: bool = False) -> np.ndarray:
        """int16 in 1/64 pixel, or float32 in pixels, [height, width, 2] of the stored outputs by name."""
        network, found = self.network, np.zeros((height, width, 2), np.float32 if real else np.int16)
        ports = (network.flow, network.residual, network.packed)
        pointers = (ctypes.c_void_p * 3)(*(port and outputs[port.name].ctypes.data for port in ports))
        values = 8 * -(-network.width // 2) + 4 if network.packed else 2 * network.width
        work = np.full(values + GUARD, MARK, np.float32 if real else np.int32)
        for y in range(height):
            name = "efnas_flow_row_float" if real else "efnas_flow_row"
            self._call(name, pointers, height, width, y, work, found[y])
        assert (work[-GUARD:] == MARK).all()
        return found

    def picture(self, flow: np.ndarray, longest: int) -> np.ndarray:
        rgb = np.zeros((*flow.shape[:2], 3), np.uint8)
        self._call("efnas_flow_to_rgb", flow, flow.size // 2, longest, rgb)
        return rgb

    def packed(self, rgb: np.ndarray) -> np.ndarray:
        packed = np.zeros(rgb.shape[:2], np.uint16)
        self._call("efnas_rgb_to_565", rgb, packed.size, packed)
        return packed

    def kept(self, given: np.ndarray) -> np.ndarray:
        """The input of the next pair, of which only the first frame is there."""
        kept, following = np.zeros(given.size // 2, np.int8), np.zeros_like(given)
        self._call("efnas_keep_second", given, kept)
        self._call("efnas_restore_first", kept, following)
        return following

    def _call(self, name: str, *values) -> None:
        words = [ctypes.c_void_p(value.ctypes.data) if isinstance(value, np.ndarray) else value for value in values]
        getattr(self._library, name)(*words)


def flow_stated(network: DeployedNetwork, outputs: dict, height: int, width: int) -> np.ndarray:
    """Flow [height, width, 2] in pixels of the network's images, of the stored outputs by name, in real numbers."""
    flow = None
    for port in network.coarse_to_fine:
        finer = (outputs[port.name].astype(np.float32) - port.zero_point) * port.scale
        if port.shape[3] == 8:
            stored, (rows, columns) = finer, finer.shape[:2]
            finer = np.zeros((2 * rows, 2 * columns, 2), np.float32)
            for p, q, c in itertools.product(range(2), repeat=3):
                finer[p::2, q::2, c] = stored[..., (p * 2 + q) * 2 + c]
        flow = finer if flow is None else upsample_x2(flow)[: len(finer)] + finer
    return flow[:height, :width]


def drawn_outputs(rng, network: DeployedNetwork) -> dict:
    return {port.name: rng.randint(-128, 128, port.shape[1:]).astype(np.int8) for port in network.outputs}
