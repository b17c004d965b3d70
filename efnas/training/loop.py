"""The training loop, in one piece: epochs of strict-fairness steps, evaluations, checkpoints, early stop, resume."""

import math
import time
from pathlib import Path
from typing import Optional, Tuple

import tensorflow.compat.v1 as tf

from efnas.config import Config
from efnas.core.sampler import evaluation_pool, fair_cycle
from efnas.core.space import FLOW_SPACE
from efnas.data.batches import BatchReader, micro_batch_sizes
from efnas.data.sampling_plan import coverage, training_plan
from efnas.errors import TrainingDiverged
from efnas.evaluation.subnets import PoolEvaluation
from efnas.runs.checkpoints import Checkpointer, restore
from efnas.runs.history import History, Moment, open_run_folder, require_new_run
from efnas.runs.lock import RunLock
from efnas.runs.manifest import identity_sha256, write_manifest
from efnas.runs.network_identity import network_identity
from efnas.runs.progress import Progress
from efnas.runs.report import write_report
from efnas.runs.resume import Resume, Resumption, check_resume, scheduled
from efnas.runs.run_files import BEST, LAST
from efnas.runs.subnet_errors import SubnetErrors
from efnas.training.listener import Listener, Outcome
from efnas.training.plan import Plan, prepare
from efnas.training.schedule import learning_rate
from efnas.training.step import FairStep, StepResult
from efnas.training.stopping import RunStopped, StopRequest


def train(
    config: Config, listener: Optional[Listener] = None, overwrite: bool = False, resume: Optional[Resume] = None
) -> Outcome:
    """Train a supernet into `config.runtime.run_folder`: from the first step, or from where a checkpoint stands.

    Raises RunStopped when a signal asked for it; EfnasError for a run that cannot begin or cannot go on.
    """
    listener = listener or Listener()
    folder = config.runtime.run_folder
    config = scheduled(config, folder, resume) if resume else config
    plan = prepare(config, listener.synthesis)
    pool = evaluation_pool(FLOW_SPACE, config.runtime.seed, config.eval.eval_pool_size)

    def allowed() -> Optional[Resumption]:
        return check_resume(folder, plan.manifest, resume) if resume else require_new_run(folder, overwrite)

    allowed()  # what is refused leaves no lock behind
    with RunLock(folder):
        resumption = allowed()
        if resumption:
            if resumption.progress.finished(config):
                return _outcome(folder, resumption.progress, config, 0.0)
            listener.resuming(resumption)
            write_manifest(folder, resumption.manifest)
        else:
            open_run_folder(folder, plan.manifest)
        lengths = resumption and resumption.histories
        with tf.Graph().as_default(), History(folder, pool, FLOW_SPACE.baseline, lengths) as history, StopRequest(
            listener.stopping
        ) as request:
            listener.begin(plan)
            run = _Run(plan, pool, history, listener, request, resumption)
            with tf.Session(config=plan.device.session_config) as session:
                outcome = run.to_the_end(session)
        write_report(folder, plan.manifest, outcome)
        return outcome


def _outcome(folder: Path, at: Progress, config: Config, seconds: float) -> Outcome:
    early = at.stopped_early(config)
    return Outcome(folder, at.step, at.best, at.best_epoch, at.zero_epe, early, seconds)


