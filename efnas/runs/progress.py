"""Where a run stands: all that a checkpoint holds of it beside the weights."""

import math
from dataclasses import dataclass, fields

from efnas.config import Config
from efnas.core.sampler import FairnessCounts
from efnas.core.space import SearchSpace


@dataclass
class RunProgress:
    """Sums are over the steps of the epoch that is under way. An epoch is done when it has been evaluated too."""

    counts: FairnessCounts
    step: int = 0
    samples_seen: int = 0
    epochs_done: int = 0
    epoch_steps: int = 0
    loss_sum: float = 0.0
    loss_with_decay_sum: float = 0.0
    best: float = math.inf
    best_epoch: int = 0
    zero_epe: float = math.inf
    stale_evaluations: int = 0

    @classmethod
    def of_space(cls, space: SearchSpace) -> "RunProgress":
        """Where every run begins."""
        return cls(FairnessCounts.none(space))

    @classmethod
    def of_state(cls, state: dict) -> "RunProgress":
        """Raises KeyError when the state of a checkpoint lacks an entry."""
        plain = {entry.name: state[entry.name] for entry in fields(cls) if entry.name != "counts"}
        return cls(**plain, counts=FairnessCounts(state["fairness_counts"]))

    def as_state(self) -> dict:
        plain = {name: value for name, value in vars(self).items() if name != "counts"}
        return {**plain, "fairness_counts": self.counts.counts.tolist()}

    @property
    def nothing_done(self) -> bool:
        """Neither a step nor an evaluation."""
        return self.step == 0 and math.isinf(self.best)

    @property
    def epoch(self) -> int:
        """The epoch under way, or the last one when it has just been done."""
        return self.epochs_done + (1 if self.epoch_steps else 0)

    def add_step(self, codes, samples: int, loss: float, loss_with_decay: float) -> None:
        self.counts.add(codes)
        self.step += 1
        self.epoch_steps += 1
        self.samples_seen += samples
        self.loss_sum += loss
        self.loss_with_decay_sum += loss_with_decay

    def end_epoch(self) -> None:
        self.epochs_done += 1
        self.epoch_steps = 0
        self.loss_sum = self.loss_with_decay_sum = 0.0

    def is_best(self, metric: float, epoch: int, min_delta: float) -> bool:
        """Take an evaluation into account; whether it is the best so far."""
        gain = self.best - metric
        self.stale_evaluations = 0 if gain > min_delta else self.stale_evaluations + 1
        if gain > 0:
            self.best, self.best_epoch = metric, epoch
        return gain > 0

    def stopped_early(self, config: Config) -> bool:
        return 0 < config.eval.early_stop_patience <= self.stale_evaluations

    def finished(self, config: Config) -> bool:
        return self.epochs_done >= config.train.num_epochs or self.stopped_early(config)
