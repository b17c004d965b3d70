"""Bilinear x2 as arithmetic: what a kernel on the upsampled map takes of the small one. Knows no TensorFlow."""

from typing import Any, NamedTuple, Tuple

import numpy as np


class Upsampled(NamedTuple):
    """What stands for a map that is upsampled where it is used."""

    map: Any


def taps_after_upsampling(size: int, positions: Tuple[int, ...] = (0, 1)) -> Tuple[int, np.ndarray]:
    """The first place of the small map that a 1-D kernel reaches at these positions of the two, and
    [positions, places, size]: how much each of its weights takes of a place."""
    places = np.arange(-size, size + 1)
    taps = np.zeros((len(positions), len(places), size))
    for index, position in enumerate(positions):
        for weight in range(size):
            distance = np.abs(2 * places - (position + weight - size // 2))
            taps[index, :, weight] = np.maximum(0, 2 - distance) / 2
    used = np.flatnonzero(taps.any(axis=(0, 2)))
    return int(places[used[0]]), taps[:, used[0] : used[-1] + 1]