class _Run:
    """The graph of a run and where it stands (`at`)."""

    def __init__(
        self, plan: Plan, pool: list, history: History, listener: Listener, request: StopRequest,
        resumption: Optional[Resumption],
    ):  # fmt: skip
        self.plan, self.pool, self.history, self.listener = plan, pool, history, listener
        self.request, self.resumption = request, resumption
        config, train, data = plan.config, plan.config.train, plan.config.data
        self.reader = BatchReader(
            plan.sets.train, data.input_height, data.input_width, train.batch_size, train.micro_batch_size,
            data.flow_clip, plan.device.threads,
        )  # fmt: skip
        self.fair_step = FairStep(FLOW_SPACE, self.reader.batch, train, config.runtime.seed, not plan.device.gpu)
        self.evaluation = PoolEvaluation(FLOW_SPACE, config, plan.sets, plan.device.threads, self.between_batches)
        self.checkpointer = Checkpointer(self.fair_step.trained_state())
        self.curves = tf.summary.FileWriter(str(history.folder / "tensorboard"))
        self.at = resumption.progress if resumption else Progress()
        self.manifest = resumption.manifest if resumption else plan.manifest
        self.saved_at = time.monotonic()

    def to_the_end(self, session: tf.Session) -> Outcome:
        began, config = time.monotonic(), self.plan.config
        session.run(tf.global_variables_initializer())
        if self.resumption:
            restore(session, self.checkpointer.variables, self.resumption.checkpoint, network_identity(config))
            self.history.log(f"resumed at step {self.at.step} from {self.resumption.checkpoint.name}")
            # TensorBoard drops what an earlier process wrote after this step.
            self.curves.add_session_log(tf.SessionLog(status=tf.SessionLog.START), self.at.step)
        while not self.at.finished(config):
            epoch = self.at.epochs_done + 1
            try:
                self.train_epoch(session, epoch)
                moment = self.moment(epoch)
                evaluation = None
                if epoch % config.eval.eval_every_epoch == 0 or epoch == config.train.num_epochs:
                    evaluation = self.evaluate(session, moment)
            except _StopHere:
                self.stop(session)
            self.at.end_epoch()
            if evaluation:
                self.take(session, moment, *evaluation)
            self.save(session, LAST)
        if self.at.stopped_early(config):
            self.history.log(f"early stop: no gain in {config.eval.early_stop_patience} evaluations")
        self.curves.close()
        return _outcome(self.history.folder, self.at, config, time.monotonic() - began)

    def train_epoch(self, session: tf.Session, epoch: int) -> None:
        """The steps of an epoch that are still to do."""
        config, plan, at = self.plan.config, self.plan, self.at
        train, seed = config.train, config.runtime.seed
        begin = (epoch - 1) * plan.samples_per_epoch
        samples = training_plan(seed, len(plan.sets.train), begin, plan.samples_per_epoch, train.train_sampling_mode)
        self.coverage = coverage(samples, len(plan.sets.train))
        position = at.samples_seen - begin
        if position < len(samples):
            self.reader.start(session, samples[position:])
        result = None
        for first in range(position, len(samples), train.batch_size):
            batch = samples[first : first + train.batch_size]
            codes = fair_cycle(FLOW_SPACE, seed, at.step)
            rate = self.rate()
            pieces = micro_batch_sizes(len(batch), train.batch_size, train.micro_batch_size)
            try:
                result = self.fair_step.run(session, codes, rate, pieces)
            except tf.errors.OpError as error:
                raise self.reader.explain(batch, error) from error
            if not all(map(math.isfinite, result)):
                raise self.diverged(result, codes, batch)
            at.add_step(codes, len(batch), result.loss, result.loss_with_decay)
            self.listener.step(epoch, at.step, result, rate, len(batch))
            self.draw(loss=result.loss, loss_with_decay=result.loss_with_decay, learning_rate=rate,
                      gradient_norm=result.gradient_norm)  # fmt: skip
            if self.request.number:
                raise _StopHere
            minutes = config.checkpoint.every_minutes
            if minutes and time.monotonic() - self.saved_at > 60 * minutes:
                self.save(session, LAST)
        if result:
            self.history.log(f"epoch {epoch}: step {at.step}, loss {result.loss:.5f}, coverage {self.coverage:.1%}")

    def rate(self) -> float:
        train = self.plan.config.train
        epochs = train.schedule_epochs or train.num_epochs
        return learning_rate(train, self.at.samples_seen, self.plan.samples_per_epoch * epochs)

    def diverged(self, result: StepResult, codes, batch) -> TrainingDiverged:
        step, log = self.at.step, self.history.folder / "train.log"
        names = " ".join(self.plan.sets.train.samples[index].name for index in batch.indices)
        self.history.log(f"not finite at step {step}: {result}; codes {codes.tolist()}; samples {names}")
        archs = ", ".join("".join(map(str, code)) for code in codes.tolist())
        return TrainingDiverged(
            f"The loss or gradient of step {step} (subnets {archs}) is not finite; nothing was saved after it. The "
            f"samples of its batch are in {log}."
        )

    def moment(self, epoch: int) -> Moment:
        at = self.at
        losses = (at.loss_sum / at.epoch_steps, at.loss_with_decay_sum / at.epoch_steps)
        return Moment(epoch, at.step, at.samples_seen, self.rate(), *losses, self.coverage)

    def evaluate(self, session: tf.Session, moment: Moment) -> Tuple[SubnetErrors, Optional[SubnetErrors]]:
        """The pool on the usual part of the validation set, and where it is time for that on the whole of it."""
        self.listener.evaluating(moment.epoch)
        config = self.plan.config.eval
        quick = self.evaluation.run(session, self.pool)
        whole = config.full_every and moment.epoch % config.full_every == 0 and config.eval_batches_per_arch != "all"
        return quick, self.evaluation.run(session, self.pool, whole=True) if whole else None

    def take(self, session: tf.Session, moment: Moment, quick: SubnetErrors, full: Optional[SubnetErrors]) -> None:
        """Write an evaluation down, and keep the weights when they are the best so far."""
        config, at = self.plan.config.eval, self.at
        figures = self.history.add_evaluation(moment, quick, at.counts, "quick")
        if full:
            self.history.add_evaluation(moment, full, at.counts, "full")
        self.draw(**{f"epe/{name}": value for name, value in figures.items()})
        self.curves.flush()
        at.zero_epe = quick.zero_epe
        best = at.judge(figures[config.best_metric], moment.epoch, config.early_stop_min_delta)
        if best:
            self.save(session, BEST)
        self.history.log(f"evaluation after epoch {moment.epoch}: {figures}")
        self.listener.evaluated(moment, quick, figures, best)

    def between_batches(self, done: int, total: int) -> None:
        """An evaluation can be left at any batch: it is done again after a resume."""
        if self.request.number:
            raise _StopHere

    def stop(self, session: tf.Session) -> None:
        self.save(session, LAST)
        number, folder = self.request.number, self.history.folder
        self.history.log(f"stopped by {number.name} after step {self.at.step}")
        self.curves.close()
        raise RunStopped(
            f"{number.name} came; the run is saved after step {self.at.step:,}. Go on with: efnas train --resume "
            f"--experiment-name {folder.name} --output-root {folder.parent}",
            number,
        )

    def save(self, session: tf.Session, name: str) -> None:
        state = {
            "epoch": self.at.epoch,
            **self.at.as_state(),
            "metric": self.plan.config.eval.best_metric,
            "histories": self.history.lengths(),
            "identity_sha256": identity_sha256(self.manifest),
            **network_identity(self.plan.config),
        }
        self.checkpointer.save(session, self.history.folder / name, state)
        self.saved_at = time.monotonic()

    def draw(self, **scalars: float) -> None:
        values = [tf.Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]
        self.curves.add_summary(tf.Summary(value=values), self.at.step)


class _StopHere(Exception):
    """A signal asked for the end; raised where the run can be saved."""
