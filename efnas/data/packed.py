"""Packed data: the decoded frames and flows of a set, one sample after the other in one file, with an index beside it.

`NAME.pack` begins with `MAGIC` and the hash of its index; each sample is its flow [h, w, 2], then both its frames,
uint8 [h, w, 3], then, where it was asked for, the flow back. `NAME.pack.json`, the index, says what stands where.
`packing` writes them.
"""

import hashlib
import os
from pathlib import Path
from typing import List, NamedTuple, Optional, Tuple

import numpy as np

from efnas.cache import key_of
from efnas.data.flow_files import read_flo
from efnas.data.flying_chairs import DataSet, Place, Sample
from efnas.errors import EfnasError
from efnas.strict_json import read_json

FORMAT = 1
MAGIC = b"efnas pk"
ALIGNED = 64  # bytes of which a sample's begin is a multiple; those before the first hold what names the index
PACK, INDEX = ".pack", ".pack.json"
PARTS = ("train", "val")


class Frames(NamedTuple):
    """Both frames of a pair, uint8 [h, w, 3], and the flow from the first to the second [h, w, 2] in pixels."""

    first: np.ndarray
    second: np.ndarray
    flow: np.ndarray


def packed_parts(folder: Path) -> List[str]:
    """Which of the sets in a folder are packed."""
    return [part for part in PARTS if any((folder / f"{part}{ending}").is_file() for ending in (PACK, INDEX))]


def packed_dataset(base: Path, asked: str) -> DataSet:
    """The set of a packed folder that is called so, or was packed from the folder or list of that name.

    Raises EfnasError for one that is not there, is torn, or does not belong to its index.
    """
    parts = packed_parts(base)
    if asked in parts:
        return _dataset(base, asked, _read_index(base / f"{asked}{INDEX}"))
    indices = {part: _read_index(base / f"{part}{INDEX}") for part in parts}
    for part, index in indices.items():
        if index["from"] == str(Path(asked)):
            return _dataset(base, part, index)
    told = " and ".join(f"{part} (from {index['from']})" for part, index in indices.items())
    raise EfnasError(f"{base} is packed data of {told}; there is no {asked} in it.")


def bytes_of(height: int, width: int, flow_type: str, back: bool) -> int:
    """What a sample takes."""
    return height * width * ((1 + back) * 2 * np.dtype(flow_type).itemsize + 6)


def content_hash(content) -> str:
    """Of the bytes of a sample."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def header_of(index_sha256: str) -> bytes:
    return (MAGIC + bytes.fromhex(index_sha256)).ljust(ALIGNED, b"\0")


class PackedFile:
    """A packed file that is open for reading at random, by several threads at once."""

    def __init__(self, path: Path):
        self._path, self._file = path, open(path, "rb")
        self._bytes = np.asarray(np.memmap(self._file, np.uint8, mode="r"))

    def content(self, place: Place) -> np.ndarray:
        """The bytes of a sample."""
        end = place.offset + bytes_of(place.height, place.width, place.flow_type, place.back)
        # To read what another process has cut off in the meantime would end this one.
        if os.fstat(self._file.fileno()).st_size < end:
            raise EfnasError(f"{self._path} is torn: it ends before its sample at byte {place.offset:,} does.")
        return self._bytes[place.offset : end]

    def frames(self, place: Place, backward: bool = False) -> Frames:
        """Views of the whole frames; `backward`, of the pair from the second to the first."""
        area, size = place.height * place.width, (place.height, place.width)
        flow_bytes = 2 * np.dtype(place.flow_type).itemsize * area
        flow, first, second, back = np.split(self.content(place), np.cumsum([flow_bytes, 3 * area, 3 * area]))
        if backward:
            flow, first, second = back, second, first
        return Frames(first.reshape(*size, 3), second.reshape(*size, 3), flow.view(place.flow_type).reshape(*size, 2))

    def cut(self, place: Place, top: int, left: int, height: int, width: int, backward: bool = False) -> Frames:
        """A copy of height x width of them; of the rest of the frames little is read."""
        rows = [each[top : top + height] for each in self.frames(place, backward)]
        # All rows are asked for at once: a disk that is far away would be waited for page by page.
        for each in rows:
            os.posix_fadvise(
                self._file.fileno(), each.ctypes.data - self._bytes.ctypes.data, each.nbytes, os.POSIX_FADV_WILLNEED
            )
        return Frames(*(each[:, left : left + width].copy() for each in rows))


def check_packed(sample: Sample) -> Optional[str]:
    """What is wrong with the content of a packed sample, as a sentence; None when nothing is."""
    place = sample.packed
    try:
        digest = content_hash(PackedFile(place.file).content(place))
    except (OSError, ValueError, EfnasError) as error:
        return str(error)
    return None if digest == place.content else f"Sample {sample.name} of {place.file} is not what was packed: damaged."


def frame_size(sample: Sample) -> Tuple[int, int]:
    """Height and width of its frames. Raises EfnasError when its files cannot be read."""
    if sample.packed:
        return sample.packed.height, sample.packed.width
    height, width, _ = read_flo(sample.flow).shape
    return height, width


def _read_index(path: Path) -> dict:
    try:
        index = read_json(path.read_text())
        if index["format"] != FORMAT or index.pop("sha256") != key_of(**index):
            raise ValueError("changed")
        return index
    except FileNotFoundError as error:
        raise EfnasError(f"There is no {path}, the index of {path.with_suffix('').name}.") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EfnasError(f"The index {path} is damaged: it is not as efnas data pack wrote it.") from error


def _dataset(base: Path, part: str, index: dict) -> DataSet:
    file = base / f"{part}{PACK}"
    try:
        size, head = file.stat().st_size, b""
        with open(file, "rb") as opened:
            head = opened.read(ALIGNED)
    except FileNotFoundError as error:
        raise EfnasError(f"There is no {file}, only its index.") from error
    except OSError as error:
        raise EfnasError(f"Cannot read {file}: {error.strerror}.") from error
    if head[: len(MAGIC)] != MAGIC:
        raise EfnasError(f"{file} is no packed data: efnas data pack writes it.")
    if head != header_of(key_of(**index)):
        raise EfnasError(f"{file} does not belong to its index {part}{INDEX}: the two are of different packings.")
    if size != index["bytes"]:
        raise EfnasError(f"{file} is torn: it has {size:,} bytes, and {index['bytes']:,} were packed.")
    samples = (
        Sample(name, base / first, file, file, Place(file, index["flow"], index.get("back", False), *place))
        for name, first, *place in index["samples"]
    )
    return DataSet(tuple(samples), file)
