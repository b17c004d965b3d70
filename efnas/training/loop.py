"""The training loop, in one piece: epochs of steps, evaluations, checkpoints, early stop, resume.

It is an iterator of what happens (see `events`). What is kept of a run is written before the event is handed on.
"""

import math
import signal
import time
from contextlib import ExitStack
from itertools import count
from typing import Callable, Generator, Iterator, List, Optional

import numpy as np
import tensorflow.compat.v1 as tf

from efnas.backend import open_session
from efnas.core.costs import supernet_variables
from efnas.core.variables import first_values
from efnas.core.weights import Weights
from efnas.data.batches import BatchReader, micro_batch_sizes
from efnas.data.sampling_plan import SamplePlan, coverage, training_plan
from efnas.errors import TrainingDiverged
from efnas.evaluation.subnets import PoolEvaluation
from efnas.runs.checkpoints import Checkpointer, restore
from efnas.runs.history import LOG, History, Milestone
from efnas.runs.manifest import identity_sha256
from efnas.runs.progress import RunProgress
from efnas.runs.resume import Resume, Resumption
from efnas.runs.run_files import BEST, KEPT, LAST, is_kept
from efnas.runs.subnet_errors import SubnetErrors
from efnas.training.events import (
    Began,
    EpochTrained,
    Evaluated,
    Evaluating,
    Event,
    NotFinite,
    Saved,
    Stepped,
    Stopped,
)
from efnas.training.plan import Plan, finished, opened
from efnas.training.recording import Recording
from efnas.training.schedule import learning_rate

StopWanted = Callable[[], Optional[signal.Signals]]


def run_training(
    plan: Plan, overwrite: bool = False, resume: Optional[Resume] = None, stop_wanted: StopWanted = lambda: None
) -> Iterator[Event]:
    """Train into the run folder of a plan: from the first step, from other weights, or from where a checkpoint stands.

    `stop_wanted` is asked after every step and every batch of an evaluation; the last event is then `Stopped`, else
    `Finished`. Raises EfnasError for a run that cannot begin or cannot go on. Of several ranks all are asked, and what
    one of them wants all do; the folder is the first one's alone.
    """
    folder, ranks = plan.config.runtime.run_folder, plan.ranks
    with ExitStack() as held:
        ranks.require_same({**plan.manifest["identity"], "whether there is a GPU": plan.device.gpu})
        resumption = ranks.of_first(lambda: opened(plan, overwrite, resume, held))
        if resumption and resumption.progress.finished(plan.config):
            yield finished(plan, resumption.progress, 0.0)
            return
        history = ranks.first and History(folder, plan.pool, plan.supernet, resumption and resumption.histories)
        held.enter_context(tf.Graph().as_default())
        recording = history and held.enter_context(Recording(history, plan.manifest))
        for event in _Run(plan, history, resumption, stop_wanted).events():
            if recording:
                recording.keep(event)
            yield event


