"""What others do when they cannot have the error of every subnet: samplers, which evaluate some and choose among these.

A sampler is a function of a space, a `Lookup` and a seed; it asks the lookup until that is spent. Subnets are numbers
in the order of `space.codes()`. What it knew before an evaluation is what it had asked for; of costs it may know all,
since those need no data.
"""

from bisect import bisect_right
from random import Random
from typing import Callable, Iterable, List, Optional, Tuple

import numpy as np

from efnas.core.sampler import evaluation_pool
from efnas.core.space import SearchSpace

POPULATION, TOURNAMENT = 50, 10  # of the evolution
PARENTS = 40  # of NSGA-II
FITTED = 50  # subnets that the predictor learns from
# A sampler that has come to rest asks for what it knows: it ends after so many times its evaluations.
PATIENCE = 5


class Lookup:
    """Latency (ms) and error (px) of the subnets that a sampler asks for.

    `order` is the subnets in the order of their evaluation, each once: one that was asked for again costs nothing, as
    with any search that keeps what it measured. `asked` counts repeats too.
    """

    def __init__(self, latency: np.ndarray, error: np.ndarray, evaluations: int):
        self._latency, self._error = latency.tolist(), error.tolist()
        self._evaluations, self._known = evaluations, set()
        self.order: List[int] = []
        self.asked = 0

    def __call__(self, subnet: int) -> Tuple[float, float]:
        self.asked += 1
        if subnet not in self._known and len(self.order) < self._evaluations:
            self._known.add(subnet)
            self.order.append(subnet)
        return self._latency[subnet], self._error[subnet]

    @property
    def spent(self) -> bool:
        return len(self.order) >= self._evaluations or self.asked >= PATIENCE * self._evaluations

    def ask_in_order(self, subnets: Iterable[int]) -> None:
        for subnet in subnets:
            if self.spent:
                break
            self(int(subnet))


Sampler = Callable[[SearchSpace, Lookup, int], None]


def random_search(space: SearchSpace, lookup: Lookup, seed: int) -> None:
    """Uniformly, without replacement."""
    lookup.ask_in_order(drawn(space, seed))


def evolution(space: SearchSpace, lookup: Lookup, seed: int) -> None:
    """Regularised evolution for the least error: the best of a few drawn members has a child that differs in one digit,
    and the oldest member dies (Real et al., "Regularized evolution for image classifier architecture search", 2019)."""
    random, options = Random(seed), space.options_per_block
    places = [options**place for place in range(len(space.blocks))]
    members = [(lookup(subnet)[1], subnet) for subnet in drawn(space, seed, POPULATION).tolist()]
    oldest = 0
    while not lookup.spent:
        _, child = min(random.sample(members, min(TOURNAMENT, len(members))))
        place = random.choice(places)
        digit = child // place % options
        child += place * ((digit + random.randrange(1, options)) % options - digit)
        members[oldest] = (lookup(child)[1], child)
        oldest = (oldest + 1) % len(members)


def nsga2(space: SearchSpace, lookup: Lookup, seed: int) -> None:
    """NSGA-II for latency and error (Deb et al., 2002), with the operators that pymoo's guide gives for integers; they
    did better here than uniform crossover with digits drawn anew.

    The first generation is drawn here: pymoo rounds uniform numbers, which gives the outer digits half their share.
    """
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.core.problem import Problem
    from pymoo.operators.crossover.sbx import SBX
    from pymoo.operators.mutation.pm import PM
    from pymoo.operators.repair.rounding import RoundingRepair

    places = space.options_per_block ** np.arange(len(space.blocks))[::-1]

    class Subnets(Problem):
        def __init__(self):
            super().__init__(n_var=len(places), n_obj=2, xl=0, xu=space.options_per_block - 1, vtype=int)

        def _evaluate(self, x, out, *_, **__):
            out["F"] = np.array([lookup(int(subnet)) for subnet in x.astype(int) @ places])

    first = codes_of(space)[drawn(space, seed, PARENTS)]
    operators = {name: kind(prob=1.0, eta=3.0, vtype=float, repair=RoundingRepair())
                 for name, kind in (("crossover", SBX), ("mutation", PM))}  # fmt: skip
    algorithm = NSGA2(pop_size=PARENTS, sampling=first, eliminate_duplicates=True, **operators)
    algorithm.setup(Subnets(), termination=("n_gen", 10**9), seed=seed)
    while algorithm.has_next() and not lookup.spent:
        algorithm.next()


def predictor_for_error(space: SearchSpace, lookup: Lookup, seed: int) -> None:
    """What an additive model of the error, fitted on random subnets, calls best, in its order."""
    lookup.ask_in_order(np.argsort(predicted_errors(space, lookup, seed), kind="stable"))


def predictor_for_front(space: SearchSpace, lookup: Lookup, seed: int, latency: np.ndarray) -> None:
    """The front of known latency and the model's error, then the front of what is left, and so on."""
    layers = layers_of(latency, predicted_errors(space, lookup, seed))
    lookup.ask_in_order(np.lexsort((np.random.RandomState(seed + 1).random_sample(space.size), layers)))


def pool(space: SearchSpace, lookup: Lookup, seed: int) -> None:
    """The evaluation pool of `efnas eval`."""
    lookup.ask_in_order(space.index_of(code) for code in evaluation_pool(space, seed))


def drawn(space: SearchSpace, seed: int, count: Optional[int] = None) -> np.ndarray:
    """Subnets at random, none twice. With one seed all samplers begin with the same: they differ by what they do next."""
    return np.random.RandomState(seed).permutation(space.size)[:count]


def predicted_errors(space: SearchSpace, lookup: Lookup, seed: int) -> np.ndarray:
    """The errors in px of all subnets [space.size], as the sum of what each option adds: least squares over a few."""
    some = drawn(space, seed, FITTED)
    errors = np.array([lookup(subnet)[1] for subnet in some.tolist()])
    options = np.eye(space.options_per_block)[codes_of(space)].reshape(space.size, -1)
    # The solution of the least norm: an option that was not drawn counts as the mean.
    adds, *_ = np.linalg.lstsq(options[some], errors - errors.mean(), rcond=None)
    return errors.mean() + options @ adds


def layers_of(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """0 for points on the front of two costs, 1 for those on the front without these, and so on: int [points]."""
    layers, least = np.empty(len(first), int), []
    seconds = second.tolist()
    for point in np.lexsort((second, first)).tolist():
        # Every layer holds the least second cost so far; the first of them that does not beat this point takes it.
        layer = bisect_right(least, seconds[point])
        least[layer : layer + 1] = [seconds[point]]
        layers[point] = layer
    return layers


def codes_of(space: SearchSpace) -> np.ndarray:
    """int [space.size, blocks], as `space.codes()`."""
    shape = [space.options_per_block] * len(space.blocks)
    return np.array(np.unravel_index(np.arange(space.size), shape)).T
