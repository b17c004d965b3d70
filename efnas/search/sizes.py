"""The input size as an axis: the searches of one checkpoint at several sizes, and one front over all of them.

Their errors are of whole frames, in pixels of the frame: those of two sizes are of the same truth, pair by pair, so all
that is said of subnets of one size is said of all sizes together.
"""

from typing import Dict, List, NamedTuple, Optional, Sequence

import numpy as np

from efnas.config import WHOLE
from efnas.core.input_size import Size
from efnas.cost.pareto import front_by
from efnas.cost.table import FAILED, Row, select_rows
from efnas.errors import EfnasError
from efnas.evaluation.confidence import compared_with_best
from efnas.evaluation.places import LEVEL, Margin, margins_of, weights_of
from efnas.search.answer import Limits, told_of
from efnas.search.folder import Search


class Choice(NamedTuple):
    """A subnet at a size: its row, and how much worse than the best of all sizes it is."""

    size: Size
    row: Row
    worse_by: Margin

    def as_dict(self) -> dict:
        return {"size": str(self.size), **self.row.as_dict(), "worse_by": self.worse_by._asdict()}


class OfSize(NamedTuple):
    """What a size gives within the limits: how many subnets, of which so many on the front; mean and least error in px,
    least latency in ms. None where no subnet keeps the limits."""

    size: Size
    found: int
    on_front: int
    mean_epe: Optional[float]
    least_epe: Optional[float]
    least_ms: Optional[float]


class Shares(NamedTuple):
    """Of the variance of a figure over all subnets at all sizes: what the size explains, what the architecture does,
    and what is left to the two together."""

    size: float
    architecture: float
    both: float


class SizesAnswer(NamedTuple):
    """As an `Answer`, over all sizes; `shares`, without limits, are of `epe` and, if all are known, `latency_ms`."""

    best: Choice
    alike: List[Choice]
    front: List[Choice]
    sizes: List[OfSize]
    shares: Dict[str, Shares]

    @property
    def found(self) -> int:
        return sum(each.found for each in self.sizes)

    @property
    def cheapest(self) -> Choice:
        return self.alike[0]

    def as_dict(self, top: int) -> dict:
        return {
            **told_of(self, top),
            "front": [each.as_dict() for each in self.front],
            "sizes": [{**each._asdict(), "size": str(each.size)} for each in self.sizes],
            "shares": {name: each._asdict() for name, each in self.shares.items()},
        }


def require_comparable(searches: Dict[Size, Search]) -> None:
    """Raises EfnasError for searches whose errors are not of the same weights, frames and truth."""
    (first, one), *others = searches.items()
    for size, search in searches.items():
        if search.errors.geometry != WHOLE:
            raise EfnasError(f"The errors at {size} are of crops: sizes are compared by errors of whole frames.")
    for size, search in others:
        for key in ("space", "space_version", "base_width", "checkpoint", "pairs"):
            if search.errors.about["of"].get(key) != one.errors.about["of"].get(key):
                raise EfnasError(f"The searches at {first} and {size} are of different {key}: they are not compared.")
        if search.table.about["title"] != one.table.about["title"]:
            raise EfnasError(f"The costs at {first} and {size} are of different boards, compilers or forms.")


def answer_over(searches: Dict[Size, Search], limits: Optional[Limits] = None) -> SizesAnswer:
    """Within limits, or of all. Raises EfnasError when no subnet keeps them at any size."""
    require_comparable(searches)
    limits, first = limits or Limits(), next(iter(searches.values()))
    space, rows, places = first.table.space, [], []
    for number, (size, search) in enumerate(searches.items()):
        own = select_rows(search.table, limits.at_most, limits.min_fps, limits.fits, "epe", False)
        rows += [(size, row) for row in own]
        places += [number * space.size + space.index_of(space.parse(row.arch)) for row in own]
    if not rows:
        raise EfnasError(f"No subnet keeps these limits at any of the sizes {', '.join(map(str, searches))}.")
    errors = np.concatenate([np.asarray(search.errors.errors) for search in searches.values()])
    compared = compared_with_best(errors, places, weights_of(first.errors.pairs), LEVEL)
    choices = [Choice(size, row, margin) for (size, row), margin in zip(rows, margins_of(compared))]
    alike = [each for each, same in zip(choices, compared.indistinguishable) if same]
    front = front_by(lambda each: (each.row.latency_ms, each.row.epe), choices)
    return SizesAnswer(
        choices[places.index(compared.best)],
        sorted(alike, key=lambda each: each.row.latency_ms),
        front,
        [_of_size(size, [each.row for each in choices if each.size == size], front) for size in searches],
        _shares(list(searches.values())),
    )


def _of_size(size: Size, rows: List[Row], front: Sequence[Choice]) -> OfSize:
    on_front = sum(each.size == size for each in front)
    if not rows:
        return OfSize(size, 0, on_front, None, None, None)
    errors, latencies = [row.epe for row in rows], [row.latency_ms for row in rows]
    return OfSize(size, len(rows), on_front, float(np.mean(errors)), min(errors), min(latencies))


def _shares(searches: List[Search]) -> Dict[str, Shares]:
    """A two-way analysis of variance: every architecture stands once at every size."""
    shares = {}
    for name in ("epe", "latency_ms"):
        rows = [row for search in searches for row in search.table.rows]
        if all(row.known != FAILED for row in rows) or name == "epe":
            values = np.array([getattr(row, name) for row in rows], float).reshape(len(searches), -1)
            whole, by_size, by_arch = values.var(), values.mean(axis=1).var(), values.mean(axis=0).var()
            if whole:
                rest = max(0.0, 1 - float((by_size + by_arch) / whole))
                shares[name] = Shares(float(by_size / whole), float(by_arch / whole), rest)
    return shares
