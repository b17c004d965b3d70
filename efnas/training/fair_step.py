"""The strict-fairness step: a fair cycle on one batch, the mean of its gradients, one clip, one Adam update.

After FairNAS (Chu et al., 2019), except that the paths run as lanes of one pass (see `core.routing.Lanes`).
"""

from typing import Dict, List

import numpy as np
import tensorflow.compat.v1 as tf

from efnas.config import Config
from efnas.core.costs import lanes_using
from efnas.core.layers import Layers
from efnas.core.routing import Lanes
from efnas.core.sampler import fair_cycle
from efnas.core.supernet import Supernet
from efnas.core.weights import Weights
from efnas.data.batches import Batch
from efnas.training.loss import multiscale_loss, weight_decay_loss
from efnas.training.step import StepResult
from efnas.training.update import Update


class FairStep:
    """Trains every option of every block once a step; see `step.Step`."""

    def __init__(self, supernet: Supernet, config: Config):
        self._supernet, self._config = supernet, config

    @property
    def identity(self) -> Dict[str, object]:
        return {}

    def draw(self, step: int) -> np.ndarray:
        return fair_cycle(self._supernet.space, self._config.runtime.seed, step)

    def connect(self, batch: Batch, weights: Weights, gradients_as_convolutions: bool) -> None:
        supernet, train = self._supernet, self._config.train
        space = supernet.space
        self.codes = tf.placeholder(tf.int32, [space.options_per_block, len(space.blocks)], "codes")
        self.layers = Layers(weights, gradients_as_convolutions=gradients_as_convolutions)
        width = self._config.network.base_width
        lanes = supernet.network(self.layers, Lanes(space, self.codes), batch.images, width)
        loss = tf.add_n([multiscale_loss(supernet.heads, maps, batch.flow) for maps in lanes]) / len(lanes)
        users = lanes_using(supernet)
        kernels = {name: variable for name, variable in self.layers.used.items() if name.endswith("/kernel")}
        counts = [users[name.rsplit("/", 1)[0]] for name in kernels]
        decay = train.weight_decay * weight_decay_loss(list(kernels.values()), counts, len(lanes))
        self.update = Update(train, weights, self.layers, loss, decay)

    def run(self, session: tf.Session, codes: np.ndarray, rate: float, micro_batches: List[int]) -> StepResult:
        return self.update.run(session, {self.codes: codes}, rate, micro_batches)

    @property
    def optimiser_state(self) -> List[tf.Variable]:
        return self.update.adam.state
