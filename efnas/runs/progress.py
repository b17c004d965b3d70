"""Where a run stands: all that a checkpoint holds of it beside the weights."""

import math
from dataclasses import dataclass, fields
from typing import Any, Dict

from efnas.config import Config
from efnas.core.sampler import FairnessCounts
from efnas.core.space import SearchSpace
from efnas.errors import EfnasError, brief

LARGEST = 1e300


def _is_figure(value: Any, kind: type) -> bool:
    """A whole number that numpy can hold, or a number that a float can; Infinity is what was never measured."""
    if kind is int:
        return type(value) is int and 0 <= value < 2**63
    return type(value) in (int, float) and (value == math.inf or -LARGEST < value < LARGEST)


def _is_table(counts: Any) -> bool:
    rows = counts if isinstance(counts, list) else []
    same = {len(row) if isinstance(row, list) else 0 for row in rows}
    return len(same) == 1 and same != {0} and all(_is_figure(count, int) for row in rows for count in row)


def _lost(name: str, value: Any) -> EfnasError:
    return EfnasError(f"The checkpoint does not say where its run stands: {name} is {brief(value)}.")


def histories_of(state: dict) -> Dict[str, list]:
    """Bytes of each history and their hash when a checkpoint was saved. Raises EfnasError without them."""
    marks = state.get("histories")
    for mark in marks.values() if isinstance(marks, dict) else [None]:
        if not isinstance(mark, list) or [type(part) for part in mark] != [int, str] or not _is_figure(mark[0], int):
            raise _lost("histories", marks)
    return marks


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
        """Raises EfnasError when the state of a checkpoint lacks an entry, or has one that is no such number."""
        plain = {}
        for entry in fields(cls):
            if entry.name != "counts":
                plain[entry.name] = value = state.get(entry.name)
                if not _is_figure(value, entry.type):
                    raise _lost(entry.name, value)
        if math.isinf(plain["zero_epe"]) and not math.isinf(plain["best"]):  # one evaluation measures both
            raise _lost("zero_epe", plain["zero_epe"])
        counts = state.get("fairness_counts")
        if not _is_table(counts):
            raise _lost("fairness_counts", counts)
        return cls(**plain, counts=FairnessCounts(counts))

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
