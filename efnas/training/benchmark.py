"""How fast a configuration trains on this machine, by the settings that matter, and which of them to take.

Each setting has a process of its own. On a CPU they stay, as far as memory goes, and take their steps in turns, so that
a change of the machine's speed meets all of them; on a GPU, whose memory they would share, one follows the other.
"""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path
from statistics import median
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence

import numpy as np

from efnas.config import MIXED, OWN, TENSORFLOW, Config, as_tree
from efnas.dotted import dotted
from efnas.errors import EfnasError
from efnas.machine import available_memory_gb
from efnas.runs.manifest import PRECISION, XLA

START = "import sys; sys.path.insert(0, sys.argv[1]); from efnas.training.benchmark_process import serve; serve()"
GRADIENTS, MICRO = "runtime.convolution_gradients", "train.micro_batch_size"
SHARE_OF_MEMORY = 0.7  # of what is free, for processes that stay
NOTICED_WAIT = 0.02  # share of a step from which on waiting for data is worth a word


class Setting(NamedTuple):
    """What may differ; the gradients are those of convolutions on a CPU."""

    precision: str
    xla: bool
    gradients: str
    micro_batch_size: Optional[int]

    def told(self) -> str:
        gradients = "own gradients" if self.gradients == OWN else "TensorFlow's gradients"
        words = [self.precision, *(["XLA"] if self.xla else []), gradients]
        return ", ".join(words + ([f"micro batches of {self.micro_batch_size}"] if self.micro_batch_size else []))

    def keys(self) -> Dict[str, object]:
        """Of the configuration."""
        return {PRECISION: self.precision, XLA: self.xla, GRADIENTS: self.gradients, MICRO: self.micro_batch_size}


class Row(NamedTuple):
    """A setting, and seconds a step with a batch in memory and with data, in order of size; or why there are none."""

    setting: Setting
    memory: List[float] = []
    data: List[float] = []
    peak_mb: Optional[float] = None
    failed: Optional[str] = None

    @property
    def step(self) -> float:
        return median(self.data)

    @property
    def interval(self) -> List[float]:
        """The quartiles."""
        return np.percentile(self.data, [25, 75]).tolist()

    @property
    def waiting(self) -> float:
        """The share of a step that goes to data, which is read while it computes, on the same cores."""
        return max(0.0, 1.0 - median(self.memory) / self.step)

    def as_dict(self, batch_size: int) -> dict:
        told = {**self.setting._asdict(), "failed": self.failed}
        if self.failed:
            return told
        return {**told, "step_s": self.step, "interval_s": self.interval, "samples_per_s": batch_size / self.step,
                "waiting": self.waiting, "peak_mb": self.peak_mb, "steps": len(self.data)}  # fmt: skip


class Benchmark(NamedTuple):
    """The first row is the configuration's own setting. `advice` are words for `efnas train`, and `said` why."""

    device: str
    rows: List[Row]
    advice: List[str]
    said: List[str]


