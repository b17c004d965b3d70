"""Proof that the fair sampler does what it says, as a list of checks with figures."""

from itertools import permutations
from typing import List, NamedTuple

import numpy as np

from efnas.core.sampler import FairnessCounts, evaluation_pool, fair_cycle
from efnas.core.space import SearchSpace

# A fair sampler fails the uniformity check about once in a thousand seeds.
SIGNIFICANCE = 1e-3


class Check(NamedTuple):
    name: str
    passed: bool
    finding: str


def check_sampler(space: SearchSpace, seed: int, cycles: int, pool_size: int) -> List[Check]:
    """Check `cycles` fair cycles from `seed` and the evaluation pool of `pool_size` codes."""
    drawn = np.stack([fair_cycle(space, seed, step) for step in range(cycles)])
    return [
        _counts(space, drawn),
        _gap(space, drawn),
        *_reproducibility(space, seed, drawn),
        _uniformity(space, drawn),
        _pool(space, seed, pool_size),
    ]


def option_counts(space: SearchSpace, seed: int, cycles: int) -> FairnessCounts:
    counts = FairnessCounts.none(space)
    for step in range(cycles):
        counts.add(fair_cycle(space, seed, step))
    return counts


def _counts(space: SearchSpace, drawn: np.ndarray) -> Check:
    counts = np.stack([(drawn == option).sum(axis=(0, 1)) for option in range(space.options_per_block)])
    return Check(
        "every option of every block, count",
        bool((counts == len(drawn)).all()),
        f"between {counts.min()} and {counts.max()} in {len(drawn)} cycles",
    )


def _gap(space: SearchSpace, drawn: np.ndarray) -> Check:
    counts, worst = FairnessCounts.none(space), 0
    for codes in drawn:
        counts.add(codes)
        worst = max(worst, counts.gap)
    return Check("fairness gap after every cycle", worst == 0, f"largest gap {worst}")


def _reproducibility(space: SearchSpace, seed: int, drawn: np.ndarray) -> List[Check]:
    cycles = len(drawn)
    again = np.stack([fair_cycle(space, seed, step) for step in range(cycles)])
    other = np.stack([fair_cycle(space, seed + 1, step) for step in range(cycles)])
    alone = [step for step in reversed(range(cycles)) if (fair_cycle(space, seed, step) != drawn[step]).any()]
    same_places = int((drawn == other).all(axis=(1, 2)).sum())
    return [
        Check("same seed, same cycles", bool((drawn == again).all()), f"{cycles} cycles drawn twice"),
        Check(
            "another seed, other cycles",
            same_places < max(1, cycles),
            f"{same_places} of {cycles} equal those of seed {seed + 1}",
        ),
        Check(
            "cycle k alone equals cycle k of a run", not alone, f"{cycles - len(alone)} of {cycles}, drawn backwards"
        ),
    ]


def _uniformity(space: SearchSpace, drawn: np.ndarray) -> Check:
    """Chi-square test of the permutations of each block, corrected for the number of blocks (Bonferroni)."""
    from scipy.stats import chisquare

    orders = list(permutations(range(space.options_per_block)))
    smallest, name = 1.0, space.blocks[0].name
    for place, block in enumerate(space.blocks):
        counts = [int((drawn[:, :, place] == order).all(axis=1).sum()) for order in orders]
        p = float(chisquare(counts).pvalue)
        if p < smallest:
            smallest, name = p, block.name
    return Check(
        f"uniform over the {len(orders)} permutations of a block",
        smallest > SIGNIFICANCE / len(space.blocks),
        f"smallest p-value {smallest:.3f} ({name})",
    )


def _pool(space: SearchSpace, seed: int, size: int) -> Check:
    pool = evaluation_pool(space, seed, size)
    counts = FairnessCounts.none(space)
    counts.add(pool)
    each = size // space.options_per_block
    fair = bool((counts.counts == each).all()) and len(set(pool)) == size and space.baseline in pool
    return Check(
        "evaluation pool covers every option",
        fair,
        f"{len(set(pool))} subnets, each option {counts.counts.min()} to {counts.counts.max()} times in every block",
    )
