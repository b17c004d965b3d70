"""The training loop, in one piece: epochs of strict-fairness steps, evaluations, checkpoints, early stop."""

import math
import time
from pathlib import Path
from typing import List, NamedTuple, Optional

import tensorflow.compat.v1 as tf

from efnas.config import Config
from efnas.core.checkpoints import Checkpointer
from efnas.core.sampler import FairnessCounts, evaluation_pool, fair_cycle
from efnas.core.space import FLOW_SPACE
from efnas.data.batches import BatchReader, micro_batch_sizes
from efnas.data.sampling_plan import coverage, training_plan
from efnas.errors import TrainingDiverged
from efnas.training.evaluation import Evaluation, PoolEvaluation
from efnas.training.history import BEST, LAST, History, Moment, open_run_folder
from efnas.training.plan import Plan, network_identity, prepare
from efnas.training.report import write_report
from efnas.training.schedule import learning_rate
from efnas.training.step import FairStep, StepResult


class Listener:
    """What a run tells while it goes; a screen overrides what it shows."""

    def synthesis(self, done: int, total: int) -> None: ...

    def begin(self, plan: Plan) -> None: ...

    def step(self, epoch: int, step: int, result: StepResult, rate: float, samples: int) -> None: ...

    def evaluating(self, epoch: int) -> None: ...

    def evaluated(self, moment: Moment, evaluation: Evaluation, figures: dict, best: bool) -> None: ...


class Outcome(NamedTuple):
    """How a run ended. `best` is the chosen metric's best value, in pixels, and `zero_epe` that of predicting zero."""

    folder: Path
    steps: int
    best: float
    best_epoch: int
    zero_epe: float
    stopped_early: bool
    seconds: float


def train(config: Config, listener: Optional[Listener] = None, overwrite: bool = False) -> Outcome:
    """Train a supernet into `config.runtime.run_folder`, from the first step to the last."""
    listener = listener or Listener()
    plan = prepare(config, listener.synthesis)
    folder = config.runtime.run_folder
    pool = evaluation_pool(FLOW_SPACE, config.runtime.seed, config.eval.eval_pool_size)
    open_run_folder(folder, plan.manifest, overwrite)
    with tf.Graph().as_default(), History(folder, pool, FLOW_SPACE.baseline) as history:
        listener.begin(plan)
        run = _Run(plan, pool, history, listener)
        with tf.Session(config=plan.device.session_config) as session:
            session.run(tf.global_variables_initializer())
            outcome = run.to_the_end(session)
    write_report(folder, plan.manifest, outcome)
    return outcome


