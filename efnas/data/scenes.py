"""Which pairs belong together: frames of one sequence are alike, so they are drawn, and held out, together."""

from typing import List, Sequence, Tuple

import numpy as np


def scenes_of(names: Sequence[str]) -> np.ndarray:
    """Which pairs are drawn together: int [pairs], numbered as they first appear.

    Where the names lie in more than one folder (`clean/alley_1/frame_0001`), a folder is a scene; otherwise, and for a
    name without a folder, each pair is one of its own.
    """
    numbers = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in scene_keys(names)], dtype=int)


def scene_keys(names: Sequence[str]) -> List[Tuple[bool, str]]:
    """Whether its folder is its scene, and the folder or else the name, of each pair."""
    folders = [name.rpartition("/")[0] for name in names]
    several = len(set(folders)) > 1
    return [(True, folder) if several and folder else (False, name) for folder, name in zip(folders, names)]
