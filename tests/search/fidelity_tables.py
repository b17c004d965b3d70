"""Tables of errors with a known truth, for the tests of fidelity."""

import numpy as np

from efnas.search.agreement import Estimate
from efnas.search.fidelity import Measured, Trained

NOTHING = Estimate(None)


def measured(seed=0, subnets=30, pairs=40, like=0.7, reliability=0.8, twice=10, own=0.3):
    """Normal errors: `like` is how the supernet's correlate with the first training's, `reliability` how two trainings
    do. Pairs are hard or easy for all, and `own` px of noise is a subnet's on a pair."""
    random = np.random.default_rng(seed)
    first = random.standard_normal(subnets)
    supernet = like * first + np.sqrt(1 - like**2) * random.standard_normal(subnets)
    second = reliability * first + np.sqrt(1 - reliability**2) * random.standard_normal(subnets)
    hardness = 2 * random.gamma(2, 1, pairs)

    def errors(truth):
        return 10 + truth[:, None] + hardness + own * random.standard_normal((subnets, pairs))

    supernet, first, second = errors(supernet), errors(first), errors(second)
    rows = np.sort(random.permutation(subnets)[:twice])
    alone = first.copy()
    alone[rows] = (first + second)[rows] / 2
    return Measured(supernet, alone, random.uniform(50, 60, subnets), np.arange(pairs),
                    Trained(rows, first[rows], second[rows]))  # fmt: skip


def flat(rows, pairs=12):
    """Errors that are the same on all pairs."""
    return np.repeat(np.array(rows, dtype=float)[:, None], pairs, axis=1)


def table_of(supernet, alone, pairs=12, latency=None, twice=None):
    latency = np.arange(len(alone)) + 1.0 if latency is None else latency
    return Measured(flat(supernet, pairs), flat(alone, pairs), latency, np.arange(pairs), twice)


def figures(fidelity):
    """All numbers of a result, None as NaN."""

    def numbers(value):
        if isinstance(value, dict):
            return sum((numbers(each) for each in value.values()), [])
        return sum((numbers(each) for each in value), []) if isinstance(value, list) else [value]

    return np.array(numbers(fidelity.as_dict()), dtype=float)


# Tau and rho
