"""The strict-fairness step: a fair cycle on one batch, the mean of its gradients, one clip, one Adam update.

After FairNAS (Chu et al., 2019), except that the paths run as lanes of one pass (see `core.routing.Lanes`).
"""

from typing import Dict, List, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from efnas.config import Config
from efnas.core.costs import lanes_using
from efnas.core.routing import Lanes
from efnas.core.sampler import fair_cycle
from efnas.core.supernet import Supernet
from efnas.core.weights import Weights
from efnas.data.batches import Batch
from efnas.ranks import ALONE, Ranks
from efnas.training.loss import multiscale_loss, weight_decay_loss
from efnas.training.mixed import training_layers
from efnas.training.step import StepResult
from efnas.training.update import Update


class FairStep:
    """Trains every option of every block once a step; see `step.Step`."""

    def __init__(self, supernet: Supernet, config: Config, ranks: Ranks = ALONE):
        self._supernet, self._config, self._ranks = supernet, config, ranks

    @property
    def identity(self) -> Dict[str, object]:
        return {}

    def draw(self, step: int) -> np.ndarray:
        return fair_cycle(self._supernet.space, self._config.runtime.seed, step)

    def connect(self, batch: Batch, weights: Weights, gradients_as_convolutions: bool, small_maps: bool = True) -> None:
        supernet, train = self._supernet, self._config.train
        space = supernet.space
        self.codes = tf.placeholder(tf.int32, [space.options_per_block, len(space.blocks)], "codes")
        self.layers = training_layers(train, supernet, weights, gradients_as_convolutions, small_maps)
        width = self._config.network.base_width
        router = Lanes(space, self.codes)
        if train.lane_batches == "different":
            slices, shares = slices_of(batch, router.count)
            images = router.apart([each.images for each in slices])
        else:
            slices, shares = [batch] * router.count, [1 / router.count] * router.count
            images = batch.images
        lanes = supernet.network(self.layers, router, images, width)
        losses = [multiscale_loss(supernet.heads, maps, seen.flow) for maps, seen in zip(lanes, slices)]
        loss = tf.add_n([share * each for share, each in zip(shares, losses)])
        users = lanes_using(supernet)
        kernels = {name: variable for name, variable in self.layers.used.items() if name.endswith("/kernel")}
        counts = [users[name.rsplit("/", 1)[0]] for name in kernels]
        decay = train.weight_decay * weight_decay_loss(list(kernels.values()), counts, len(lanes))
        self.update = Update(train, weights, self.layers, loss, decay, self._ranks)

    def run(
        self, session: tf.Session, codes: np.ndarray, rate: float, micro_batches: List[int], share: float = 1.0
    ) -> StepResult:
        return self.update.run(session, {self.codes: codes}, rate, micro_batches, share)

    @property
    def optimiser_state(self) -> List[tf.Variable]:
        return self.update.state


def slices_of(batch: Batch, lanes: int) -> Tuple[List[Batch], List[tf.Tensor]]:
    """A batch cut into one piece a lane, in order and as even as it goes, and the share of each, which sum to 1.

    None is empty: of a batch with fewer samples than lanes, as the last of an epoch may be, lanes share samples.
    """
    count = tf.shape(batch.flow)[0]
    firsts = [lane * count // lanes for lane in range(lanes)]
    ends = [tf.maximum((lane + 1) * count // lanes, first + 1) for lane, first in enumerate(firsts)]
    sizes = [tf.cast(end - first, tf.float32) for first, end in zip(firsts, ends)]
    slices = [Batch(batch.images[first:end], batch.flow[first:end]) for first, end in zip(firsts, ends)]
    return slices, [size / tf.add_n(sizes) for size in sizes]
