"""Whether short trainings rank as long ones do: the same subnets trained alone at several budgets, with every seed.

At each budget, the tau between two seeds is the ceiling: what one training says of another. What a short budget says of
the longest is measured with *other* seeds. A seed has the same first values and the same order of the data at every
budget, so that a short and a long training of one seed agree better than trainings that have nothing in common.
"""

import csv
import io
from itertools import combinations, permutations
from typing import List, NamedTuple, Optional

import numpy as np

from efnas.errors import EfnasError, brief
from efnas.evaluation.places import LEVEL, RESAMPLES
from efnas.search.agreement import Estimate, agreement, measured_and_resampled, rank_estimate

MOST_EPOCHS = 1_000_000  # of a configuration
COLUMNS = ("arch", "seed", "epochs", "epe")


class TrainedFor(NamedTuple):
    """Subnets trained for so long: errors in px, float [seeds, subnets, pairs]."""

    epochs: int
    steps: int
    errors: np.ndarray


class Schedule(NamedTuple):
    """The same subnets (`archs`, codes) and `seeds` at each budget, shortest first; `scenes` as in `Measured`."""

    archs: List[str]
    seeds: List[int]
    scenes: np.ndarray
    trained: List[TrainedFor]

    def __str__(self) -> str:
        return f"{len(self.archs)} subnets, each trained alone with seeds {', '.join(map(str, self.seeds))}"


class Budget(NamedTuple):
    """What a budget is worth. `epe` is the mean error over subnets and seeds, `between_subnets` the standard deviation
    of the subnets' means over seeds, both in px; `ceiling` is the tau between two seeds, the mean of all couples.

    `with_longest` is the tau with the longest budget, the mean over all couples of different seeds. It is None for the
    longest itself. A single seed has no ceiling, and is compared with itself, which says too much.
    """

    epochs: int
    steps: int
    epe: float
    between_subnets: Optional[float]
    ceiling: Estimate
    with_longest: Optional[Estimate]


def epochs_of_text(text: str) -> List[int]:
    """Of `2,5,20`, in rising order. Raises EfnasError for other text."""
    words = [word.strip() for word in text.split(",")]
    if all(word.isascii() and word.isdigit() for word in words):
        epochs = sorted(int(word[:9]) for word in words)
        if len(set(epochs)) == len(epochs) and 1 <= epochs[0] and epochs[-1] <= MOST_EPOCHS:
            return epochs
    raise EfnasError(f"--schedule takes different numbers of epochs, as in 2,5,20; it is {brief(text)}.")


def budgets_of(schedule: Schedule, resamples: int = RESAMPLES, level: float = LEVEL, seed: int = 0) -> List[Budget]:
    """All figures; the same resamples of subnets and pairs at all budgets."""
    subnets = len(schedule.archs)
    weights, times = measured_and_resampled(schedule.scenes, subnets, np.arange(subnets), resamples, seed)
    # By budget and seed: [1 + resamples, subnets].
    means = [[weights @ errors.T for errors in each.errors] for each in schedule.trained]

    def mean_tau(couples) -> Estimate:
        taus = [agreement(one, other, times)[0] for one, other in couples]
        return rank_estimate(np.mean(taus, axis=0), subnets, level) if taus else Estimate(None)

    different = list(permutations(range(len(schedule.seeds)), 2)) or [(0, 0)]
    budgets = []
    for trained, own in zip(schedule.trained, means):
        epe = trained.errors.mean(axis=(0, 2))
        budgets.append(
            Budget(
                trained.epochs,
                trained.steps,
                float(epe.mean()),
                float(epe.std(ddof=1)) if subnets > 1 else None,
                mean_tau(combinations(own, 2)),
                None if own is means[-1] else mean_tau((own[one], means[-1][other]) for one, other in different),
            )
        )
    return budgets


def schedule_csv(schedule: Schedule) -> str:
    """A row a training."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for trained in schedule.trained:
        for seed, of_seed in zip(schedule.seeds, trained.errors):
            writer.writerows(
                (arch, seed, trained.epochs, errors.mean()) for arch, errors in zip(schedule.archs, of_seed)
            )
    return text.getvalue()
