"""What the milliseconds of a network are made of, block by block: arithmetic, SRAM, and the memory of the weights."""

from typing import Dict, List, NamedTuple

from efnas.vela.board import Profile
from efnas.vela.output import Compiled


class Part(NamedTuple):
    """One stage: its share of the latency in ms, and for how many of them the NPU, the SRAM, and the memory of the
    weights are busy. `used` is the share of the multiply-accumulates that the NPU could have done in that time."""

    stage: str
    ms: float
    npu_ms: float
    sram_ms: float
    weights_ms: float
    macs: int
    used: float


def parts(compiled: Compiled, profile: Profile) -> List[Part]:
    """In the order in which the stages run.

    Estimates: a unit that is busy the whole time is what the stage waits for. Vela up to 4.5 counts no cycles of the
    weights' memory by themselves: waiting for it makes those of the NPU more, and `used` low.
    """
    macs_a_cycle = int(profile.accelerator.rsplit("-", 1)[1])  # as in ethos-u55-64
    ms_a_cycle = compiled.inference_ms / sum(operator.cycles for operator in compiled.operators)
    stages: Dict[str, List] = {}
    for operator in compiled.operators:
        stages.setdefault(operator.stage, []).append(operator)
    found = []
    for stage, operators in stages.items():
        cycles, npu, sram, weights, macs = (
            sum(getattr(operator, name) for operator in operators)
            for name in ("cycles", "npu_cycles", "sram_cycles", "memory_cycles", "macs")
        )
        busy = (each * ms_a_cycle for each in (cycles, npu, sram, weights))
        found.append(Part(stage, *busy, macs, macs / (cycles * macs_a_cycle) if cycles else 0.0))
    return found
