"""BN recalibration: the batch-norm statistics of one subnet, estimated anew from training batches.

The moving averages of a supernet mix the statistics of all its subnets and fit none of them. Recalibration runs
training batches through one subnet and takes the population's mean and variance by the law of total variance. No
weight changes, and nothing is kept between two subnets.
"""

from typing import Collection, Dict, Mapping, Sequence

import numpy as np
import tensorflow.compat.v1 as tf

from efnas.core.branches import ROOT, Branch
from efnas.core.layers import BranchedLayers
from efnas.core.routing import Tree
from efnas.core.space import ArchCode
from efnas.core.supernet import Supernet
from efnas.core.weights import Moments, Weights

# By the name of the batch norm: float64 [2, channels], mean and variance.
Statistics = Dict[str, np.ndarray]


class TotalVariance:
    """Adds up batches of equal size: mean of the means; mean of the variances plus variance of the means."""

    def __init__(self) -> None:
        self.batches = 0
        self._mean = self._square = self._variance = 0.0

    def add(self, mean: np.ndarray, variance: np.ndarray) -> None:
        mean = np.asarray(mean, np.float64)
        self.batches += 1
        # Welford's update keeps the variance of the means exact where the means are large.
        delta = mean - self._mean
        self._mean = self._mean + delta / self.batches
        self._square = self._square + delta * (mean - self._mean)
        self._variance = self._variance + (np.asarray(variance, np.float64) - self._variance) / self.batches

    @property
    def statistics(self) -> np.ndarray:
        return np.stack([self._mean, self._variance + self._square / self.batches])


class SubnetStatistics:
    """What the batch norms of one subnet saw, batch after batch."""

    def __init__(self) -> None:
        self._sums: Dict[str, TotalVariance] = {}

    def add(self, moments: Statistics) -> None:
        for name, (mean, variance) in moments.items():
            self._sums.setdefault(name, TotalVariance()).add(mean, variance)

    @property
    def statistics(self) -> Statistics:
        return {name: sums.statistics for name, sums in self._sums.items()}


def label(name: str, branch: Branch) -> str:
    """By what the statistics of a batch norm go: its name, and the branch where it stands on several."""
    return name if branch == ROOT else f"{name} {' '.join(f'{place}:{digit}' for place, digit in branch)}"


class BatchMoments:
    """A walk with the statistics of the batch that only looks: it has no operator that writes a variable.

    It goes through one subnet at a time, or, where blocks are `opened`, through all of their options, or those that
    `codes` take (see `Tree`).
    """

    def __init__(
        self,
        supernet: Supernet,
        weights: Weights,
        images: tf.Tensor,
        base_width: int,
        opened: Collection[str] = (),
        codes: Sequence[ArchCode] = (),
    ):
        self.images = images
        self.code = tf.placeholder(tf.int32, [len(supernet.space.blocks)], "code")
        self._space = supernet.space
        layers = BranchedLayers(weights)
        self._tree = Tree(supernet.space, self.code, layers, opened, codes)
        # Maps of the subnets normalised with the statistics of the batch itself.
        self.maps = supernet.network(layers, self._tree, images, base_width)[0]
        shared = {seen.name: (seen.mean, seen.variance) for seen in layers.seen}
        shared.update({label(*where): moments for where, moments in self._tree.moments.items()})
        self._shared = {name: int(mean.shape[0]) for name, (mean, _) in shared.items()}
        self._packed = tf.concat([vector for pair in shared.values() for vector in pair] or [tf.zeros([0])], axis=0)

    @property
    def channels(self) -> Dict[str, int]:
        """Of every batch norm, by its label."""
        switched = [norms for options in self._tree.layout.values() for norms in options]
        return {**self._shared, **{name: channels for norms in switched for name, channels in norms.items()}}

    def run(self, session: tf.Session, code: ArchCode, images: np.ndarray) -> Statistics:
        """Mean and variance of this batch at every batch norm of the subnet, or of all that differ in what is open."""
        feed = {self.code: code, self.images: images}
        shared, packed = session.run([self._packed, self._tree.packed_moments], feed)
        found = unpacked(shared, self._shared)
        for block, vector in packed.items():
            found.update(unpacked(vector, self._tree.layout[block][code[self._space.position(block)]]))
        return found


def unpacked(vector: np.ndarray, channels: Mapping[str, int]) -> Statistics:
    """Mean and variance of each batch norm, which lie one after the other."""
    ends = np.cumsum([2 * count for count in channels.values()])
    return {name: vector[end - 2 * count : end].reshape(2, count) for (name, count), end in zip(channels.items(), ends)}


class LoadedStatistics:
    """A variable that holds the statistics of one recalibration at a time, by label, of as many channels as are given;
    `of_layers` is what a walk is connected to."""

    def __init__(self, channels: Mapping[str, int]):
        self._channels = dict(channels)
        # Not one of the variables that a name is given to once: a graph may hold several evaluations.
        values = np.full([2 * sum(self._channels.values())], np.nan, np.float32)
        held = tf.Variable(values, trainable=False, name="recalibrated", use_resource=True)
        parts = tf.split(held.read_value(), np.repeat(list(self._channels.values()), 2))
        self.of_layers: Dict[str, Moments] = dict(zip(self._channels, zip(parts[::2], parts[1::2])))
        self._values = tf.placeholder(tf.float32, values.shape, "statistics")
        self._load = held.assign(self._values).op

    def load(self, session: tf.Session, statistics: Statistics) -> None:
        """Set all of them; those of other subnets become NaN, so that a mix-up cannot go unseen."""
        values = [statistics.get(name, np.full([2, count], np.nan)).ravel() for name, count in self._channels.items()]
        session.run(self._load, {self._values: np.concatenate(values)})


class StatisticsOfBranch:
    """What the batch norms of a `tree` take: those of the branch whose layers it is building."""

    tree: Tree

    def __init__(self, of_labels: Mapping[str, Moments]):
        self._of_labels = of_labels

    def __getitem__(self, name: str) -> Moments:
        return self._of_labels[label(name, self.tree.branch)]


def moving_averages(session: tf.Session, weights: Weights) -> Statistics:
    """The statistics that training kept, for every batch norm of the supernet."""
    return {name: np.stack(pair).astype(np.float64) for name, pair in session.run(weights.moving).items()}
