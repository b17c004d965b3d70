"""Data sets as they are distributed: which pairs a folder in FlyingChairs2, MPI-Sintel or Middlebury layout holds.

Sources: Ilg et al., "Occlusions, motion and depth boundaries", 2018; Butler et al., "A naturalistic open source movie
for optical flow evaluation", 2012; Baker et al., "A database and evaluation methodology for optical flow", 2011.
"""

import re
from pathlib import Path
from typing import List, NamedTuple, Optional, Tuple

from efnas.data.flying_chairs import FIRST, FLOW, SECOND, index_folder
from efnas.errors import EfnasError

CHAIRS, SINTEL, MIDDLEBURY = "FlyingChairs2", "MPI-Sintel", "Middlebury"
PASSES = ("clean", "final")
LOOKED_FOR = (
    f"{CHAIRS} (files NNNNNNN{FIRST}, {SECOND} and {FLOW}, or train/ or val/ with them), "
    f"{SINTEL} (training/clean/, training/final/, training/flow/), {MIDDLEBURY} (other-data/, other-gt-flow/)"
)


class LaidOutPair(NamedTuple):
    """Two images, the flow between them and, where the data set says so, an image that is not black where the flow
    counts for nothing.

    `scene` is what errors are told of. `part` is what its scenes belong to (rendered clean, or final), else empty;
    `sequence` is what of it is alike: pairs of one are drawn together when it is asked how sure a mean is.
    """

    name: str
    part: str
    scene: str
    sequence: str
    first: Path
    second: Path
    flow: Path
    invalid: Optional[Path] = None


class LaidOut(NamedTuple):
    """The pairs of a folder in the order of their names; `without_flow` are scenes that have images alone."""

    layout: str
    pairs: Tuple[LaidOutPair, ...]
    without_flow: Tuple[str, ...] = ()


def laid_out(folder: Path) -> LaidOut:
    """The pairs of a data set in one of the three layouts.

    Raises EfnasError for a folder of none, saying what was looked for, and, naming it, for a file that is missing.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise EfnasError(f"There is no folder {folder}.")
    if _any_folder(folder, "other-data", "other-gt-flow"):
        return _middlebury(folder)
    training = folder / "training" if (folder / "training").is_dir() else folder
    if _any_folder(training, "flow", *PASSES):
        return _sintel(training)
    parts = [part for part in ("train", "val") if (folder / part).is_dir()]
    if parts or any(path.name.endswith((FIRST, SECOND, FLOW)) for path in folder.iterdir()):
        return _chairs(folder, parts)
    raise EfnasError(f"{folder} has no layout that is known; looked for {LOOKED_FOR}.")


def _chairs(folder: Path, parts: List[str]) -> LaidOut:
    pairs = []
    for part in parts or [folder.resolve().name]:
        for sample in index_folder(folder / part if parts else folder).samples:
            name = f"{part}/{sample.name}"
            pairs.append(LaidOutPair(name, "", part, name, sample.first, sample.second, sample.flow))
    return LaidOut(CHAIRS, tuple(pairs))


def _sintel(training: Path) -> LaidOut:
    parts = [part for part in PASSES if (training / part).is_dir()]
    if not parts or not (training / "flow").is_dir():
        raise EfnasError(f"{training} is {SINTEL} without {'flow/' if parts else ' or '.join(PASSES)}.")
    pairs = []
    for part in parts:
        for scene in _folders(training / part):
            flows = training / "flow" / scene
            for number in _numbers(training / part / scene, flows):
                first, second = (training / part / scene / f"frame_{each:04}.png" for each in (number, number + 1))
                flow, invalid = flows / f"frame_{number:04}.flo", training / "invalid" / scene / first.name
                name = f"{part}/{scene}/{first.stem}"
                _require(name, first, second, flow)
                pairs.append(LaidOutPair(name, part, f"{part}/{scene}", scene, first, second, flow,
                                         invalid if invalid.is_file() else None))  # fmt: skip
    return _some(SINTEL, pairs, training)


def _numbers(frames: Path, flows: Path) -> List[int]:
    """Of frames that another follows, or that have flow: what is missing of their pairs is then found out."""
    found, known = (
        {int(match[1]) for match in map(re.compile(rf"frame_(\d+)\.{ending}$").match, _files(folder)) if match}
        for folder, ending in ((frames, "png"), (flows, "flo"))
    )
    return sorted({number for number in found if number + 1 in found} | known)


def _middlebury(folder: Path) -> LaidOut:
    images, flows = folder / "other-data", folder / "other-gt-flow"
    for part in (images, flows):
        if not part.is_dir():
            raise EfnasError(f"{folder} is {MIDDLEBURY} without {part.name}/.")
    pairs = []
    for scene in _folders(flows):
        files = images / scene / "frame10.png", images / scene / "frame11.png", flows / scene / "flow10.flo"
        _require(scene, *files)
        pairs.append(LaidOutPair(scene, "", scene, scene, *files))
    without = sorted(set(_folders(images)) - {pair.scene for pair in pairs})  # the flow of some was never published
    return _some(MIDDLEBURY, pairs, flows)._replace(without_flow=tuple(without))


def _some(layout: str, pairs: List[LaidOutPair], where: Path) -> LaidOut:
    if not pairs:
        raise EfnasError(f"{where} is {layout}, and holds no pair.")
    return LaidOut(layout, tuple(pairs))


def _require(name: str, *files: Path) -> None:
    for file in files:
        if not file.is_file():
            raise EfnasError(f"{file} is missing: pair {name} is not complete.")


def _any_folder(folder: Path, *names: str) -> bool:
    return any((folder / name).is_dir() for name in names)


def _folders(folder: Path) -> List[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir())


def _files(folder: Path) -> List[str]:
    return [path.name for path in folder.iterdir()] if folder.is_dir() else []
