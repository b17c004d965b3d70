"""`efnas_network.h`: what the C sources have to know of the network, its file and the board."""

import zlib
from typing import Dict, List, Optional

from efnas.export.content import Port
from efnas.export.package.fixed_point import input_values, multiplier
from efnas.export.package.network import DeployedNetwork
from efnas.export.package.room import Frames, Room
from efnas.vela.board import BoardMemory

NAME = "efnas_network.h"
# What C is told of an output that the network does not give.
NO_OUTPUT = Port("", [0, 0, 0, 0], "INT8", 0.0, 0)


def header(
    network: DeployedNetwork, frames: Frames, room: Room, arena: int, memory: BoardMemory, compiled: bytes,
    vectors: bytes, pairs: int, about: Dict[str, str],
) -> str:  # fmt: skip
    """`about` are words by name: the arch code, the checkpoint, versions."""
    facts = {f"EFNAS_{name.upper()}": f'"{_quotable(word)}"' for name, word in about.items()}
    numbers = {
        "HEIGHT": network.height, "WIDTH": network.width,
        "CANVAS_HEIGHT": network.canvas[0], "CANVAS_WIDTH": network.canvas[1],
        "FRAME_HEIGHT": frames.height, "FRAME_WIDTH": frames.width, "FRAME_CHANNELS": frames.channels,
        "INPUT_SCALE": _real(network.given.scale), "INPUT_ZERO_POINT": network.given.zero_point,
        "OUTPUTS": len(network.outputs), "RESIDUAL": int(bool(network.residual)), "PACKED": int(bool(network.packed)),
    }  # fmt: skip
    for name, port in (("FLOW", network.flow), ("RESIDUAL", network.residual), ("PACKED", network.packed)):
        numbers.update({f"{name}_{key}": value for key, value in _output(network, port).items()})
    numbers.update({
        "ARENA_BYTES": arena, "SRAM_BYTES": room.sram_total, "VECTORS_PAIRS": pairs,
    })  # fmt: skip
    for name, content in (("MODEL", compiled), ("VECTORS", vectors)):
        address, size = room.flash[name.lower()]
        numbers.update({
            f"{name}_BYTES": size, f"{name}_CRC32": f"0x{zlib.crc32(content):08x}u",
            f"{name}_FLASH_ADDRESS": f"0x{address:x}u", f"{name}_ADDRESS": f"0x{memory.flash_mapped_at + address:x}u",
        })  # fmt: skip
    facts.update({f"EFNAS_{name}": value for name, value in numbers.items()})
    lines = ["/* Made by efnas package. Addresses: of the flash itself, and where the processor sees it. */",
             "#ifndef EFNAS_NETWORK_H", "#define EFNAS_NETWORK_H", ""]  # fmt: skip
    lines += [f"#define {name} {value}" for name, value in facts.items()]
    lines += ["", "/* What the network is given for a value of a frame. */",
              "#define EFNAS_INPUT_VALUES \\", _table(input_values(network).tolist()), "", "#endif", ""]  # fmt: skip
    return "\n".join(lines)


def _quotable(word: str) -> str:
    return str(word).replace("\\", "\\\\").replace('"', '\\"')


def _real(number: float) -> str:
    return f"{number:.9e}f"


def _output(network: DeployedNetwork, port: Optional[Port]) -> dict:
    number = network.outputs.index(port) if port else "(-1)"
    port = port or NO_OUTPUT
    _, height, width, channels = port.shape
    return {
        "OUTPUT": number, "HEIGHT": height, "WIDTH": width, "BYTES": height * width * channels,
        "SCALE": _real(port.scale), "ZERO_POINT": f"({port.zero_point})", "MULTIPLIER": multiplier(port.scale),
    }  # fmt: skip


def _table(values: List[int]) -> str:
    rows = [", ".join(map(str, values[place : place + 16])) for place in range(0, len(values), 16)]
    return "    { " + ", \\\n      ".join(rows) + " }"