class _Run:
    """The graph of a run and where it stands (`at`); only the first rank has a history."""

    def __init__(self, plan: Plan, history: Optional[History], resumption: Optional[Resumption], wanted: StopWanted):
        self.plan, self.history, self.resumption = plan, history, resumption
        self.folder, self.ranks = plan.config.runtime.run_folder, plan.ranks
        self.stop_wanted = lambda: plan.ranks.any(wanted())
        self.at = resumption.progress if resumption else RunProgress.of_space(plan.supernet.space)
        self.network = plan.supernet.identity(plan.config.network.base_width)
        self.manifest = resumption.manifest if resumption else plan.manifest
        self.saved_at = time.monotonic()
        self.coverage = 0.0
        self._evaluation: Optional[PoolEvaluation] = None

    def build(self) -> None:
        plan, config = self.plan, self.plan.config
        data, train, device = config.data, config.train, plan.device
        own = self.ranks.part(0, train.batch_size).samples
        self.reader = BatchReader(
            plan.sets.train, data.input_height, data.input_width, own, train.micro_batch_size,
            data.flow_clip, device.threads, data.whole, augmentation=data.augmentation,
        )  # fmt: skip
        width = config.network.base_width
        variables = first_values(supernet_variables(plan.supernet, width), train.first_values)
        self.weights = Weights(variables, config.runtime.seed)
        plan.connect(self.reader.batch, self.weights)
        self.checkpointer = Checkpointer([*self.weights.saved, *plan.step.optimiser_state])
        self.keeper = Checkpointer(self.weights.saved)

    def evaluation(self) -> PoolEvaluation:
        """Built when it is first asked for: the first step need not wait for it."""
        if self._evaluation is None:
            plan = self.plan
            how = plan.config, plan.sets, plan.device.threads, plan.ranks
            self._evaluation = PoolEvaluation(plan.supernet, self.weights, *how)
        return self._evaluation

    def events(self) -> Iterator[Event]:
        began, config, at = time.monotonic(), self.plan.config, self.at
        yield Began(self.resumption)
        self.build()
        with open_session(self.plan.device, self.plan.config.train.xla) as session:
            self.first_values(session)
            # A training that begins with another run's weights says first how good these are.
            at_start = self.plan.beginning is not None and at.nothing_done
            while not at.finished(config):
                epoch = 0 if at_start else at.epochs_done + 1
                if not at_start:
                    yield from self.train_epoch(session, epoch)
                errors = None
                due = epoch % config.eval.eval_every_epoch == 0 or epoch == config.train.num_epochs
                if due and not self.stop_wanted():
                    errors = yield from self.evaluate(session, epoch)
                if self.stop_wanted():  # an evaluation that was left is done again after a resume
                    yield self.save(session, LAST)
                    yield Stopped(self.stop_wanted(), at.step, self.folder)
                    return
                milestone = self.milestone(epoch)
                if not at_start:
                    at.end_epoch()
                if errors:
                    evaluated = self.evaluated(milestone, *errors)
                    yield evaluated
                    if evaluated.best:
                        yield self.save(session, BEST)
                if is_kept(config, epoch):
                    yield self.save(session, KEPT.format(epoch), self.keeper)
                yield self.save(session, LAST)
                at_start = False
        yield finished(self.plan, at, time.monotonic() - began)

    def first_values(self, session: tf.Session) -> None:
        beginning, restored = self.plan.beginning, []
        if self.ranks.first and self.resumption:
            restored = self.checkpointer.variables
            restore(session, restored, self.resumption.checkpoint, self.network)
        elif self.ranks.first and beginning:
            restored = self.weights.saved
            beginning.require(restore(session, restored, beginning.checkpoint, beginning.network))
            self.history.log(f"begun with the weights of {beginning.checkpoint}")
        known = {variable.name for variable in restored}
        session.run(tf.variables_initializer([each for each in tf.global_variables() if each.name not in known]))
        self.ranks.copy_first(session, self.checkpointer.variables)

    def train_epoch(self, session: tf.Session, epoch: int) -> Iterator[Event]:
        """The steps of an epoch that are still to do, until a stop is wanted."""
        config, plan, at = self.plan.config, self.plan, self.at
        train, seed = config.train, config.runtime.seed
        begin = (epoch - 1) * plan.samples_per_epoch
        samples = training_plan(seed, len(plan.sets.train), begin, plan.samples_per_epoch, train.train_sampling_mode,
                                config.data.augmentation)  # fmt: skip
        self.coverage = coverage(samples, len(plan.sets.train))
        position = at.samples_seen - begin
        if self.stop_wanted():  # while the graph was built
            return
        begins = range(position, len(samples), train.batch_size)
        parts = [self.ranks.part(first, min(first + train.batch_size, len(samples))) for first in begins]
        if parts:
            self.reader.start(session, samples[np.r_[tuple(part.where for part in parts)]])
        result = None
        for first, part in zip(begins, parts):
            batch = samples[first : first + train.batch_size]
            codes, rate = plan.step.draw(at.step), self.rate()
            pieces = micro_batch_sizes(part.samples, train.batch_size, train.micro_batch_size)
            try:
                result = plan.step.run(session, codes, rate, pieces, part.share)
            except tf.errors.OpError as error:
                self.ranks.require_whole(error)
                raise self.reader.explain(samples[part.where], error) from error
            if not all(map(math.isfinite, result)):
                yield NotFinite(at.step, result, codes, self.names_of(batch))
                raise self.diverged(codes)
            at.add_step(codes, len(batch), result.loss, result.loss_with_decay)
            yield Stepped(epoch, at.step, result, rate, len(batch))
            if self.stop_wanted():
                return
            minutes = config.checkpoint.every_minutes
            if minutes and time.monotonic() - self.saved_at > 60 * minutes:
                yield self.save(session, LAST)
        if result:
            yield EpochTrained(epoch, at.step, result.loss, self.coverage)

    def rate(self) -> float:
        train = self.plan.config.train
        epochs = train.schedule_epochs or train.num_epochs
        return learning_rate(train, self.at.samples_seen, self.plan.samples_per_epoch * epochs)

    def names_of(self, batch: SamplePlan) -> str:
        return " ".join(self.plan.sets.train.samples[index].name for index in batch.indices)

    def diverged(self, codes: np.ndarray) -> TrainingDiverged:
        archs = ", ".join("".join(map(str, code)) for code in codes.tolist())
        return TrainingDiverged(
            f"The loss or gradient of step {self.at.step} (subnets {archs}) is not finite; nothing was saved after it. "
            f"The samples of its batch are in {self.folder / LOG}."
        )

    def milestone(self, epoch: int) -> Milestone:
        at, steps = self.at, self.at.epoch_steps or math.nan
        losses = at.loss_sum / steps, at.loss_with_decay_sum / steps
        return Milestone(epoch, at.step, at.samples_seen, self.rate(), *losses, self.coverage)

    def evaluate(self, session: tf.Session, epoch: int) -> Generator[Event, None, Optional[List[SubnetErrors]]]:
        """The pool on the usual part of the validation set, and where it is time for that on the whole of it; None
        when a stop is wanted."""
        config = self.plan.config.eval
        also_whole = config.full_every and epoch % config.full_every == 0 and config.eval_batches_per_arch != "all"
        found: List[SubnetErrors] = []
        for whole in (False, True) if also_whole else (False,):
            work, total = self.evaluation().errors(session, self.plan.pool, whole), self.evaluation().batches(whole)
            for done in count():
                yield Evaluating(epoch, done, total)
                if self.stop_wanted():
                    return None
                try:
                    next(work)
                except StopIteration as end:
                    found.append(end.value)
                    break
        return found

    def evaluated(self, milestone: Milestone, errors: SubnetErrors, full: Optional[SubnetErrors] = None) -> Evaluated:
        config, at = self.plan.config.eval, self.at
        figures = errors.summary(self.plan.supernet.baseline_subnet)
        at.zero_epe = errors.zero_epe
        best = at.is_best(figures[config.best_metric], milestone.epoch, config.early_stop_min_delta)
        return Evaluated(milestone, errors, full, figures, best, at.counts)

    def save(self, session: tf.Session, name: str, checkpointer: Optional[Checkpointer] = None) -> Saved:
        if self.ranks.first:
            state = {"epoch": self.at.epoch, **self.at.as_state(), "metric": self.plan.config.eval.best_metric,
                     "histories": self.history.lengths(), "identity_sha256": identity_sha256(self.manifest),
                     **self.network}  # fmt: skip
            (checkpointer or self.checkpointer).save(session, self.folder / name, state)
        self.saved_at = time.monotonic()
        return Saved(name, self.at.step)
