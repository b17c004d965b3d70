"""The index of a data set: FlyingChairs2 folders, or a list of samples (Dosovitskiy et al., 2015; Ilg et al., 2018)."""

import hashlib
import os
from pathlib import Path
from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from efnas.errors import EfnasError
from efnas.files import read_file

FIRST, SECOND, FLOW, BACK = "-img_0.png", "-img_1.png", "-flow_01.flo", "-flow_10.flo"
FLOAT32, FLOAT16 = "float32", "float16"  # of packed flow


class Place(NamedTuple):
    """Where a sample stands in a packed file (see `packed`): its first byte, the size of its frames, the type of its
    flow, whether the flow back is there, too, and the hash of its content."""

    file: Path
    flow_type: str
    back: bool
    offset: int
    height: int
    width: int
    content: str


class Sample(NamedTuple):
    """One pair of images and the flow from the first to the second; `name` is the same on every machine.

    What of a `packed` sample the paths name need not be there: `first` says which file it was, below the packed folder.
    """

    name: str
    first: Path
    second: Path
    flow: Path
    packed: Optional[Place] = None


class DataSet(NamedTuple):
    """Samples in the order of their names, all or none of them packed, and where they were found."""

    samples: Tuple[Sample, ...]
    source: Path

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def packed(self) -> bool:
        return bool(self.samples) and self.samples[0].packed is not None

    def fingerprint(self) -> dict:
        """What tells two data sets apart whatever folder they lie in: the count and the hash of the sample names, and
        whether the flow was rounded when it was packed."""
        rounded = {"flow": FLOAT16} if self.packed and self.samples[0].packed.flow_type == FLOAT16 else {}
        return {**fingerprint_of([sample.name for sample in self.samples]), **rounded}


def paths_of(samples: Sequence[Sample]) -> np.ndarray:
    """Paths of samples, [n, 3]: first image, second image, flow."""
    return np.array([[str(path) for path in sample[1:4]] for sample in samples]).reshape(-1, 3)


def backward(sample: Sample) -> Sample:
    """The pair from the second image to the first, of files."""
    name = sample.flow.name
    back = sample.flow.with_name(name[: -len(FLOW)] + BACK) if name.endswith(FLOW) else sample.flow / BACK
    return sample._replace(first=sample.second, second=sample.first, flow=back)


def require_backward(dataset: DataSet) -> None:
    """Raises EfnasError for a data set whose pairs cannot be read backward."""
    told = "data.augmentation.time_reversal needs the flow back from the second frame"
    if dataset.packed:
        if not dataset.samples[0].packed.back:
            raise EfnasError(f"{told}, which {dataset.source} does not hold: pack it with --back, or set it to 0.")
        return
    missing = missing_flow_back(dataset)
    if missing:
        raise EfnasError(f"{told}: there is no {missing}; set it to 0.")


def missing_flow_back(dataset: DataSet) -> Optional[Path]:
    """The first file of a flow back that is not there."""
    paths = (backward(sample).flow for sample in dataset.samples)
    return next((path for path in paths if not os.path.isfile(path)), None)


def fingerprint_of(names: Sequence[str]) -> dict:
    """That of a data set whose samples have these names."""
    return {"samples": len(names), "names_sha256": hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()}


def planned_folder(folder: Path, numbers: Iterable[int]) -> DataSet:
    """The samples of a folder that is still to be written, by their numbers."""
    return DataSet(tuple(_sample(f"{number:07}", folder / f"{number:07}") for number in numbers), folder)


def index_folder(folder: Path) -> DataSet:
    """The samples of a folder with files `NNNNNNN-img_0.png`, `NNNNNNN-img_1.png` and `NNNNNNN-flow_01.flo`.

    Raises EfnasError when the folder is missing or holds no such file, or when a file of a sample is missing.
    """
    folder = Path(folder)
    samples, incomplete = scan_folder(folder)
    if incomplete:
        more = f" (and {len(incomplete) - 1} more)" if len(incomplete) > 1 else ""
        raise EfnasError(f"{incomplete[0]}{more}.")
    return DataSet(tuple(samples), folder)


def scan_folder(folder: Path) -> Tuple[List[Sample], List[str]]:
    """The complete samples of a folder, and a sentence for each incomplete one."""
    if not folder.is_dir():
        raise EfnasError(f"There is no folder {folder}.")
    files = {entry.name: _is_file(entry) for entry in os.scandir(folder)}
    stems = sorted(
        {name[: -len(ending)] for name in files for ending in (FIRST, SECOND, FLOW) if name.endswith(ending)}
    )
    if not stems:
        raise EfnasError(
            f"{folder} holds no pair: looked for files named NNNNNNN{FIRST}, NNNNNNN{SECOND} and NNNNNNN{FLOW}."
        )
    samples, incomplete = [], []
    for stem in stems:
        missing = [stem + ending for ending in (FIRST, SECOND, FLOW) if not files.get(stem + ending)]
        if missing:
            word = "no file" if missing[0] in files else "missing"
            incomplete.append(f"{folder / missing[0]} is {word}: sample {stem} is not complete")
        else:
            samples.append(_sample(stem, folder / stem))
    return samples, incomplete


def index_list(list_file: Path, base: Path) -> DataSet:
    """The samples of a text file, one a line; `#` begins a comment.

    A line is a sample's path below `base` without its endings (`train/0000001`), the path of its first image, or
    three paths: first image, second image, flow. Raises EfnasError, naming the line, for a file that does not exist.
    """
    list_file, base = Path(list_file), Path(base)
    try:
        lines = read_file(list_file).decode("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise EfnasError(f"Cannot read the index list {list_file}: {reason}.") from error
    samples = []
    for number, line in enumerate(lines, start=1):
        words = line.split("#")[0].split()
        if not words:
            continue
        if "\0" in line:
            raise EfnasError(f"{list_file}, line {number}: there is a NUL character in it.")
        name = words[0][: -len(FIRST)] if words[0].endswith(FIRST) else words[0]
        if len(words) == 3:
            sample = Sample(name, *(base / word for word in words))
        elif len(words) == 1 and (base / name).name:
            sample = _sample(name, base / name)
        elif len(words) == 1:
            raise EfnasError(f"{list_file}, line {number}: {name} names no sample.")
        else:
            raise EfnasError(f"{list_file}, line {number}: a sample is one path or three, not {len(words)}.")
        for path in sample[1:4]:
            if not os.path.isfile(path):  # unlike pathlib it takes a name that is too long for one that is not there
                raise EfnasError(f"{list_file}, line {number}: there is no file {path}.")
        samples.append(sample)
    if not samples:
        raise EfnasError(f"The index list {list_file} names no sample.")
    samples.sort(key=lambda sample: sample.name)
    seen: Dict[str, str] = {}
    for sample in samples:
        place = os.path.normpath(base / sample.name)  # ./a and b/../a are a
        if place in seen:
            other = f", also as {seen[place]}" if seen[place] != sample.name else ""
            raise EfnasError(f"The index list {list_file} names sample {sample.name} twice{other}.")
        seen[place] = sample.name
    return DataSet(tuple(samples), list_file)


def _is_file(entry: os.DirEntry) -> bool:
    """Whether there are bytes to read: reading a pipe would never end, and a link may lead nowhere."""
    try:
        return entry.is_file()
    except OSError:
        return False


def _sample(name: str, stem: Path) -> Sample:
    return Sample(name, *(stem.with_name(stem.name + ending) for ending in (FIRST, SECOND, FLOW)))
