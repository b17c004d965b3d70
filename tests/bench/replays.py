"""Samplers replayed on a table in which the error of every subnet is known: how far from the exact answer each is."""

import time
from functools import partial
from importlib.util import find_spec
from multiprocessing.pool import Pool
from typing import Dict, Iterator, List, NamedTuple

import numpy as np
import samplers

from efnas.core.space import SearchSpace
from efnas.search.hypervolume import hypervolume

MOST = 3000  # evaluations of a sampler
COLUMNS = (12, 51, 100, 320, 800, MOST)  # evaluations that are told; those in POINTS are drawn
_JOINTS = (samplers.PARENTS, samplers.POPULATION, samplers.FITTED)  # where a curve leaves that of random search
POINTS = np.unique([*np.geomspace(1, MOST, 60).round().astype(int), *COLUMNS, *_JOINTS])
NEAR_PX, NEAR_SHARE = 0.001, 0.99
HALF_MOST = 800  # evaluations on half of the pairs
POOL, RANDOM, EVOLUTION, NSGA2, FOR_ERROR, FOR_FRONT = (
    "pool of 12", "random search", "evolution, for error", "NSGA-II", "predictor, for error", "predictor, for front"
)  # fmt: skip
FEWER = {POOL: 12, NSGA2: 1000}  # the others' evaluations; NSGA-II takes its time
ALL = "all subnets"


class Truth(NamedTuple):
    """What is measured against: latency (ms) and error (px) of all subnets, float64 [space.size]."""

    space: SearchSpace
    latency: np.ndarray
    error: np.ndarray

    def volume(self, subnets=...) -> float:
        worst = self.latency.max(), self.error.max()
        return hypervolume(self.latency[subnets], self.error[subnets], worst)


class Replay(NamedTuple):
    """One sampler over all seeds.

    `regret` in px and `share` of the exact front's hypervolume are [seeds, POINTS], NaN beyond the sampler's
    evaluations. The rest are [seeds]: the evaluations until NEAR_PX and NEAR_SHARE, NaN where they were not reached;
    how many subnets were evaluated, and asked for with repeats.
    """

    regret: np.ndarray
    share: np.ndarray
    near_least: np.ndarray
    near_front: np.ndarray
    evaluated: np.ndarray
    asked: np.ndarray
    seconds: float


class Choice(NamedTuple):
    """What was chosen on half of the pairs: its gain over the mean subnet on that half and on the other, in px, and the
    hypervolume of the chosen front on the other half, as a share of that half's exact front."""

    promised: float
    measured: float
    front: float


def samplers_of(latency: np.ndarray) -> Dict[str, samplers.Sampler]:
    """NSGA-II only where pymoo is installed."""
    return {
        POOL: samplers.pool,
        RANDOM: samplers.random_search,
        EVOLUTION: samplers.evolution,
        **({NSGA2: samplers.nsga2} if find_spec("pymoo") else {}),
        FOR_ERROR: samplers.predictor_for_error,
        FOR_FRONT: partial(samplers.predictor_for_front, latency=latency),
    }


def most_of(name: str) -> int:
    return FEWER.get(name, MOST)


def replays(workers: Pool, truth: Truth, seeds: int) -> Iterator[tuple]:
    """Pairs of name and `Replay`."""
    for name, sampler in samplers_of(truth.latency).items():
        began = time.perf_counter()
        rows = workers.map(partial(replay, sampler, truth, most_of(name)), range(seeds))
        yield name, Replay(*map(np.array, zip(*rows)), time.perf_counter() - began)


def replay(sampler: samplers.Sampler, truth: Truth, evaluations: int, seed: int) -> tuple:
    """A row of each array of `Replay`. A sampler that came to rest early keeps what it has."""
    lookup = samplers.Lookup(truth.latency, truth.error, evaluations)
    sampler(truth.space, lookup, seed)
    order, whole = np.array(lookup.order), truth.volume()
    least = np.minimum.accumulate(truth.error[order]) - truth.error.min()
    regret, share = np.full((2, len(POINTS)), np.nan)
    for place, count in enumerate(POINTS[evaluations >= POINTS]):
        regret[place] = least[min(count, len(order)) - 1]
        share[place] = truth.volume(order[:count]) / whole
    near_least = first_enough(len(order), lambda count: least[count - 1] <= NEAR_PX)
    near_front = first_enough(len(order), lambda count: truth.volume(order[:count]) >= NEAR_SHARE * whole)
    return regret, share, near_least, near_front, len(order), lookup.asked


def first_enough(most: int, enough) -> float:
    """The least count from 1 to `most` that is enough, where more is never less; NaN if none is."""
    if not enough(most):
        return np.nan
    low, high = 0, most  # low is not enough, high is
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def choices_on_half(
    errors: np.ndarray, scenes: np.ndarray, latency: np.ndarray, space: SearchSpace, seed: int
) -> Dict[str, Choice]:
    """By sampler, and for all subnets, from errors [subnets, pairs] in px. The seed halves the scenes [pairs], a scene's
    pairs together, and starts the samplers."""
    order = np.random.RandomState(seed).permutation(scenes.max() + 1)
    half = np.isin(scenes, order[: len(order) // 2])
    seen, unseen = (Truth(space, latency, errors[:, pairs].mean(axis=1, dtype=np.float64)) for pairs in (half, ~half))

    def choice(evaluated: np.ndarray) -> Choice:
        best = evaluated[seen.error[evaluated].argmin()]
        front = evaluated[samplers.layers_of(latency[evaluated], seen.error[evaluated]) == 0]
        gains = (each.error.mean() - each.error[best] for each in (seen, unseen))
        return Choice(*gains, unseen.volume(front) / unseen.volume())

    found = {ALL: choice(np.arange(space.size))}
    for name, sampler in samplers_of(latency).items():
        lookup = samplers.Lookup(latency, seen.error, HALF_MOST)
        sampler(space, lookup, seed)
        found[name] = choice(np.array(lookup.order))
    return found


def columns_of(choices: List[Choice]) -> Choice:
    """One `Choice` of arrays [seeds]."""
    return Choice(*map(np.array, zip(*choices)))
