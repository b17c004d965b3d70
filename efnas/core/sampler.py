"""Fair cycles, fairness counts and the evaluation pool, all from counters: nothing here keeps a generator's state.

A fair cycle is a set of arch codes that uses, in every choice block, each option exactly once (strict fairness,
FairNAS, Chu et al., 2019). Cycle k is a pure function of (seed, k), so a resumed run needs no state to draw the next.
"""

from math import factorial
from typing import List, Sequence

import numpy as np

from efnas.core.space import ArchCode, SearchSpace
from efnas.errors import EfnasError

# One independent stream of numbers a purpose: the second half of the generator's key.
CYCLES, POOL, ORDER, CROPS, RANDOM_ARCHS, TEXTURES, RANDOM_WEIGHTS, FIDELITY, SECOND_SEEDS = range(1, 10)
HOLDOUT, AUGMENTATION = 10, 11


def counter_stream(seed: int, purpose: int, counter: int) -> np.random.Philox:
    """The numbers that belong to (seed, purpose, counter), from the counter-based generator Philox.

    `random_raw` of it is fixed by the algorithm itself and so does not change between numpy versions.
    """
    return np.random.Philox(key=[seed, purpose], counter=[0, counter, 0, 0])


def fair_cycle(space: SearchSpace, seed: int, step: int, purpose: int = CYCLES) -> np.ndarray:
    """The fair cycle of a step: int32 [lanes, blocks], lanes = options per block.

    Every block draws one of the permutations of its options, all equally likely and independent of the other blocks.
    """
    count = space.options_per_block
    draws = counter_stream(seed, purpose, step).random_raw(len(space.blocks)).tolist()
    return np.array([nth_permutation(count, draw % factorial(count)) for draw in draws], np.int32).T.copy()


def nth_permutation(count: int, number: int) -> List[int]:
    """Permutation `number` of 0 .. count - 1, in the order of a dictionary."""
    left, order = list(range(count)), []
    for after in range(count - 1, -1, -1):
        place, number = divmod(number, factorial(after))
        order.append(left.pop(place))
    return order


class FairnessCounts:
    """How often each option of each block has been trained: `counts` is int64 [blocks, options]."""

    def __init__(self, counts: Sequence[Sequence[int]]):
        self.counts = np.array(counts, np.int64)

    @classmethod
    def none(cls, space: SearchSpace) -> "FairnessCounts":
        return cls(np.zeros((len(space.blocks), space.options_per_block)))

    def add(self, codes) -> None:
        for code in codes:
            self.counts[np.arange(len(code)), np.asarray(code)] += 1

    @property
    def gap(self) -> int:
        """The largest difference between two options of one block; 0 after every whole cycle."""
        return int((self.counts.max(axis=1) - self.counts.min(axis=1)).max())

    def by_block(self, space: SearchSpace) -> dict:
        names = [block.name for block in space.blocks]
        return {"counts": dict(zip(names, self.counts.tolist())), "gap": self.gap}


def evaluation_pool(space: SearchSpace, seed: int, size: int = 12) -> List[ArchCode]:
    """`size` distinct codes in whole fair cycles: the all-zero code and the baseline, with shifts, then drawn ones.

    Every option stands equally often in every block.
    """
    lanes = space.options_per_block
    if size < 2 * lanes or size % lanes or size > space.size // 2:
        raise EfnasError(
            f"An evaluation pool is made of fair cycles: its size must be a multiple of {lanes} from "
            f"{2 * lanes} to {space.size // 2 // lanes * lanes}, not {size}."
        )
    pool = list(dict.fromkeys([*space.uniform_codes(), *space.shifts(space.baseline)]))
    counter = 0
    while len(pool) < size:
        drawn = [ArchCode(map(int, code)) for code in fair_cycle(space, seed, counter, purpose=POOL)]
        counter += 1
        if not set(drawn) & set(pool):
            pool.extend(drawn)
    return pool


def random_archs(space: SearchSpace, seed: int, count: int) -> List[ArchCode]:
    """`count` distinct codes drawn uniformly from the space."""
    if not 1 <= count <= space.size:
        raise EfnasError(f"Cannot draw {count} different subnets from a space of {space.size}.")
    chosen: List[ArchCode] = []
    seen = set()
    counter = 0
    while len(chosen) < count:
        index = int(counter_stream(seed, RANDOM_ARCHS, counter).random_raw() % np.uint64(space.size))
        counter += 1
        if index not in seen:
            seen.add(index)
            chosen.append(space.at(index))
    return chosen


def chosen_archs(
    space: SearchSpace, seed: int, named: Sequence[ArchCode], drawn: int, pool_size: int
) -> List[ArchCode]:
    """The named codes and `drawn` random ones, or, with neither, the pool; and the baseline."""
    chosen = [*named, *(random_archs(space, seed, drawn) if drawn else [])]
    return list(dict.fromkeys([*(chosen or evaluation_pool(space, seed, pool_size)), space.baseline]))
