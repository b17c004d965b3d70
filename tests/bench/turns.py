"""Times things that are compared: in one process, in turns, so that a change of the machine's speed meets all alike.

A single ratio of two short times is worth nothing on a machine that does other things: what is told is the median over
the rounds of the ratio within a round, and where its middle half lies.
"""

import time
from typing import Callable, Dict, List, NamedTuple

import numpy as np

ROUNDS = 14


class Interval(NamedTuple):
    """Median and quartiles."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.3f} (quartiles {self.low:.3f} to {self.high:.3f})"


def in_turns(cases: Dict[str, Callable[[], None]], rounds: int = ROUNDS) -> Dict[str, List[float]]:
    """Seconds of each case in each round. Every case runs once before, uncounted; every second round goes backwards."""
    found: Dict[str, List[float]] = {name: [] for name in cases}
    for run in cases.values():
        run()
    for number in range(rounds):
        for name in list(cases)[:: -1 if number % 2 else 1]:
            began = time.perf_counter()
            cases[name]()
            found[name].append(time.perf_counter() - began)
    return found


def interval(values: List[float]) -> Interval:
    return Interval(*np.percentile(values, [50, 25, 75]))


def ratio(ones: List[float], others: List[float]) -> Interval:
    """Of what ran in the same rounds."""
    return interval([one / other for one, other in zip(ones, others)])
