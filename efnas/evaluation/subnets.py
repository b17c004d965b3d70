"""End-point errors of subnets: recalibrate each, then run it on validation batches in inference mode.

What takes long is a generator: it yields after every batch, so that whoever runs it can show how far it is, or leave
it, and returns its result at the end.
"""

from typing import Callable, Generator, Iterable, Iterator, List, Optional, Tuple, TypeVar, Union

import numpy as np
import tensorflow.compat.v1 as tf

from efnas.config import Config
from efnas.core.geometry import FLOW_CHANNELS
from efnas.core.layers import Layers
from efnas.core.routing import Switch
from efnas.core.space import ArchCode
from efnas.core.supernet import Supernet
from efnas.core.weights import Weights
from efnas.data.batches import BatchReader
from efnas.data.sampling_plan import SamplePlan, evaluation_plan, training_plan
from efnas.data.sources import DataSets
from efnas.evaluation.places import placed
from efnas.evaluation.pool_walk import PoolWalk, groups_within, scored
from efnas.evaluation.recalibration import (
    BatchMoments,
    LoadedStatistics,
    Statistics,
    SubnetStatistics,
    moving_averages,
)
from efnas.machine import available_memory_gb
from efnas.ranks import ALONE, Ranks
from efnas.runs.subnet_errors import SubnetErrors

# Archs with a graph of their own: each adds a tenth of a second to building it, which few batches do not win back.
MOST_TOGETHER = 24
# What of the free memory their maps may take.
SHARE_OF_MEMORY = 0.5

Result = TypeVar("Result")
Work = Generator[None, None, Result]


class SubnetEvaluator:
    """Two `Switch` walks over the trained weights: one looks at batch statistics, one infers with recalibrated ones.

    The result of an arch depends on its code, the weights and the batches, not on what was evaluated before it. With
    `whole` frames the truth is that of a frame of any size, and the flow is scaled up to it.
    """

    def __init__(
        self, supernet: Supernet, weights: Weights, height: int, width: int, base_width: int, whole: bool = False
    ):
        self.images = tf.placeholder(tf.float32, [None, height, width, 6], "images")
        size = [None, None] if whole else [height, width]
        self.truth = tf.placeholder(tf.float32, [None, *size, FLOW_CHANNELS], "truth")
        self.batch_moments = BatchMoments(supernet, weights, self.images, base_width)
        self.code = self.batch_moments.code
        self._weights = weights
        self._loaded = LoadedStatistics({name: int(mean.shape[0]) for name, (mean, _) in weights.moving.items()})
        layers = Layers(weights, self._loaded.of_layers)
        (self.maps,) = supernet.network(layers, Switch(supernet.space, self.code, layers), self.images, base_width)
        self.flow, self._error = scored(self.maps, self.truth, height, width, whole)

    def statistics(
        self, session: tf.Session, archs: List[ArchCode], batches: Optional[Iterable]
    ) -> "Work[List[Statistics]]":
        """The recalibrated statistics of each arch, all over the same training batches (images, flow) of one size;
        with no batches those that training kept."""
        if batches is None:
            return [moving_averages(session, self._weights)] * len(archs)
        sums = [SubnetStatistics() for _ in archs]
        for images, _ in batches:
            for arch, own in zip(archs, sums):
                own.add(self.batch_moments.run(session, arch, images))
            yield
        return [own.statistics for own in sums]

    def errors(
        self, session: tf.Session, archs: List[ArchCode], statistics: List[Statistics], images, truth
    ) -> np.ndarray:
        """End-point errors of a batch, float32 [archs, n], in px."""
        found = []
        for arch, own in zip(archs, statistics):
            self._loaded.load(session, own)
            found.append(session.run(self._error, {self.code: arch, self.images: images, self.truth: truth}))
        return np.array(found).reshape(len(archs), len(images))

    def predict(self, session: tf.Session, arch: ArchCode, statistics: Statistics, images: np.ndarray) -> np.ndarray:
        """Flow [n, height, width, 2] in pixels of that size for image pairs [n, height, width, 6]."""
        self._loaded.load(session, statistics)
        return session.run(self.flow, {self.code: arch, self.images: images})


def evaluate(
    walk: Union[SubnetEvaluator, PoolWalk],
    session: tf.Session,
    archs: List[ArchCode],
    recal_batches: Optional[Iterable],
    val_batches: Iterable,
) -> "Work[SubnetErrors]":
    """`*_batches` give (images, flow) as arrays; each batch is read once and goes through every arch."""
    statistics = yield from walk.statistics(session, archs, recal_batches)
    errors, zero = [], []
    for images, truth in val_batches:
        zero.append(np.linalg.norm(truth.astype(np.float64), axis=-1).mean(axis=(1, 2)))
        errors.append(walk.errors(session, archs, statistics, images, truth))
        yield
    by_pair = np.concatenate(errors, axis=1).astype(np.float64)
    return _errors_of(archs, by_pair, float(np.concatenate(zero).mean()))


