"""Which network: errors and costs of all subnets, joined; the front, and the best within limits, as far as it can be
told from the others.
"""

from typing import Dict, List, NamedTuple, Optional

import numpy as np

from efnas.cost.table import FAILED, CostTable, Row, front, select_rows
from efnas.errors import EfnasError
from efnas.evaluation.confidence import Promise, compared_with_best, halves, intervals, winners_curse
from efnas.evaluation.places import LEVEL, Margin, finite, margins_of, weights_of
from efnas.search.errors import ErrorTable

LEAST_AND_MOST = {"latency_ms": "the fastest takes {:.3f} ms", "sram_kib": "the least SRAM is {:,.1f} KiB",
                  "flash_kib": "the least flash is {:,.1f} KiB", "macs": "the fewest MACs are {:,.0f}",
                  "params": "the fewest parameters are {:,.0f}", "epe": "the least error is {:.4f} px"}  # fmt: skip


class Limits(NamedTuple):
    """`at_most` by column of the table; derived figures keep a limit with their error on top."""

    at_most: Dict[str, float] = {}
    min_fps: Optional[float] = None
    fits: bool = False


class Answer(NamedTuple):
    """Rows within limits, of which there are `found`. `best` has the least error; `alike` are those that cannot be told
    from it, it among them, the fastest first, and `cheapest` is the first of these. `front` are those that no other
    beats in error and latency. `promise` says what choosing is worth on other pairs, where there are pairs enough to
    split. `margins` are by arch, for all at once.
    """

    found: int
    best: Row
    alike: List[Row]
    cheapest: Row
    front: List[Row]
    promise: Optional[Promise]
    margins: Dict[str, Margin]

    def as_dict(self, top: int) -> dict:
        return {
            **told_of(self, top),
            "front": [{**row.as_dict(), "worse_by": self.margins[row.arch]._asdict()} for row in self.front],
            "promise": self.promise and {"promised_px": self.promise.promised, "measured_px": self.promise.measured},
        }


def told_of(answer, top: int) -> dict:
    """What an answer of one size and one of several say alike."""
    return {
        "found": answer.found,
        "best": answer.best.as_dict(),
        "indistinguishable": len(answer.alike),
        "cheapest": answer.cheapest.as_dict(),
        "alike": [each.as_dict() for each in answer.alike[:top]],
    }


def with_errors(costs: CostTable, errors: ErrorTable) -> CostTable:
    """The table of costs with the error of each subnet and its interval. Raises EfnasError when the two are of other
    networks."""
    of, about = errors.about["of"], costs.about
    same = {"space": [of["space"], of["space_version"]], "height": of["input"][0], "width": of["input"][1],
            "base_width": of["base_width"]}  # fmt: skip
    for key, value in same.items():
        if about.get(key) != value:
            raise EfnasError(
                f"The table of costs is of other networks than the errors: its {key} is {about.get(key)}, that of the "
                f"run is {value}."
            )
    mean, low, high = intervals(errors.errors, weights_of(errors.pairs), LEVEL)
    rows = [row._replace(epe=float(mean[place]), epe_low=finite(low[place]), epe_high=finite(high[place]))
            for place, row in enumerate(costs.rows)]  # fmt: skip
    return costs._replace(rows=rows, about={**costs.about, "geometry": errors.geometry})


def answer_of(table: CostTable, errors: ErrorTable, limits: Optional[Limits] = None) -> Answer:
    """Within limits, or of the whole space. Raises EfnasError, naming the nearest, when no subnet keeps them."""
    limits = limits or Limits()
    rows = select_rows(table, limits.at_most, limits.min_fps, limits.fits, "epe", False)
    if not rows:
        raise EfnasError(f"No subnet keeps these limits: {_nearest(table, limits)}.")
    places = np.array([table.space.index_of(table.space.parse(row.arch)) for row in rows])
    compared = compared_with_best(errors.errors, places, weights_of(errors.pairs), LEVEL)
    alike = sorted((row for row, same in zip(rows, compared.indistinguishable) if same), key=lambda row: row.latency_ms)
    best = table.rows[compared.best]
    half = halves(errors.pairs)
    promise = None if half.all() or not half.any() else winners_curse(errors.errors, places, half)
    margins = dict(zip((row.arch for row in rows), margins_of(compared)))
    return Answer(len(rows), best, alike, alike[0], front(rows), promise, margins)


def _nearest(table: CostTable, limits: Limits) -> str:
    """What the limits would have to let through, each for itself."""
    rows = [row for row in table.rows if row.known != FAILED]
    said = [LEAST_AND_MOST[name].format(min(row.at_most(name) for row in rows)) for name in limits.at_most]
    if limits.min_fps is not None:
        said.append(f"the fastest gives {max(row.least_fps for row in rows):.2f} frames a second")
    if limits.fits:
        said.append(f"{sum(bool(row.fits) for row in rows):,} fit the board")
    return ", ".join(said)
