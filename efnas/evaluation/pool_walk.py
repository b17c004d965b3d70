"""Several subnets in one walk: what they have in common, from the stem on, runs once a batch.

A pool has a graph of its own, the `Tree` of its codes, with statistics a branch. The error of an arch is that of a walk
of it alone to the bit, whoever else is in the pool, and however the pool is divided: its operators are the same.
"""

from typing import Generator, Iterable, List, NamedTuple, Optional, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from efnas.core.geometry import FLOW_CHANNELS, ScaleMaps, endpoint_error, valid_part
from efnas.core.layers import Layers
from efnas.core.routing import Tree
from efnas.core.space import ArchCode
from efnas.core.supernet import Supernet
from efnas.core.weights import Weights
from efnas.data.scaling import larger_flow
from efnas.evaluation.opened import bytes_of_pair
from efnas.evaluation.recalibration import (
    BatchMoments,
    LoadedStatistics,
    Statistics,
    StatisticsOfBranch,
    SubnetStatistics,
)


class _Walk(NamedTuple):
    """Of archs that run together: what looks at the statistics of a batch, what holds those of all batches, and the
    errors [archs, n] with these."""

    archs: List[ArchCode]
    moments: BatchMoments
    loaded: LoadedStatistics
    errors: tf.Tensor


class PoolWalk:
    """Two `Tree` walks over the trained weights for each of the groups, which run one after the other: one looks at
    batch statistics, one infers with recalibrated ones. `whole` is as with `SubnetEvaluator`."""

    def __init__(
        self, supernet: Supernet, weights: Weights, groups: List[List[ArchCode]], height: int, width: int,
        base_width: int, whole: bool = False,
    ):  # fmt: skip
        self.images = tf.placeholder(tf.float32, [None, height, width, 6], "images")
        size = [None, None] if whole else [height, width]
        self.truth = tf.placeholder(tf.float32, [None, *size, FLOW_CHANNELS], "truth")
        blocks = [block.name for block in supernet.space.blocks]

        def walk(archs: List[ArchCode]) -> _Walk:
            moments = BatchMoments(supernet, weights, self.images, base_width, blocks, archs)
            loaded = LoadedStatistics(moments.channels)
            statistics = StatisticsOfBranch(loaded.of_layers)
            layers = Layers(weights, statistics)
            statistics.tree = Tree(supernet.space, None, layers, blocks, archs)
            lanes = supernet.network(layers, statistics.tree, self.images, base_width)
            return _Walk(
                archs, moments, loaded, tf.stack([scored(maps, self.truth, height, width, whole)[1] for maps in lanes])
            )

        self._walks = [walk(archs) for archs in groups]

    def statistics(
        self, session: tf.Session, archs: List[ArchCode], batches: Iterable
    ) -> Generator[None, None, List[Statistics]]:
        """Of the branches of each group, all over the same training batches (images, flow) of one size."""
        sums = [SubnetStatistics() for _ in self._walks]
        for images, _ in batches:
            for walk, own in zip(self._walks, sums):
                own.add(walk.moments.run(session, walk.archs[0], images))
            yield
        return [own.statistics for own in sums]

    def errors(
        self, session: tf.Session, archs: List[ArchCode], statistics: List[Statistics], images, truth
    ) -> np.ndarray:
        """End-point errors of a batch, float32 [archs, n], in px."""
        found = {}
        for walk, own in zip(self._walks, statistics):
            walk.loaded.load(session, own)
            errors = session.run(walk.errors, {self.images: images, self.truth: truth})
            found.update(zip(walk.archs, errors))
        return np.array([found[arch] for arch in archs])


def scored(maps: ScaleMaps, truth: tf.Tensor, height: int, width: int, whole: bool) -> Tuple[tf.Tensor, tf.Tensor]:
    """The flow [n, height, width, 2] that a walk says, and its end-point errors [n] in px: with `whole` frames of the
    flow scaled up to the truth."""
    flow = valid_part(maps.accumulated[-1], height, width)[..., :FLOW_CHANNELS]
    compared = larger_flow(flow, truth) if whole else flow
    return flow, tf.reduce_mean(endpoint_error(compared, truth), axis=[1, 2])


def groups_within(
    supernet: Supernet, archs: Iterable[ArchCode], height: int, width: int, base_width: int, batch: int,
    free: Optional[float],
) -> List[List[ArchCode]]:  # fmt: skip
    """Archs that can run together: all, or halves in the order of their codes, which have most in common, until `free`
    bytes (None: not known) hold the maps of a batch of each."""
    archs, blocks = sorted(archs), [block.name for block in supernet.space.blocks]
    size = (height, width, base_width)
    if len(archs) == 1 or free is None or batch * bytes_of_pair(supernet, blocks, *size, archs) <= free:
        return [archs]
    halves = archs[: len(archs) // 2], archs[len(archs) // 2 :]
    return [group for half in halves for group in groups_within(supernet, half, *size, batch, free)]