class PoolEvaluation:
    """The evaluator together with its data: training batches for recalibration, validation batches for the error."""

    def __init__(
        self,
        supernet: Supernet,
        weights: Weights,
        config: Config,
        sets: DataSets,
        threads: int,
        ranks: Ranks = ALONE,
    ):
        self.config, self.sets, self._ranks = config, sets, ranks
        self._networks = supernet, weights
        size = self._size = (config.data.input_height, config.data.input_width)
        self._evaluator: Optional[SubnetEvaluator] = None
        self._together: Optional[Tuple[List[ArchCode], PoolWalk]] = None
        reading = (*size, config.train.batch_size)
        how = {"threads": threads, "whole": config.data.whole}
        self._train_reader = BatchReader(sets.train, *reading, **how)
        self._val_reader = BatchReader(sets.val, *reading, **how, unscaled_truth=True)

    @property
    def evaluator(self) -> SubnetEvaluator:
        """Built when it is first asked for: a search reads the same batches and walks other ways."""
        if self._evaluator is None:
            width, whole = self.config.network.base_width, self.config.data.whole
            self._evaluator = SubnetEvaluator(*self._networks, *self._size, width, whole)
        return self._evaluator

    def walk(self, archs: List[ArchCode]) -> Union[SubnetEvaluator, PoolWalk]:
        """What is faster for these: together the first pool that is asked for, as a training does again and again, one
        by one a network alone, many archs, and other archs each time."""
        if self._together is None and 1 < len(archs) <= MOST_TOGETHER and self.config.eval.bn_recal_batches:
            (supernet, weights), size = self._networks, (*self._size, self.config.network.base_width)
            memory = available_memory_gb()
            free = memory and SHARE_OF_MEMORY * memory * 1e9
            groups = groups_within(supernet, archs, *size, self.config.train.batch_size, free)
            self._together = list(archs), PoolWalk(supernet, weights, groups, *size, self.config.data.whole)
        if self._together and self._together[0] == archs:
            return self._together[1]
        return self.evaluator

    def recalibration_batches(self, session: tf.Session, number: int = 0) -> Optional[Iterator]:
        """As many full training batches as the configuration says, or None where it wants none; those after them are
        the set of the next `number`."""
        samples = self.config.eval.bn_recal_batches * self.config.train.batch_size
        return self.training_batches(session, samples, number * samples) if samples else None

    def training_batches(self, session: tf.Session, samples: int, start: int = 0) -> Iterator:
        """A piece of the training stream, its beginning if nothing else is said, as batches."""
        plan = training_plan(self.config.runtime.seed, len(self.sets.train), start, samples)
        return self._train_reader.arrays(session, plan)

    def validation_plan(self, whole: bool = False) -> SamplePlan:
        batches, size = self.config.eval.eval_batches_per_arch, len(self.sets.val)
        return evaluation_plan(size, size if whole or batches == "all" else batches * self.config.train.batch_size)

    def validation_batches(self, session: tf.Session, plan: SamplePlan) -> Iterator:
        return self._val_reader.arrays(session, plan)

    def batches(self, whole: bool = False) -> int:
        """How often `errors` yields."""
        validation = -(-len(self.validation_plan(whole)) // self.config.train.batch_size)
        return self.config.eval.bn_recal_batches + validation

    def errors(self, session: tf.Session, archs: List[ArchCode], whole: bool = False) -> "Work[SubnetErrors]":
        """Evaluate archs on the configured number of validation batches, or on the whole set, and place them. Ranks
        share out the archs, and all have the errors of all of them."""
        plan = self.validation_plan(whole)
        validation, recalibration = self.validation_batches(session, plan), self.recalibration_batches(session)
        dealt = self._ranks.dealt(archs)
        own = yield from evaluate(self.walk(dealt), session, dealt, recalibration, validation)
        by_pair = np.empty([len(archs), own.samples])
        for rank, found in enumerate(self._ranks.gathered(own.by_pair)):
            by_pair[rank :: self._ranks.size] = found
        errors = _errors_of(archs, by_pair, own.zero_epe)
        names = [self.sets.val.samples[index].name for index in plan.indices]
        return errors._replace(places=dict(zip(errors.epe, placed(errors.by_pair, names))))

    def statistics(self, session: tf.Session, archs: List[ArchCode]) -> List[Statistics]:
        """The recalibrated statistics of archs."""
        return result_of(self.evaluator.statistics(session, archs, self.recalibration_batches(session)))


def _errors_of(archs: List[ArchCode], by_pair: np.ndarray, zero_epe: float) -> SubnetErrors:
    epe = {arch: float(own.mean()) for arch, own in zip(archs, by_pair)}
    return SubnetErrors(epe, zero_epe, by_pair.shape[1], by_pair)


def result_of(work: "Work[Result]", after_batch: Callable[[int], None] = lambda done: None) -> Result:
    """Run it to its end; `after_batch` is told how often it has yielded."""
    done = 0
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value
        done += 1
        after_batch(done)
