"""The step of a network that is trained alone: one batch, its gradient, one clip, one Adam update.

With one option a block a fair cycle is one subnet, and the strict-fairness step is this one.
"""

from typing import Dict, List

import numpy as np
import tensorflow.compat.v1 as tf

from efnas.config import Config
from efnas.core.routing import Fixed
from efnas.core.supernet import Supernet
from efnas.core.weights import Weights
from efnas.data.batches import Batch
from efnas.ranks import ALONE, Ranks
from efnas.training.loss import multiscale_loss, weight_decay_loss
from efnas.training.mixed import training_layers
from efnas.training.step import StepResult
from efnas.training.update import Update


class SingleStep:
    """Trains the one network of a supernet that is alone (see `core.alone`); see `step.Step`."""

    def __init__(self, supernet: Supernet, config: Config, ranks: Ranks = ALONE):
        self._supernet, self._config, self._ranks = supernet, config, ranks

    @property
    def identity(self) -> Dict[str, object]:
        return {}  # the configuration says which network it is: train.arch

    def draw(self, step: int) -> np.ndarray:
        return np.array([self._supernet.arch], np.int32)

    def connect(self, batch: Batch, weights: Weights, gradients_as_convolutions: bool, small_maps: bool = True) -> None:
        supernet, train = self._supernet, self._config.train
        self.layers = training_layers(train, supernet, weights, gradients_as_convolutions, small_maps)
        router = Fixed(supernet.space, supernet.arch)
        (maps,) = supernet.network(self.layers, router, batch.images, self._config.network.base_width)
        loss = multiscale_loss(supernet.heads, maps, batch.flow)
        kernels = [variable for name, variable in self.layers.used.items() if name.endswith("/kernel")]
        decay = train.weight_decay * weight_decay_loss(kernels, [1] * len(kernels), 1)
        self.update = Update(train, weights, self.layers, loss, decay, self._ranks)

    def run(
        self, session: tf.Session, codes: np.ndarray, rate: float, micro_batches: List[int], share: float = 1.0
    ) -> StepResult:
        return self.update.run(session, {}, rate, micro_batches, share)

    @property
    def optimiser_state(self) -> List[tf.Variable]:
        return self.update.state
