"""What Vela says of a network, read strictly: a form that is not known is refused, never guessed at.

Known are the summary of 3.8 to 5.2, and of the per-layer table and the allocation listing the forms of 3.8 to 4.5 and
of 5.0 to 5.2.
"""

import csv
import re
from typing import Dict, List, NamedTuple, Tuple

from efnas.errors import EfnasError

SUMMARY_COLUMNS = (
    "inferences_per_second",
    "inference_time",
    "sram_memory_used",
    "off_chip_flash_memory_used",
    "nn_macs",
)


class _LayerForm(NamedTuple):
    """Columns of a per-layer table by position: `Network%` may stand twice, and names, which come last, hold commas."""

    header: str
    sram: int
    cycles: int  # followed, after a share, by those of the NPU, the SRAM, and the other memories
    macs: int

    def busy(self, row: List[str]) -> Tuple[float, float, float]:
        """Cycles that the NPU, the SRAM, and the slowest of the other memories are busy."""
        npu, sram, *others = map(float, row[self.cycles + 2 : self.macs])
        return npu, sram, max(others)


LAYER_FORMS = [
    _LayerForm(
        "TFLite_operator,NNG Operator,SRAM Usage,Peak%,Op Cycles,Network%,NPU,SRAM AC,DRAM AC,OnFlash AC,OffFlash AC,"
        "MAC Count,Network%,Util%,Name",
        sram=2, cycles=4, macs=11,
    ),
    _LayerForm(
        "Original Operator,NNG Operator,Target,Staging Usage,Peak% (Staging),Op Cycles,Network% (cycles),NPU,SRAM AC,"
        "DRAM AC,OnFlash AC,OffFlash AC,MAC Count,Network% (MAC),Util% (MAC),Name",
        sram=3, cycles=5, macs=12,
    ),
]  # fmt: skip

# The listings of the SRAM: how they begin, the columns between size and name, and how they end.
ALLOCATION_BEGINS = re.compile(r"^(Tensor Allocation for mem_area Sram,|Allocation, memory Sram,).*$", re.MULTILINE)
ALLOCATION_COLUMNS = (
    ("Start Time", "End Time", "Start Addr", "End Addr", "Tensor Size", "Memory Usage", "Purpose", "Format", "Name"),
    ("Start Time", "End Time", "Start Addr", "End Addr", "Tensor Size", "Memory Usage", "Purpose", "Name"),
    ("Start Time", "End Time", "Start Addr", "End Addr", "Tensor Size", "Memory Usage", "Format", "Name"),
)
ALLOCATION_PEAK = re.compile(r"^Allocation Peak Tensor Size: +(\d+) ")
WEIGHT_BUFFER = re.compile(r"WB_\w+_op(\d+)$")  # 5.1 and later name a weight buffer after the number of its operator
WEIGHTS = "weights"


class CompiledOperator(NamedTuple):
    """A row of the per-layer table; `name` is that of the operator's output, `stage` its first part (E0, EB0, ...).

    It takes so many `cycles`, while the NPU, the SRAM, and the slowest of the other memories are busy for their own.
    """

    name: str
    sram_bytes: int
    cycles: float
    macs: int
    npu_cycles: float
    sram_cycles: float
    memory_cycles: float

    @property
    def stage(self) -> str:
        return _stage(self.name)


class LiveTensor(NamedTuple):
    """A tensor in the SRAM from step `start` to step `end` of the schedule, both included."""

    name: str
    stage: str
    start: int
    end: int
    address: int
    size: int
    is_weights: bool


class Compiled(NamedTuple):
    """Vela's estimate for one file. `live` are the tensors in the SRAM, in the order of their first step."""

    sram_kib: float
    flash_kib: float
    inference_ms: float
    fps: float
    macs: int
    npu_ops: int
    cpu_ops: int
    operators: List[CompiledOperator]
    live: List[LiveTensor]

    @property
    def sram_mb(self) -> float:
        return self.sram_kib / 1024.0

    @property
    def peak(self) -> CompiledOperator:
        """The operator that needs the most SRAM."""
        return max(self.operators, key=lambda operator: operator.sram_bytes)

    def milliseconds(self, operator: CompiledOperator) -> float:
        """The operator's share of the latency, by its share of the cycles."""
        return self.inference_ms * operator.cycles / sum(each.cycles for each in self.operators)


