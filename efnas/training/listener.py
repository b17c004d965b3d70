"""What a run tells while it goes and when it ends."""

import signal
from pathlib import Path
from typing import NamedTuple

from efnas.runs.history import Moment
from efnas.runs.resume import Resumption
from efnas.runs.subnet_errors import SubnetErrors
from efnas.training.plan import Plan
from efnas.training.step import StepResult


class Listener:
    """What a run tells while it goes; a screen overrides what it shows."""

    def synthesis(self, done: int, total: int) -> None: ...

    def resuming(self, resumption: Resumption) -> None: ...

    def begin(self, plan: Plan) -> None: ...

    def step(self, epoch: int, step: int, result: StepResult, rate: float, samples: int) -> None: ...

    def evaluating(self, epoch: int) -> None: ...

    def evaluated(self, moment: Moment, evaluation: SubnetErrors, figures: dict, best: bool) -> None: ...

    def stopping(self, number: signal.Signals) -> None: ...


class Outcome(NamedTuple):
    """How a run ended. `best` is the chosen metric's best value, in pixels, and `zero_epe` that of predicting zero.

    `seconds` are those of this process; a run that was finished already took none.
    """

    folder: Path
    steps: int
    best: float
    best_epoch: int
    zero_epe: float
    stopped_early: bool
    seconds: float