def settings_beside(own: Setting, batch_size: int, gpu: bool, everything: bool) -> List[Setting]:
    """What is measured beside the configuration's own setting. On a CPU float16 and XLA only with `everything`: the
    one is slow there, the other takes minutes to compile."""
    wide = gpu or everything
    kinds = product(
        [own.precision, *({"float32", MIXED} - {own.precision} if wide else ())],
        [own.xla, *([not own.xla] if wide else [])],
        [TENSORFLOW] if gpu else [OWN, TENSORFLOW],
    )
    batch = own.micro_batch_size or batch_size
    smaller = [own._replace(micro_batch_size=batch // part) for part in (2, 4) if batch // part >= 1 and batch >= part]
    found = [Setting(*kind, own.micro_batch_size) for kind in kinds]
    return [each for each in dict.fromkeys([*found, *smaller]) if each != own]


def run_benchmark(
    config: Config, rounds: int, steps: int, seconds: float, everything: bool,
    progress: Callable[[int, int, str], None] = lambda done, total, what: None,
) -> Benchmark:  # fmt: skip
    """Time `steps` steps of each setting in each of some rounds; a setting that takes longer than `seconds` to begin,
    or for a round, has failed. Raises EfnasError for a training that cannot begin here with any."""
    train = config.train
    own = Setting(train.precision, train.xla, config.runtime.convolution_gradients, train.micro_batch_size)
    with _Process(config, own, seconds) as first:
        if "device" not in first.told:  # no setting could help
            raise EfnasError(first.row.failed)
        gpu = first.told["gpu"]
        own = own._replace(gradients=OWN if first.told["own_gradients"] else TENSORFLOW)
        first.row = first.row._replace(setting=own)
        beside = settings_beside(own, config.train.batch_size, gpu, everything)
        total = rounds * (1 + len(beside))
        rows, done = [], 0
        for group in _groups(config, first, beside, seconds, gpu):
            for _ in range(rounds):
                for process in group:
                    process.time(steps)
                    done += 1
                    progress(done, total, process.row.setting.told())
            rows += [process.row for process in group]
    return Benchmark(first.told["device"], rows, *_advice(config, rows, first.told["packed"]))


def _groups(config: Config, first: "_Process", beside: Sequence[Setting], seconds: float, gpu: bool) -> Iterator[list]:
    """Processes that take their steps in turns, the first one in the first group; they end with their group."""
    free, peak = available_memory_gb(), first.row.peak_mb
    together = len(beside) if free is None or not peak else int(SHARE_OF_MEMORY * free * 1000 / peak) - 1
    together = 0 if gpu else max(0, min(together, len(beside)))
    parts = [beside[:together], *([each] for each in beside[together:])]
    for number, part in enumerate(parts):
        group = [first] if number == 0 else []
        try:
            group += [_Process(config, setting, seconds) for setting in part]
            yield group
        finally:
            for process in group:
                process.end()


def _advice(config: Config, rows: List[Row], packed: bool) -> tuple:
    own, timed = rows[0], [row for row in rows if not row.failed]
    if not timed:
        return [], ["No setting could be measured."]
    # Smaller micro batches have other statistics: they are for where the memory does not suffice.
    alike = [row for row in timed if row.setting.micro_batch_size == own.setting.micro_batch_size] or timed
    best = min(alike, key=lambda row: row.step)
    told = f"{best.setting.told()}: {config.train.batch_size / best.step:,.1f} samples a second"
    said = [f"{told}, {own.step / best.step:.2f} times the configuration's own." if not own.failed else f"{told}."]
    if best is not own and not own.failed and best.interval[1] >= own.interval[0]:
        best, said = own, ["No setting is told from the configuration's own by these steps."]
    elif best is own:
        said = [f"The configuration's own setting is the fastest: {told}."]
    if best.setting.precision != own.setting.precision:
        said.append(f"{PRECISION} is part of what a run is: begin a new one with it.")
    if best.waiting > NOTICED_WAIT and best.interval[0] > np.percentile(best.memory, 75):
        remedy = "more cores, or fewer other programs, would help" if packed else "efnas data pack makes it faster"
        said.append(f"{best.waiting:.0%} of a step goes to reading data: {remedy}.")
    was = own.setting.keys()
    words = [f"--set {key}={json.dumps(value)}".replace('"', "") for key, value in best.setting.keys().items()
             if value != was[key]]  # fmt: skip
    return words, said


class _Process:
    """The process of a setting, and its `row`."""

    def __init__(self, config: Config, setting: Setting, seconds: float):
        self.row, self._seconds = Row(setting), seconds
        self._printed = tempfile.TemporaryFile()
        words = [sys.executable, "-c", START, str(Path(__file__).parents[2])]
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
        self._process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._printed, env=environment
        )
        values = {**dict(dotted(as_tree(config))), **setting.keys()}
        self.told = self._ask(values)
        self.row = self.row._replace(peak_mb=self.told.get("peak_mb"), failed=self.told.get("error"))

    def __enter__(self) -> "_Process":
        return self

    def __exit__(self, *_) -> None:
        self.end()

    def time(self, steps: int) -> None:
        if self.row.failed:
            return
        told = self._ask(steps)
        if "error" in told:
            self.row = self.row._replace(failed=told["error"])
            return
        memory, data = (sorted(known + told["seconds"][name]) for name, known in
                        (("memory", self.row.memory), ("data", self.row.data)))  # fmt: skip
        self.row = self.row._replace(memory=memory, data=data, peak_mb=told["peak_mb"])

    def _ask(self, question) -> dict:
        try:
            self._process.stdin.write(f"{json.dumps(question)}\n".encode())
            self._process.stdin.flush()
        except BrokenPipeError:
            return {"error": self._last_words()}
        if not select.select([self._process.stdout], [], [], self._seconds)[0]:
            self.end()
            return {"error": f"took longer than {self._seconds:,.0f} s"}
        line = self._process.stdout.readline()
        return json.loads(line) if line else {"error": self._last_words()}

    def _last_words(self) -> str:
        code = self._process.wait()
        self._printed.seek(0)
        lines = self._printed.read().decode(errors="replace").strip().splitlines()
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"code {code}"
        return f"its process ended with {how}" + (f": {lines[-1][:200]}" if lines else "")

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._printed):
            try:
                stream.close()
            except OSError:  # what was still to be written has no reader
                pass