class _Run:
    """The graph of a run and where it stands."""

    def __init__(self, plan: Plan, pool: list, history: History, listener: Listener):
        self.plan, self.pool, self.history, self.listener = plan, pool, history, listener
        config, train, data = plan.config, plan.config.train, plan.config.data
        self.reader = BatchReader(
            plan.sets.train,
            data.input_height,
            data.input_width,
            train.batch_size,
            train.micro_batch_size,
            data.flow_clip,
            plan.device.threads,
        )
        self.fair_step = FairStep(FLOW_SPACE, self.reader.batch, train, config.runtime.seed, not plan.device.gpu)
        self.evaluation = PoolEvaluation(FLOW_SPACE, config, plan.sets, plan.device.threads)
        self.checkpointer = Checkpointer(self.fair_step.trained_state())
        self.curves = tf.summary.FileWriter(str(history.folder / "tensorboard"))
        self.counts = FairnessCounts(FLOW_SPACE)
        self.step = self.samples_seen = self.best_epoch = self.stale_evaluations = 0
        self.best = self.zero_epe = math.inf
        self.saved_at = time.monotonic()

    def to_the_end(self, session: tf.Session) -> Outcome:
        began = time.monotonic()
        config = self.plan.config
        stopped_early = False
        for epoch in range(1, config.train.num_epochs + 1):
            losses = self.train_epoch(session, epoch)
            if epoch % config.eval.eval_every_epoch == 0 or epoch == config.train.num_epochs:
                stopped_early = self.evaluate(session, epoch, losses)
            self.save(session, LAST, epoch)
            if stopped_early:
                self.history.log(f"early stop: no gain in {config.eval.early_stop_patience} evaluations")
                break
        self.curves.close()
        seconds = time.monotonic() - began
        return Outcome(
            self.history.folder, self.step, self.best, self.best_epoch, self.zero_epe, stopped_early, seconds
        )

    def train_epoch(self, session: tf.Session, epoch: int) -> List[StepResult]:
        config, plan = self.plan.config, self.plan
        train, seed = config.train, config.runtime.seed
        samples = training_plan(
            seed,
            len(plan.sets.train),
            (epoch - 1) * plan.samples_per_epoch,
            plan.samples_per_epoch,
            train.train_sampling_mode,
        )
        self.coverage = coverage(samples, len(plan.sets.train))
        self.reader.start(session, samples)
        results = []
        for first in range(0, len(samples), train.batch_size):
            batch = samples[first : first + train.batch_size]
            codes = fair_cycle(FLOW_SPACE, seed, self.step)
            rate = learning_rate(train, self.samples_seen, plan.samples_per_epoch * train.num_epochs)
            pieces = micro_batch_sizes(len(batch), train.batch_size, train.micro_batch_size)
            try:
                result = self.fair_step.run(session, codes, rate, pieces)
            except tf.errors.OpError as error:
                raise self.reader.explain(batch, error) from error
            if not all(map(math.isfinite, result)):
                names = " ".join(plan.sets.train.samples[index].name for index in batch.indices)
                self.history.log(f"not finite at step {self.step}: {result}; codes {codes.tolist()}; samples {names}")
                raise TrainingDiverged(
                    f"The loss or gradient of step {self.step} is not finite ({result}); nothing was "
                    f"saved after it. Codes and samples are in {self.history.folder / 'train.log'}."
                )
            self.counts.add(codes)
            self.step += 1
            self.samples_seen += len(batch)
            results.append(result)
            self.listener.step(epoch, self.step, result, rate, len(batch))
            self.draw(
                loss=result.loss,
                loss_with_decay=result.loss_with_decay,
                learning_rate=rate,
                gradient_norm=result.gradient_norm,
            )
            minutes = config.checkpoint.every_minutes
            if minutes and time.monotonic() - self.saved_at > 60 * minutes:
                self.save(session, LAST, epoch)
        self.history.log(
            f"epoch {epoch}: step {self.step}, loss {results[-1].loss:.5f}, data coverage {self.coverage:.1%}"
        )
        return results

    def evaluate(self, session: tf.Session, epoch: int, results: List[StepResult]) -> bool:
        """Evaluate the pool, keep the best weights; returns whether it is time to stop."""
        config = self.plan.config
        self.listener.evaluating(epoch)
        train = config.train
        moment = Moment(
            epoch,
            self.step,
            self.samples_seen,
            learning_rate(train, self.samples_seen, self.plan.samples_per_epoch * train.num_epochs),
            sum(result.loss for result in results) / len(results),
            sum(result.loss_with_decay for result in results) / len(results),
            self.coverage,
        )
        evaluation = self.evaluation.run(session, self.pool)
        figures = self.history.add_evaluation(moment, evaluation, self.counts, "quick")
        every, whole_already = config.eval.full_every, config.eval.eval_batches_per_arch == "all"
        if every and epoch % every == 0 and not whole_already:
            self.history.add_evaluation(
                moment, self.evaluation.run(session, self.pool, whole=True), self.counts, "full"
            )
        self.draw(**{f"epe/{name}": value for name, value in figures.items()})
        self.curves.flush()
        metric = figures[config.eval.best_metric]
        self.zero_epe = evaluation.zero_epe
        gain = self.best - metric
        self.stale_evaluations = 0 if gain > config.eval.early_stop_min_delta else self.stale_evaluations + 1
        if gain > 0:
            self.best, self.best_epoch = metric, epoch
            self.save(session, BEST, epoch)
        self.history.log(f"evaluation after epoch {epoch}: {figures}")
        self.listener.evaluated(moment, evaluation, figures, best=gain > 0)
        return 0 < config.eval.early_stop_patience <= self.stale_evaluations

    def save(self, session: tf.Session, name: str, epoch: int) -> None:
        state = {
            "epoch": epoch,
            "step": self.step,
            "samples_seen": self.samples_seen,
            "best": self.best,
            "best_epoch": self.best_epoch,
            "metric": self.plan.config.eval.best_metric,
            "stale_evaluations": self.stale_evaluations,
            "fairness_counts": self.counts.counts.tolist(),
            **network_identity(self.plan.config),
        }
        self.checkpointer.save(session, self.history.folder / name, state)
        self.saved_at = time.monotonic()

    def draw(self, **scalars: float) -> None:
        values = [tf.Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]
        self.curves.add_summary(tf.Summary(value=values), self.step)
