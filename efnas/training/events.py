"""What happens in a training, one value each. The screen, the histories and TensorBoard are made of them."""

import signal
from pathlib import Path
from typing import NamedTuple, Optional, Union

import numpy as np

from efnas.core.sampler import FairnessCounts
from efnas.runs.history import Milestone
from efnas.runs.resume import Resumption
from efnas.runs.subnet_errors import SubnetErrors
from efnas.training.step import StepResult


class Began(NamedTuple):
    """The run's folder stands, and nothing is built yet; `resumption` says from where it goes on."""

    resumption: Optional[Resumption]


class Stepped(NamedTuple):
    """`samples` are those of this step, `rate` its learning rate."""

    epoch: int
    step: int
    result: StepResult
    rate: float
    samples: int


class EpochTrained(NamedTuple):
    epoch: int
    step: int
    loss: float
    coverage: float


class Evaluating(NamedTuple):
    """`done` of `total` batches have gone through the pool."""

    epoch: int
    done: int
    total: int


class Evaluated(NamedTuple):
    """`figures` are the summary of `errors`; `full` are those on the whole validation set, where it was time for them.
    `best` says whether it is the best so far."""

    milestone: Milestone
    errors: SubnetErrors
    full: Optional[SubnetErrors]
    figures: dict
    best: bool
    counts: FairnessCounts


class Saved(NamedTuple):
    """A checkpoint stands."""

    name: str
    step: int


class NotFinite(NamedTuple):
    """The loss or gradient of step `step` is not finite: the run ends here."""

    step: int
    result: StepResult
    codes: np.ndarray
    samples: str


class Stopped(NamedTuple):
    """A signal asked for the end; the run is saved."""

    number: signal.Signals
    step: int
    folder: Path


class Finished(NamedTuple):
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


Event = Union[Began, Stepped, EpochTrained, Evaluating, Evaluated, Saved, NotFinite, Stopped, Finished]
