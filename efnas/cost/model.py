"""What a compile would say of a subnet that was not compiled: a constant plus terms of its choice blocks.

`additive` has a term for each option of each block; `pairs` has one more for the options of two neighbouring blocks
together. Terms are differences from a base (the cut expansion of Rabitz and Alis, 1999): exact at the probes, which
differ from the base in one block or in two neighbouring ones. Whether they hold elsewhere depends on the compiler, and
is for compiled subnets to show.
"""

from itertools import product
from typing import Dict, List, NamedTuple, Tuple

import numpy as np

from efnas.core.space import ArchCode, SearchSpace
from efnas.vela.output import Compiled

ADDITIVE, PAIRS, EXACT = "additive", "pairs", "exact"


class BoardCost(NamedTuple):
    """What the compiler says of one subnet; `stage_sram_kib` is the most that an operator of each stage needs."""

    latency_ms: float
    sram_kib: float
    flash_kib: float
    stage_sram_kib: Dict[str, float]

    @property
    def figures(self) -> Tuple[float, float, float]:
        """Latency in ms, SRAM in KiB, flash in KiB."""
        return self.latency_ms, self.sram_kib, self.flash_kib


def cost_of(compiled: Compiled) -> BoardCost:
    stages: Dict[str, float] = {}
    for operator in compiled.operators:
        stages[operator.stage] = max(stages.get(operator.stage, 0.0), operator.sram_bytes / 1024)
    return BoardCost(compiled.inference_ms, compiled.sram_kib, compiled.flash_kib, stages)


def probes(space: SearchSpace, method: str) -> List[ArchCode]:
    """The subnets that a method needs compiled, the base first, those with fewer changes before those with more.

    In a space of nine blocks with three options these are 19, and 51 for pairs.
    """
    base, count = space.baseline, len(space.blocks)
    places = [(), *((place,) for place in range(count))]
    if method == PAIRS:
        places += [(place, place + 1) for place in range(count - 1)]
    found = []
    for changed in places:
        others = [[digit for digit in range(space.options_per_block) if digit != base[place]] for place in changed]
        for digits in product(*others):
            arch = list(base)
            for place, digit in zip(changed, digits):
                arch[place] = digit
            found.append(space.code(arch))
    return found


class CostModel:
    """Latency, flash and the SRAM of every stage are sums of terms; a subnet's SRAM is that of its largest stage.

    `terms` holds arrays [ms, KiB of flash, KiB of SRAM of each stage] by what differs from the base: () for the base
    itself, ((place, digit),) for an option of a block, two of them for neighbouring blocks.
    """

    def __init__(self, space: SearchSpace, method: str, costs: Dict[ArchCode, BoardCost]):
        """`costs` holds at least those of the probes."""
        self._base = space.baseline
        stages = list(costs[self._base].stage_sram_kib)
        self.terms: Dict[Tuple[Tuple[int, int], ...], np.ndarray] = {}
        for probe in probes(space, method):
            cost = costs[probe]
            said = [cost.latency_ms, cost.flash_kib, *(cost.stage_sram_kib.get(stage, 0.0) for stage in stages)]
            self.terms[self._changes(probe)] = np.array(said) - self._sum(probe)

    def predict(self, arch: ArchCode) -> Tuple[float, float, float]:
        """Latency in ms, SRAM in KiB, flash in KiB."""
        latency, flash, *stages = self._sum(arch).tolist()
        return latency, max(stages), flash

    def _changes(self, arch: ArchCode) -> Tuple[Tuple[int, int], ...]:
        return tuple((place, digit) for place, digit in enumerate(arch) if digit != self._base[place])

    def _sum(self, arch: ArchCode) -> np.ndarray:
        """The sum of the terms of the base, of all blocks that differ from it, and of neighbours among these."""
        changes = self._changes(arch)
        wanted = [(), *((change,) for change in changes), *zip(changes, changes[1:])]
        # A probe's own term, and what a method has no terms for, is not there.
        return sum(self.terms[key] for key in wanted if key in self.terms)
