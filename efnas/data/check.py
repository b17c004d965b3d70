"""The check of a data set: pairs complete, images decode, sizes equal, flow whole and finite."""

import os
from pathlib import Path
from typing import Callable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from efnas.data.flow_files import read_flo
from efnas.data.flying_chairs import Sample, index_list, scan_folder
from efnas.data.images import TRAINABLE, read_image
from efnas.data.packed import check_packed, frame_size, packed_dataset, packed_parts
from efnas.errors import EfnasError


class CheckedPart(NamedTuple):
    """A folder or list of pairs, and a sentence for each that is broken."""

    part: str
    pairs: int
    problems: List[str]


def check_data(
    path: Path, listed: Optional[Path], min_height: int, min_width: int, progress: Callable[..., None]
) -> List[CheckedPart]:
    """Check the pairs of a folder, or of train/ and val/ in it, or those that the list file `listed` names below it; of
    packed data the content of every pair.

    `progress(done, total, what)` counts pairs. Raises EfnasError when there is nothing to check.
    """
    if not path.is_dir():
        raise EfnasError(f"There is no folder {path}.")
    packed = [path / name for name in packed_parts(path)]
    if packed and listed:
        raise EfnasError(f"{path} is packed data, whose pairs no list names.")
    folders = packed or [path / name for name in ("train", "val") if (path / name).is_dir()] or [path]
    checked = []
    for part in [listed] if listed else folders:
        if packed:
            samples, problems = _packed_samples(part)
        else:
            samples, problems = (index_list(listed, path).samples, []) if listed else scan_folder(part)
        for done, problem in enumerate(check_samples(samples, min_height, min_width), start=1):
            if problem:
                problems.append(problem)
            progress(done, len(samples), f"Checking {part}")
        checked.append(CheckedPart(str(part), len(samples), problems))
    return checked


def check_sample(sample: Sample, min_height: int = 1, min_width: int = 1) -> Optional[str]:
    """What is wrong with the files of a sample, as a sentence that names the file; None when nothing is.

    The images must be whole, all three files have one size, at least the given one, and the flow be known everywhere.
    What was packed was so; it must still be the same.
    """
    if sample.packed:
        return check_packed(sample) or _too_small(sample, min_height, min_width)
    sizes = []
    for path in (sample.first, sample.second):
        if not os.path.exists(path):
            return f"{path} is missing."
        try:
            sizes.append(read_image(path, TRAINABLE).shape[:2])
        except EfnasError as error:
            return str(error)
    try:
        flow = read_flo(sample.flow)
    except EfnasError as error:
        return str(error)
    if sizes[0] != sizes[1]:
        return f"{sample.second} is {_size(sizes[1])} but {sample.first.name} is {_size(sizes[0])}."
    if flow.shape[:2] != sizes[0]:
        return f"{sample.flow} is {_size(flow.shape)} but {sample.first.name} is {_size(sizes[0])}."
    return _too_small(sample, min_height, min_width)


def of_another_size(samples: Sequence[Sample]) -> Optional[str]:
    """A sentence that names the first of some whole samples that has another size than the first one."""
    sizes = [frame_size(sample) for sample in samples]
    other = next((number for number, size in enumerate(sizes) if size != sizes[0]), None)
    if other is None:
        return None
    return f"{samples[other].first} is {_size(sizes[other])}, {samples[0].first} {_size(sizes[0])}."


def check_samples(samples, min_height: int = 1, min_width: int = 1) -> Iterator[Optional[str]]:
    """`check_sample` for each sample, in order, on all cores."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor() as pool:
        yield from pool.map(lambda sample: check_sample(sample, min_height, min_width), samples)


def _packed_samples(part: Path) -> Tuple[Sequence[Sample], List[str]]:
    try:
        return packed_dataset(part.parent, part.name).samples, []
    except EfnasError as error:
        return [], [str(error)]


def _too_small(sample: Sample, min_height: int, min_width: int) -> Optional[str]:
    size = frame_size(sample)
    if size[0] >= min_height and size[1] >= min_width:
        return None
    return f"{sample.first} is {_size(size)}, smaller than the input of {_size((min_height, min_width))}."


def _size(shape) -> str:
    return f"{shape[1]}x{shape[0]} pixels"
