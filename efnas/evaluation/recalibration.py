"""BN recalibration: the batch-norm statistics of one subnet, estimated anew from training batches.

The moving averages of a supernet mix the statistics of all its subnets and fit none of them. Recalibration runs
training batches through one subnet and takes the population's mean and variance by the law of total variance. No
weight changes, and nothing is kept between two subnets.
"""

from typing import Collection, Dict, Mapping

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

    It goes through one subnet at a time, or, where blocks are `opened`, through all of their options.
    """

    def __init__(
        self,
        supernet: Supernet,
        weights: Weights,
        images: tf.Tensor,
        base_width: int,
        opened: Collection[str] = (),
    ):
        self.images = images
        self.code = tf.placeholder(tf.int32, [len(supernet.space.blocks)], "code")
        self._space = supernet.space
        layers = BranchedLayers(weights)
        self._tree = Tree(supernet.space, self.code, layers, opened)
        # Maps of the subnets normalised with the statistics of the batch itself.
        (self.maps,) = supernet.network(layers, self._tree, images, base_width)
        self._shared = {seen.name: (seen.mean, seen.variance) for seen in layers.seen}
        self._shared.update({label(*where): moments for where, moments in self._tree.moments.items()})

    @property
    def channels(self) -> Dict[str, int]:
        """Of every batch norm, by its label."""
        switched = [norms for options in self._tree.layout.values() for norms in options]
        found = {name: int(mean.shape[0]) for name, (mean, _) in self._shared.items()}
        return {**found, **{name: channels for norms in switched for name, channels in norms.items()}}

    def run(self, session: tf.Session, code: ArchCode, images: np.ndarray) -> Statistics:
        """Mean and variance of this batch at every batch norm of the subnet, or of all that differ in what is open."""
        shared, packed = session.run([self._shared, self._tree.packed_moments], {self.code: code, self.images: images})
        found = {name: np.stack(pair) for name, pair in shared.items()}
        for block, vector in packed.items():
            channels = self._tree.layout[block][code[self._space.position(block)]]
            pieces = np.split(vector, np.cumsum(np.repeat(list(channels.values()), 2))[:-1])
            found.update({name: np.stack(pieces[2 * k : 2 * k + 2]) for k, name in enumerate(channels)})
        return found


class LoadedStatistics:
    """Variables that hold the statistics of one recalibration at a time, by label, of as many channels as are given;
    `of_layers` is what a walk is connected to."""

    def __init__(self, channels: Mapping[str, int]):
        self.of_layers: Dict[str, Moments] = {
            name: tuple(_nan(name, kind, count) for kind in ("mean", "variance")) for name, count in channels.items()
        }
        variables = [variable for pair in self.of_layers.values() for variable in pair]
        self._values = tf.placeholder(tf.float32, [None], "statistics")
        parts = tf.split(self._values, [int(variable.shape[0]) for variable in variables])
        self._load = tf.group(*[variable.assign(part) for variable, part in zip(variables, parts)])

    def load(self, session: tf.Session, statistics: Statistics) -> None:
        """Set all of them; those of other subnets become NaN, so that a mix-up cannot go unseen."""
        values = [
            statistics.get(name, np.full([2, int(mean.shape[0])], np.nan)).ravel()
            for name, (mean, _) in self.of_layers.items()
        ]
        session.run(self._load, {self._values: np.concatenate(values)})


def moving_averages(session: tf.Session, weights: Weights) -> Statistics:
    """The statistics that training kept, for every batch norm of the supernet."""
    return {name: np.stack(pair).astype(np.float64) for name, pair in session.run(weights.moving).items()}


def _nan(label: str, kind: str, channels: int) -> tf.Variable:
    """Not one of the variables that a name is given to once: a graph may hold several evaluations."""
    name = f"{label.replace(' ', '_').replace(':', '.')}/recalibrated_{kind}"
    return tf.Variable(np.full([channels], np.nan, np.float32), trainable=False, name=name, use_resource=True)
