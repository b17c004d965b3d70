"""BN recalibration: the batch-norm statistics of one subnet, estimated anew from training batches.

The moving averages of a supernet mix the statistics of all its subnets and fit none of them. Recalibration runs
training batches through one subnet and takes the population's mean and variance by the law of total variance. No
weight changes, and nothing is kept between two subnets.
"""

from typing import Dict, Iterable, List

import numpy as np
import tensorflow.compat.v1 as tf

from efnas.core.layers import BATCH, MOVING, Layers
from efnas.core.network import optical_flow_network
from efnas.core.routing import Switch
from efnas.core.space import ArchCode, SearchSpace

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


class Recalibration:
    """A walk with batch statistics that only looks: it has no operator that writes a variable."""

    def __init__(self, space: SearchSpace, images: tf.Tensor, base_width: int):
        self.images = images
        self.code = tf.placeholder(tf.int32, [len(space.blocks)], "code")
        self.layers = Layers(BATCH)
        self._switch = Switch(space, self.code, self.layers)
        # Maps of the subnet normalised with the statistics of the batch itself.
        (self.maps,) = optical_flow_network(self.layers, self._switch, images, base_width)
        self._shared = {m.name: (m.mean, m.variance) for m in self.layers.moments}
        self._blocks = {block.name: place for place, block in enumerate(space.blocks)}

    def moments(self, session: tf.Session, code: ArchCode, images: np.ndarray) -> Statistics:
        """Mean and variance of this batch at every batch norm of the subnet."""
        shared, packed = session.run(
            [self._shared, self._switch.packed_moments], {self.code: code, self.images: images}
        )
        found = {name: np.stack(pair) for name, pair in shared.items()}
        for block, vector in packed.items():
            names = self._switch.layout[block][code[self._blocks[block]]]
            sizes = np.repeat([self.layers.batch_norms[name] for name in names], 2)
            pieces = np.split(vector, np.cumsum(sizes)[:-1])
            found.update({name: np.stack(pieces[2 * k : 2 * k + 2]) for k, name in enumerate(names)})
        return found

    def recalibrate(
        self, session: tf.Session, codes: List[ArchCode], batches: Iterable[np.ndarray]
    ) -> List[Statistics]:
        """The statistics of each subnet over the same training batches (images, all of one size)."""
        totals: List[Dict[str, TotalVariance]] = [{} for _ in codes]
        for images in batches:
            for code, total in zip(codes, totals):
                for name, (mean, variance) in self.moments(session, code, images).items():
                    total.setdefault(name, TotalVariance()).add(mean, variance)
        return [{name: sums.statistics for name, sums in total.items()} for total in totals]

    def moving_averages(self, session: tf.Session) -> Statistics:
        """The statistics that training kept, for every batch norm of the supernet."""
        names = list(self.layers.batch_norms)
        values = session.run([self.layers.statistics_variables(name, MOVING) for name in names])
        return {name: np.stack(pair).astype(np.float64) for name, pair in zip(names, values)}
