"""Whether a package has room on a board: all that is in the SRAM at once, and the files in the flash."""

from typing import Dict, NamedTuple, Optional, Tuple

from efnas.errors import CheckFailed, EfnasError
from efnas.vela.board import BoardMemory

# What TensorFlow Lite Micro keeps in the arena beside the feature maps: an allowance. The self-test says what it uses.
RUNTIME_BYTES = 8192
ARENA_ALIGNMENT = 16


class Frames(NamedTuple):
    """The frames that come from the camera: `channels` are 3 (RGB) or 1 (grey)."""

    height: int
    width: int
    channels: int


class Room(NamedTuple):
    """Bytes of the SRAM by what they are for, and in the flash (address, bytes) by file."""

    sram: Dict[str, int]
    flash: Dict[str, Tuple[int, int]]

    @property
    def sram_total(self) -> int:
        return sum(self.sram.values())

    def lacks(self, memory: BoardMemory) -> Optional[str]:
        """Where the SRAM or the flash does not suffice, a sentence that says so, with the figures."""
        if self.sram_total > memory.sram_free:
            parts = ", ".join(f"{name} {size:,}" for name, size in self.sram.items())
            return (
                f"The package needs {self.sram_total:,} bytes of SRAM ({parts}), and the board has "
                f"{memory.sram_free:,} for it: take smaller or grey frames (--frame, --grey), or another "
                "subnet, form or input size."
            )
        end = max(address + size for address, size in self.flash.values())
        if end > memory.flash:
            files = ", ".join(f"{name} {size:,} bytes at {address:#x}" for name, (address, size) in self.flash.items())
            return (
                f"The files end at {end:#x} of the flash ({files}), which has {memory.flash:#x} bytes: take a lower "
                "--flash-address, or a smaller subnet."
            )
        return None

    def require(self, memory: BoardMemory) -> None:
        """Raises CheckFailed where it does not suffice."""
        lacks = self.lacks(memory)
        if lacks:
            raise CheckFailed(lacks)


def host_bytes(height: int, width: int, frames: Frames, packed: bool) -> Dict[str, int]:
    """The SRAM beside the arena, by what it is for, of a network that takes height x width and may have a packed
    output: a frame of the camera, the one before it as the network takes it, and what the host's part works in (as the
    macros of its header say)."""
    tables = width * (2 + taps(frames.width, width)) + 3 + taps(frames.height, height)
    taking = 4 * (frames.width * frames.channels + tables // 2)
    canvas = 8 * -(-width // 2) + 4 if packed else 2 * width
    giving = 4 * canvas + 2 * 2 * frames.width + 3 * frames.width  # with a row of flow, and of its picture
    return {
        "frame": frames.height * frames.width * frames.channels,
        "kept frame": height * width * 3,
        "host": max(taking, giving),
    }


def taps(size: int, small: int) -> int:
    """Pixels that weigh in one pixel when `size` of them are scaled down to `small`, at most."""
    return 2 * -(-size // small) + 1 if size > small else 1


def arena_bytes(sram_kib: float) -> int:
    """The arena for a network whose feature maps take so much."""
    return -(-int(sram_kib * 1024) // ARENA_ALIGNMENT) * ARENA_ALIGNMENT + RUNTIME_BYTES


def places(memory: BoardMemory, address: int, sizes: Dict[str, int]) -> Dict[str, Tuple[int, int]]:
    """(address, bytes) of files one after the other, each aligned. Raises EfnasError for an address that models cannot
    have."""
    if address < memory.model_address or address % memory.model_alignment:
        raise EfnasError(
            f"--flash-address is a multiple of {memory.model_alignment:#x} from {memory.model_address:#x} on, not "
            f"{address:#x}."
        )
    found = {}
    for name, size in sizes.items():
        found[name] = (address, size)
        address += -(-size // memory.model_alignment) * memory.model_alignment
    return found