def read_output(version: str, printed: str, summary: str, layers: str) -> Compiled:
    """The estimate in what Vela printed and in its two tables. Raises EfnasError for a form that is not known."""
    figures = _read_summary(summary, version)
    operators = _read_layers(layers, version)
    live, peak = _read_allocation(printed, operators, version)
    if live and peak != figures["sram_memory_used"] * 1024:
        raise _unknown(version, f"allocation, which ends at {peak} bytes where the summary says otherwise")
    counts = {kind: re.search(rf"^{kind} operators = (\d+)", printed, re.MULTILINE) for kind in ("NPU", "CPU")}
    if not all(counts.values()):
        raise _unknown(version, "output, which does not say how many operators run on the NPU and the CPU")
    return Compiled(
        figures["sram_memory_used"], figures["off_chip_flash_memory_used"], 1000.0 * figures["inference_time"],
        figures["inferences_per_second"], int(figures["nn_macs"]), int(counts["NPU"].group(1)),
        int(counts["CPU"].group(1)), operators, live,
    )  # fmt: skip


def _read_summary(text: str, version: str) -> Dict[str, float]:
    rows = [row for row in csv.reader(text.splitlines()) if row]
    if len(rows) != 2:
        raise _unknown(version, f"summary, which has {len(rows)} lines and not two")
    missing = [name for name in SUMMARY_COLUMNS if name not in rows[0]]
    if missing:
        raise _unknown(version, f"summary, which has no column {', '.join(missing)}")
    return {name: float(rows[1][rows[0].index(name)]) for name in SUMMARY_COLUMNS}


def _read_layers(text: str, version: str) -> List[CompiledOperator]:
    header, *rows = [row for row in csv.reader(text.splitlines()) if row] or [[]]
    form = next((form for form in LAYER_FORMS if form.header == ",".join(header)), None)
    if form is None:
        raise _unknown(version, f"per-layer table, whose header is '{','.join(header)[:80]}'")
    name = len(header) - 1
    operators = [
        CompiledOperator(",".join(row[name:]), int(float(row[form.sram])), float(row[form.cycles]),
                 int(float(row[form.macs])), *form.busy(row))
        for row in rows
    ]  # fmt: skip
    # 5.x lists an activation that is part of another operator once more, at no cost.
    return [operator for operator in operators if operator.cycles or operator.sram_bytes]


def _read_allocation(printed: str, operators: List[CompiledOperator], version: str) -> Tuple[List[LiveTensor], int]:
    """The tensors in the SRAM and its highest address; nothing for a network that keeps no tensor there."""
    begins = ALLOCATION_BEGINS.search(printed)
    if not begins:
        return [], 0
    header, *lines = printed[begins.end() :].lstrip("\n").splitlines()
    columns = tuple(re.split(r"\s*:\s*|\s+-\s+", header.strip()))
    if columns not in ALLOCATION_COLUMNS:
        raise _unknown(version, f"allocation, whose header is '{header[:80]}'")
    live: List[LiveTensor] = []
    for line in lines:
        end = ALLOCATION_PEAK.match(line)
        if end:
            return sorted(live, key=lambda tensor: tensor.start), int(end.group(1))
        fields = [field.strip() for field in line.split(":", len(columns) - 3)]
        try:
            (start, stop), (first, after) = (fields[place].split(" - ") for place in (0, 1))
            name, size = fields[-1], int(fields[2])
            owner, is_weights = _owner(name, fields, operators)
            live.append(LiveTensor(name, owner, int(start), int(stop), int(first, 16), size, is_weights))
            if int(after, 16) - int(first, 16) < size:
                raise ValueError(line)
        except (ValueError, IndexError) as error:
            raise _unknown(version, f"allocation, which has the line '{line.strip()[:100]}'") from error
    raise _unknown(version, "allocation, which does not end")


def _owner(name: str, fields: List[str], operators: List[CompiledOperator]) -> Tuple[str, bool]:
    """The stage that a tensor belongs to, and whether it is a buffer of weights."""
    buffer = WEIGHT_BUFFER.match(name)
    if buffer and int(buffer.group(1)) < len(operators):
        return operators[int(buffer.group(1))].stage, True
    if buffer or name.startswith("#"):  # 5.0 gives the buffers no name
        return WEIGHTS, True
    return _stage(name), "Weights" in fields


def _stage(name: str) -> str:
    return name.split("/")[0]


def _unknown(version: str, what: str) -> EfnasError:
    return EfnasError(f"Vela {version} answers in a form that is not known here: its {what}.")
