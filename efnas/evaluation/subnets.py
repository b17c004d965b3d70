"""End-point errors of subnets: recalibrate each, then run it on validation batches in inference mode."""

from typing import Callable, Iterable, Iterator, List, Optional

import numpy as np
import tensorflow.compat.v1 as tf

from efnas.config import Config
from efnas.core.geometry import endpoint_error, valid_part
from efnas.core.layers import RECALIBRATED, Layers
from efnas.core.network import optical_flow_network
from efnas.core.routing import Switch
from efnas.core.space import ArchCode, SearchSpace
from efnas.data.batches import BatchReader
from efnas.data.sampling_plan import SamplePlan, evaluation_plan, training_plan
from efnas.data.sources import DataSets
from efnas.evaluation.recalibration import Recalibration, Statistics
from efnas.runs.subnet_errors import SubnetErrors


class SubnetEvaluator:
    """Two `Switch` walks over the trained weights: one looks at batch statistics, one infers with recalibrated ones.

    The result of an arch depends on its code, the weights and the batches, not on what was evaluated before it.
    """

    def __init__(self, space: SearchSpace, height: int, width: int, base_width: int):
        self.images = tf.placeholder(tf.float32, [None, height, width, 6], "images")
        self.truth = tf.placeholder(tf.float32, [None, height, width, 2], "truth")
        self.recalibration = Recalibration(space, self.images, base_width)
        self.code = self.recalibration.code
        layers = Layers(RECALIBRATED)
        (self.maps,) = optical_flow_network(layers, Switch(space, self.code, layers), self.images, base_width)
        self.flow = valid_part(self.maps.accumulated[-1], height, width)[..., :2]
        self._error = tf.reduce_mean(endpoint_error(self.flow, self.truth), axis=[1, 2])
        self._batch_norms = layers.batch_norms
        variables = [
            variable for name in layers.batch_norms for variable in layers.statistics_variables(name, RECALIBRATED)
        ]
        self._statistics = tf.placeholder(tf.float32, [None], "statistics")
        parts = tf.split(self._statistics, [int(variable.shape[0]) for variable in variables])
        self._load = tf.group(*[variable.assign(part) for variable, part in zip(variables, parts)])

    def load(self, session: tf.Session, statistics: Statistics) -> None:
        """Set the recalibrated variables; those of other subnets become NaN, so that a mix-up cannot go unseen."""
        values = [
            statistics.get(name, np.full([2, channels], np.nan)).ravel() for name, channels in self._batch_norms.items()
        ]
        session.run(self._load, {self._statistics: np.concatenate(values)})

    def statistics(
        self, session: tf.Session, archs: List[ArchCode], recal_batches: Optional[Iterable]
    ) -> List[Statistics]:
        """The recalibrated statistics of each arch; with no batches those that training kept."""
        if recal_batches is None:
            return [self.recalibration.moving_averages(session)] * len(archs)
        return self.recalibration.recalibrate(session, archs, (images for images, _ in recal_batches))

    def evaluate(
        self, session: tf.Session, archs: List[ArchCode], recal_batches: Optional[Iterable], val_batches: Iterable
    ) -> SubnetErrors:
        """`*_batches` give (images, flow) as arrays; each batch is read once and goes through every arch."""
        statistics = self.statistics(session, archs, recal_batches)
        errors: List[List[np.ndarray]] = [[] for _ in archs]
        zero = []
        for images, truth in val_batches:
            zero.append(np.linalg.norm(truth.astype(np.float64), axis=-1).mean(axis=(1, 2)))
            for arch, own, seen in zip(archs, statistics, errors):
                self.load(session, own)
                seen.append(session.run(self._error, {self.code: arch, self.images: images, self.truth: truth}))
        epe = {arch: float(np.concatenate(seen).astype(np.float64).mean()) for arch, seen in zip(archs, errors)}
        zero = np.concatenate(zero)
        return SubnetErrors(epe, float(zero.mean()), len(zero))

    def predict(self, session: tf.Session, arch: ArchCode, statistics: Statistics, images: np.ndarray) -> np.ndarray:
        """Flow [n, height, width, 2] in pixels for image pairs [n, height, width, 6]."""
        self.load(session, statistics)
        return session.run(self.flow, {self.code: arch, self.images: images})


class PoolEvaluation:
    """The evaluator together with its data: training batches for recalibration, validation batches for the error.

    `progress(done, total)` counts the batches of a run.
    """

    def __init__(
        self,
        space: SearchSpace,
        config: Config,
        sets: DataSets,
        threads: int,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ):
        self.config, self.sets, self.progress = config, sets, progress
        data, train = config.data, config.train
        size = (data.input_height, data.input_width)
        self.evaluator = SubnetEvaluator(space, *size, train.base_width)
        self._train_reader = BatchReader(sets.train, *size, train.batch_size, threads=threads)
        self._val_reader = BatchReader(sets.val, *size, train.batch_size, threads=threads)

    def recalibration_batches(self, session: tf.Session) -> Optional[Iterator]:
        """As many full training batches as the configuration says, or None where it wants none."""
        batches = self.config.eval.bn_recal_batches
        return self.training_batches(session, batches * self.config.train.batch_size) if batches else None

    def training_batches(self, session: tf.Session, samples: int) -> Iterator:
        """The beginning of the training stream, as batches."""
        plan = training_plan(self.config.runtime.seed, len(self.sets.train), 0, samples)
        return self._train_reader.arrays(session, plan)

    def validation_plan(self, whole: bool = False) -> SamplePlan:
        batches, size = self.config.eval.eval_batches_per_arch, len(self.sets.val)
        return evaluation_plan(size, size if whole or batches == "all" else batches * self.config.train.batch_size)

    def validation_batches(self, session: tf.Session, whole: bool = False) -> Iterator:
        return self._val_reader.arrays(session, self.validation_plan(whole))

    def run(self, session: tf.Session, archs: List[ArchCode], whole: bool = False) -> SubnetErrors:
        """Evaluate archs on the configured number of validation batches, or on the whole set."""
        validation = -(-len(self.validation_plan(whole)) // self.config.train.batch_size)
        total = self.config.eval.bn_recal_batches + validation
        recalibration = self.recalibration_batches(session)
        return self.evaluator.evaluate(
            session,
            archs,
            recalibration and self._counted(recalibration, 0, total),
            self._counted(self.validation_batches(session, whole), total - validation, total),
        )

    def _counted(self, batches: Iterator, done: int, total: int) -> Iterator:
        for number, batch in enumerate(batches, start=done + 1):
            yield batch
            self.progress(number, total)
