"""How good a front is, as one figure: the part of the plane of two costs that it beats (Zitzler & Thiele, 1998)."""

from typing import Dict

import numpy as np

from efnas.core.space import SearchSpace


def hypervolume(first: np.ndarray, second: np.ndarray, worst: tuple) -> float:
    """The area between points of two costs and a worst point, in the product of their units."""
    order = np.lexsort((second, first))
    first, second = np.minimum(first[order], worst[0]), np.minimum(second[order], worst[1])
    least = np.minimum.accumulate(second)  # what is reached at a first cost no larger than this
    widths = np.diff(np.append(first, worst[0]))
    return float(np.sum(widths * (worst[1] - least)))


def lost_without(space: SearchSpace, latency: np.ndarray, epe: np.ndarray) -> Dict[str, float]:
    """By block, the share of the front's hypervolume that a space loses in which that block has one option only, the
    one with which it loses least. Values are in the order of the codes; the worst point is that of the space."""
    worst = latency.max(), epe.max()
    whole = hypervolume(latency, epe, worst)
    codes = np.array(list(space.codes()))
    lost = {}
    for place, block in enumerate(space.blocks):
        kept = [codes[:, place] == digit for digit in range(len(block.options))]
        best = max(hypervolume(latency[each], epe[each], worst) for each in kept)
        lost[block.name] = 1 - best / whole if whole else 0.0
    return lost
