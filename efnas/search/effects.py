"""Which choice blocks matter: the error of a whole space taken apart, block by block.

Every subnet is known, so nothing is estimated: the space is a full factorial, on which the decomposition into main
effects, interactions of two blocks and the rest is exact and its parts are orthogonal (analysis of variance: Fisher
1925; as shares of variance, Sobol' 1993; for choices of architectures and hyperparameters, Hutter, Hoos &
Leyton-Brown, "An efficient approach for assessing hyperparameter importance", ICML 2014).
"""

from itertools import combinations
from typing import Dict, List, NamedTuple, Tuple

import numpy as np

from efnas.core.space import SearchSpace


class Effects(NamedTuple):
    """Shares of the variance over all subnets, which together are 1, and what each option does in the values' unit.

    `options` is the mean of the subnets with that option less the mean of all.
    """

    blocks: Dict[str, float]
    pairs: Dict[Tuple[str, str], float]
    options: Dict[str, List[float]]
    rest: float


def effects(values: np.ndarray, space: SearchSpace) -> Effects:
    """The effects of the choice blocks on `values` [space.size], which are in the order of `space.codes()`.

    Values that are all the same have no variance to share out: all shares are 0.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.shape != (space.size,):
        raise ValueError(f"{space.name} has {space.size} subnets, not values of shape {values.shape}")
    constant = values.min() == values.max()
    left = (values - (values[0] if constant else values.mean())).reshape([space.options_per_block] * len(space.blocks))
    variance = np.mean(left**2) or 1.0

    # What two blocks explain is what is left over once each has had its main effect, and so on: orthogonal parts.
    parts = {}
    for order in (1, 2):
        for axes in combinations(range(left.ndim), order):
            others = tuple(axis for axis in range(left.ndim) if axis not in axes)
            parts[axes] = left.mean(axis=others, keepdims=True)
            left = left - parts[axes]

    names = [block.name for block in space.blocks]
    share = {axes: float(np.mean(part**2) / variance) for axes, part in parts.items()}
    return Effects(
        blocks={name: share[(axis,)] for axis, name in enumerate(names)},
        pairs={(names[a], names[b]): share[(a, b)] for a, b in combinations(range(len(names)), 2)},
        options={name: parts[(axis,)].ravel().tolist() for axis, name in enumerate(names)},
        rest=float(np.mean(left**2) / variance),
    )


def rank_correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Kendall's tau-b: 1 for the same order, -1 for the reverse, ties accounted for; NaN where x or y is constant."""
    from scipy.stats import kendalltau  # takes a quarter of a second to import

    return float(kendalltau(x, y).correlation)
