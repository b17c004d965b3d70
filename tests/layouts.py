"""Small data sets in the layouts of public ones, of the pairs of a FlyingChairs2 folder."""

import shutil
from pathlib import Path

from efnas.data.flying_chairs import FIRST, FLOW, SECOND

SINTEL = "training/{}/{}/frame_{:04}.{}"


def files_of(chairs: Path, number: int) -> list:
    """First image, second image, flow of a training pair."""
    return [chairs / "train" / f"{number:07}{ending}" for ending in (FIRST, SECOND, FLOW)]


def put(source: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, place)


def middlebury_of(chairs: Path, folder: Path, *scenes: str) -> Path:
    for number, scene in enumerate(scenes):
        places = (
            f"other-data/{scene}/frame10.png",
            f"other-data/{scene}/frame11.png",
            f"other-gt-flow/{scene}/flow10.flo",
        )
        for source, place in zip(files_of(chairs, number), places):
            put(source, folder / place)
    return folder


def sintel_of(chairs: Path, folder: Path, *scenes: str) -> Path:
    """Three frames a scene, both passes."""
    for number, scene in enumerate(scenes):
        for frame in (1, 2):
            first, second, flow = files_of(chairs, 2 * number + frame)
            put(flow, folder / SINTEL.format("flow", scene, frame, "flo"))
            for part in ("clean", "final"):
                put(first, folder / SINTEL.format(part, scene, frame, "png"))
                put(second, folder / SINTEL.format(part, scene, 3, "png"))
    return folder
