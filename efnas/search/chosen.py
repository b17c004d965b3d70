"""Which subnets of a space are trained alone: a few that stand for all, and a few of a front.

Drawn in strata (Cochran, "Sampling Techniques", 1977, chapter 5): the space is cut into as many cells of predicted
error and latency as subnets are to be drawn, all of nearly the same size, and one is drawn in each. So every subnet is
about as likely as any other, and what is found on those drawn in cells is an estimate for the whole space. Couples of
equal latency, the twins, are chosen and not drawn: between them error decides and nothing else, but they are the
farthest apart in predicted error and so easier to order than most.

Subnets are numbers: their places in the order of the codes. Programmers' mistakes are ValueErrors.
"""

from typing import List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from efnas.core.alone import BASELINE
from efnas.core.sampler import FIDELITY, SECOND_SEEDS, counter_stream
from efnas.cost.table import Row

NEAR = 0.005  # of the lesser latency


class Chosen(NamedTuple):
    """The subnets to train alone, and how each came in: the baseline, `twins` (faster one first), and one of each cell.

    The three are named apart because only those `in_cells` are a fair draw. The baseline may be a twin too.
    """

    baseline: int
    twins: List[Tuple[int, int]]
    in_cells: List[int]

    @property
    def subnets(self) -> List[int]:
        """All of them, each once, in the order of the codes."""
        return sorted({self.baseline, *(place for couple in self.twins for place in couple), *self.in_cells})

    def drawn_as(self, place: int) -> str:
        """How one of them came in."""
        if place == self.baseline:
            return BASELINE
        return "twin" if any(place in couple for couple in self.twins) else "cell"


def drawn_for_fidelity(
    latency: np.ndarray, epe: np.ndarray, baseline: int, subnets: int, twins: int, seed: int
) -> Chosen:
    """`subnets` of a space by `latency` and predicted `epe`, float [space]; a NaN leaves its subnet out.

    The baseline is always among them. There are at most `twins` couples, fewer where a part of the space has none of
    equal latency; cells make up for them. The seed draws in the cells; baseline and twins are the same for every seed.
    """
    latency, epe = np.asarray(latency, dtype=np.float64), np.asarray(epe, dtype=np.float64)
    if latency.ndim != 1 or latency.shape != epe.shape:
        raise ValueError(f"one latency and one error a subnet, not {latency.shape} and {epe.shape}")
    if not 0 <= baseline < len(latency):
        raise ValueError(f"the baseline is one of {len(latency)} subnets, not {baseline}")
    known = np.isfinite(latency) & np.isfinite(epe)
    most = int(known.sum() + (not known[baseline]))
    if twins < 0 or not 2 * twins + 1 <= subnets <= most:
        raise ValueError(f"{subnets} subnets, {twins} couples and the baseline among them, cannot be had of {most}")

    couples = _twins(latency, epe, np.flatnonzero(known), twins)
    taken = {baseline, *(place for couple in couples for place in couple)}
    left = np.array([place for place in np.flatnonzero(known) if place not in taken], dtype=int)
    cells = cells_of(latency, epe, left, subnets - len(taken))
    return Chosen(baseline, couples, _one_of_each(cells, seed, FIDELITY))


def cells_of(latency: np.ndarray, epe: np.ndarray, places: np.ndarray, count: int) -> List[np.ndarray]:
    """`places` in `count` cells whose sizes differ by two at most: bands of latency, each cut by predicted error.

    Cut within its band, no cell is empty, however much error follows latency.
    """
    if not 0 <= count <= len(places):
        raise ValueError(f"{len(places)} subnets do not fill {count} cells")
    if not count:
        return []
    bands = max(1, round(np.sqrt(count)))
    cells_in = [len(band) for band in np.array_split(np.arange(count), bands)]
    ends = np.cumsum(cells_in) * len(places) // count  # bands of more cells hold more subnets
    by_latency = places[np.lexsort((places, epe[places], latency[places]))]
    cells = []
    for band, cells_here in zip(np.split(by_latency, ends[:-1]), cells_in):
        cells += np.array_split(band[np.lexsort((band, latency[band], epe[band]))], cells_here)
    return cells


def repeated(subnets: Sequence[int], epe: np.ndarray, count: int, seed: int) -> List[int]:
    """`count` of the subnets, to be trained with another seed too: one of each part by predicted `epe` [space].

    One is drawn in each part: to take the middles or the ends would make two trainings agree less, or more, than they
    do over all of them. A subnet without a predicted error counts as the worst.
    """
    subnets = np.array(sorted(subnets), dtype=int)
    if not 0 <= count <= len(subnets):
        raise ValueError(f"{count} of {len(subnets)} subnets cannot be trained twice")
    if not count:
        return []
    by_error = subnets[np.argsort(np.asarray(epe, dtype=np.float64)[subnets], kind="stable")]
    return sorted(_one_of_each(np.array_split(by_error, count), seed, SECOND_SEEDS))


def drawn_from_front(front: Sequence[Row], count: int) -> List[Row]:
    """`count` rows of a front that is sorted by latency: its ends, and the nearest to even steps of latency between.

    All of a front that has no more; of one, the most accurate.
    """
    if count < 1:
        raise ValueError(f"cannot take {count} of a front")
    front = list(front)
    if len(front) <= count:
        return front
    if count == 1:
        return front[-1:]
    latency = np.array([row.latency_ms for row in front])
    chosen = [0]
    for step, wanted in list(enumerate(np.linspace(latency[0], latency[-1], count)))[1:-1]:
        first, end = chosen[-1] + 1, len(front) - (count - 1 - step)  # enough must be left for the steps that follow
        chosen.append(first + int(np.abs(latency[first:end] - wanted).argmin()))
    return [front[place] for place in [*chosen, len(front) - 1]]


def _one_of_each(cells: Sequence[np.ndarray], seed: int, purpose: int) -> List[int]:
    draws = counter_stream(seed, purpose, 0).random_raw(len(cells)).tolist() if len(cells) else []
    return [int(cell[draw % len(cell)]) for cell, draw in zip(cells, draws)]


def _twins(latency, epe, places, count) -> List[Tuple[int, int]]:
    """In each of `count` bands of equally many subnets by latency, the near couple farthest apart in error, if any."""
    by_latency = places[np.lexsort((places, latency[places]))]
    bands = np.array_split(by_latency, count) if count else []
    found = (_farthest_apart(latency[band], epe[band]) for band in bands)
    return [(int(band[one]), int(band[other])) for band, (one, other) in zip(bands, found) if one is not None]


def _farthest_apart(latency: np.ndarray, epe: np.ndarray) -> Tuple[Optional[int], Optional[int]]:
    """The places of two subnets, in the order of their latency, which is near; none where all errors are the same."""
    best, farthest = (None, None), 0.0
    ends = np.searchsorted(latency, latency * (1 + NEAR), side="left")
    for place, end in enumerate(ends):
        near = np.abs(epe[place + 1 : end] - epe[place])
        if len(near) and near.max() > farthest:
            best, farthest = (place, place + 1 + int(near.argmax())), near.max()
    return best
