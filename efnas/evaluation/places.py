"""Where subnets stand among each other: by how much each is worse than the best, and ranks that chance cannot turn."""

from typing import List, Optional, Sequence

import numpy as np

from efnas.data.scenes import scenes_of
from efnas.evaluation.confidence import Comparison, compared_with_best, intervals, resampled_weights
from efnas.runs.subnet_errors import Margin, Placed

RESAMPLES = 1000
LEVEL = 0.95


def weights_of(names: Sequence[str]) -> np.ndarray:
    """The resamples of pairs with these names, which are the same for all subnets and every question."""
    return resampled_weights(scenes_of(names), RESAMPLES, seed=0)


def margins_of(compared: Comparison) -> List[Margin]:
    """Of the candidates, in their order."""
    return [Margin(float(mean), finite(low), finite(high))
            for mean, low, high in zip(compared.difference, compared.low, compared.high)]  # fmt: skip


def paired_margin(difference: np.ndarray, names: Sequence[str]) -> Margin:
    """The mean of a difference [pairs] of two errors on pairs with these names, and its interval."""
    mean, low, high = intervals(difference[None], weights_of(names), LEVEL)
    return Margin(float(mean[0]), finite(low[0]), finite(high[0]))


def finite(end: float) -> Optional[float]:
    """The end of an interval, where one is known."""
    return float(end) if np.isfinite(end) else None


def placed(errors: np.ndarray, names: Sequence[str]) -> List[Placed]:
    """The place of each subnet by its errors [subnets, pairs]; those that cannot be told apart share a rank.

    The first rank is the best one's and that of all who cannot be told from it, the next is that of the best of the
    others, and so on; a rank is 1 + the number of subnets with a better one.
    """
    weights = weights_of(names)
    left, ranks, first = np.arange(len(errors)), np.zeros(len(errors), dtype=int), None
    while len(left):
        compared = compared_with_best(errors, left, weights, LEVEL)
        first = first or compared
        ranks[left[compared.indistinguishable]] = 1 + len(errors) - len(left)
        left = left[~compared.indistinguishable]
    return [Placed(int(rank), margin) for rank, margin in zip(ranks, margins_of(first))]
