"""Reading and writing `.flo` files (the Middlebury format, Baker et al., 2011)."""

import struct
from pathlib import Path

import numpy as np

from efnas.errors import EfnasError
from efnas.files import read_file, write_whole

MAGIC = 202021.25
HEADER_BYTES = 12
MAX_SIDE = 100_000
UNKNOWN = 1e9  # Middlebury marks unknown flow with values from here on


def read_flo(path: Path, require_known: bool = True) -> np.ndarray:
    """The flow in a file: float32 [height, width, 2], (u, v) in pixels.

    With `require_known` a value that is not finite, or marked as unknown, is an error. Raises EfnasError, naming the
    file, when it is missing, is no `.flo` file, or holds more or fewer bytes than its header says.
    """
    try:
        raw = read_file(path)
    except OSError as error:
        raise EfnasError(f"Cannot read {path}: {error.strerror}.") from error
    if len(raw) < HEADER_BYTES:
        raise EfnasError(f"{path} is truncated: it has {len(raw)} bytes, less than a .flo header.")
    magic, width, height = struct.unpack("<fii", raw[:HEADER_BYTES])
    if magic != MAGIC:
        raise EfnasError(f"{path} is not a .flo file: its first number is {magic:g}, not {MAGIC}.")
    if not (0 < width < MAX_SIDE and 0 < height < MAX_SIDE):
        raise EfnasError(f"{path} says that it is {width}x{height} pixels, which cannot be.")
    expected = HEADER_BYTES + 8 * width * height
    if len(raw) != expected:
        word = "is truncated" if len(raw) < expected else "is too long"
        raise EfnasError(f"{path} {word}: {len(raw)} bytes where {width}x{height} pixels need {expected}.")
    flow = np.frombuffer(raw, "<f4", offset=HEADER_BYTES).reshape(height, width, 2).astype(np.float32)
    if require_known and not np.isfinite(flow).all():
        raise EfnasError(f"{path} holds {int((~np.isfinite(flow)).sum())} values that are not finite.")
    if require_known and (np.abs(flow) >= UNKNOWN).any():
        unknown = int((np.abs(flow) >= UNKNOWN).any(axis=-1).sum())
        raise EfnasError(f"{path} marks {unknown:,} pixels as unknown; training and evaluation need all of them.")
    return flow


def write_flo(path: Path, flow: np.ndarray) -> None:
    """Write float32 [height, width, 2] flow; the file appears whole or not at all."""
    flow = np.asarray(flow, "<f4")
    if flow.ndim != 3 or flow.shape[2] != 2:
        raise ValueError(f"a flow is [height, width, 2], not {flow.shape}")
    write_whole(path, struct.pack("<fii", MAGIC, flow.shape[1], flow.shape[0]) + flow.tobytes())
