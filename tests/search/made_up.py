"""A made-up search of the second space: costs by a formula, errors with a planted order."""

import numpy as np
from small_supernet import SMALL, SPACE

from efnas.cost.table import DERIVED, CostTable, Row
from efnas.search.errors import ErrorTable

OF = {"space": SPACE.name, "space_version": SPACE.version, "network_version": SMALL.version, "base_width": 4,
      "checkpoint": "0" * 64, "epoch": 1, "input": [36, 48], "data": {},
      "recalibration": {"pairs": 4, "batch_size": 4, "seed": 0}}  # fmt: skip
ABOUT = {"title": "made up", "space": [SPACE.name, SPACE.version], "height": 36, "width": 48, "base_width": 4,
         "proofs": [{"largest_flash_error_kib": 0.0}]}  # fmt: skip


def costs() -> CostTable:
    """The latency is 1 ms and one a digit, more for later blocks."""
    rows = []
    for arch in SPACE.codes():
        latency = 1.0 + sum(digit * (place + 1) for place, digit in enumerate(arch))
        options = {block.name: block.label(digit) for block, digit in zip(SPACE.blocks, arch)}
        rows.append(Row(str(arch), options, latency, 1000 / latency, 10 * latency, latency < 10, 100, 50, 5.0, DERIVED,
                        0.1, 0.0, 0.0, None))  # fmt: skip
    return CostTable(rows, ABOUT, SPACE)


def errors(pairs: int = 40, noise: float = 0.001, gain: float = 0.05) -> ErrorTable:
    """Option 1 of the first block is better by `gain` px, everything else is noise; pairs differ much."""
    rng = np.random.RandomState(0)
    first = np.array([arch[0] for arch in SPACE.codes()])
    made = 2.0 + rng.uniform(0, 1, pairs) - gain * first[:, None] + rng.normal(0, noise, (SPACE.size, pairs))
    about = {
        "of": {**OF, "pairs": [f"{number:07}" for number in range(pairs)]},
        "zero_epe": [3.0] * pairs,
        "second_recalibration": {"subnets": 8, "all_by_px": 0.1, "apart_by_px": 0.01, "between_subnets_px": 0.02},
    }
    return ErrorTable(made.astype(np.float32), about, SPACE)
