"""Tables of costs at several input sizes, side by side."""

from typing import Dict, List, NamedTuple, Tuple

import numpy as np

from efnas.core.input_size import Size
from efnas.cost.pareto import front_by
from efnas.cost.table import FAILED, CostTable, Row


class CostsOfSize(NamedTuple):
    """Latencies in ms, SRAM in KiB, and how many subnets are known to fit the board; NaN where the compiler failed."""

    size: Size
    fastest_ms: float
    median_ms: float
    slowest_ms: float
    baseline_sram_kib: float
    fitting: int


def costs_of_sizes(tables: Dict[Size, CostTable]) -> List[CostsOfSize]:
    """Of each size, in their order."""
    found = []
    for size, table in tables.items():
        known = [row.latency_ms for row in table.rows if row.known != FAILED] or [np.nan]
        sram, fitting = table.row(table.space.baseline).sram_kib, sum(bool(row.fits) for row in table.rows)
        figures = (min(known), float(np.median(known)), max(known), np.nan if sram is None else sram)
        found.append(CostsOfSize(size, *figures, fitting))
    return found


def front_of_sizes(tables: Dict[Size, CostTable]) -> List[Tuple[Size, Row]]:
    """Subnets at sizes than which no other has both less latency and less error, the fastest first; only those whose
    error is known, which is that of whole frames."""
    known = [(size, row) for size, table in tables.items() for row in table.rows
             if row.epe is not None and row.latency_ms is not None]  # fmt: skip
    return front_by(lambda each: (each[1].latency_ms, each[1].epe), known)
