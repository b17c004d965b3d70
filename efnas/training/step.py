"""The strict-fairness step: a fair cycle on one batch, the mean of its three gradients, one clip, one Adam update.

After FairNAS (Chu et al., 2019), except that the three paths run as lanes of one pass (see `core.routing.Lanes`).
"""

from typing import Dict, List, NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf

from efnas.config import Train
from efnas.core.costs import lanes_using
from efnas.core.layers import BATCH, BN_MOMENTUM, MOVING, Layers
from efnas.core.network import optical_flow_network
from efnas.core.routing import Lanes
from efnas.core.space import SearchSpace
from efnas.data.batches import Batch
from efnas.training.loss import multiscale_loss, weight_decay_loss


class StepResult(NamedTuple):
    """Mean over the lanes and the micro batches; the norm is that of the mean gradient before it was clipped."""

    loss: float
    loss_with_decay: float
    gradient_norm: float


class FairStep:
    """The graph of a step over `batch` (the next micro batch each time it is fetched).

    `layers.trainable` are the variables it trains; `optimizer` is Adam, whose slots belong into a checkpoint.
    """

    def __init__(self, space: SearchSpace, batch: Batch, train: Train, seed: int, gradients_as_convolutions: bool):
        self.codes = tf.placeholder(tf.int32, [space.options_per_block, len(space.blocks)], "codes")
        self.rate = tf.placeholder(tf.float32, [], "learning_rate")
        self.share = tf.placeholder(tf.float32, [], "share_of_batch")
        self.layers = Layers(BATCH, seed, gradients_as_convolutions)
        maps = optical_flow_network(self.layers, Lanes(space, self.codes), batch.images, train.base_width)
        loss = tf.add_n([multiscale_loss(lane, batch.flow) for lane in maps]) / len(maps)
        users = lanes_using(space)
        kernels = self.layers.kernels
        decay = train.weight_decay * weight_decay_loss(
            list(kernels.values()), [users[name] for name in kernels], len(maps)
        )

        variables = list(self.layers.trainable.values())
        gradients = tf.gradients(loss + decay, variables)
        # What a step adds up over its micro batches, each weighted with its share: gradients, statistics, losses.
        moments = _mean_over_lanes(self.layers)
        statistics = [vector for pair in moments.values() for vector in pair]
        self.terms = gradients + statistics + [loss, loss + decay]
        sums, totals = [], self.terms
        if train.micro_batch_size and train.micro_batch_size < train.batch_size:
            sums = [_zero_variable(f"accumulated/{number}", term.shape) for number, term in enumerate(self.terms)]
            weighted = [self.share * term for term in self.terms]
            self._accumulate = tf.group(*[total.assign_add(term) for total, term in zip(sums, weighted)])
            totals = [total + term for total, term in zip(sums, weighted)]

        mean_gradients = totals[: len(gradients)]
        norm = tf.global_norm(mean_gradients)
        if train.grad_clip_global_norm:
            mean_gradients, _ = tf.clip_by_global_norm(mean_gradients, train.grad_clip_global_norm, use_norm=norm)
        self.optimizer = tf.train.AdamOptimizer(self.rate)
        updates = [self.optimizer.apply_gradients(zip(mean_gradients, variables))]
        mean_statistics = totals[len(gradients) : -2]
        for name, mean, variance in zip(moments, mean_statistics[::2], mean_statistics[1::2]):
            for moving, seen in zip(self.layers.statistics_variables(name, MOVING), (mean, variance)):
                updates.append(moving.assign_sub((1.0 - BN_MOMENTUM) * (moving - seen)))
        result = [tf.identity(value) for value in totals[-2:]] + [norm]
        with tf.control_dependencies(updates + result):
            self._apply = tf.group(*[total.assign(tf.zeros_like(total)) for total in sums])
        self._result = result

    def trained_state(self) -> List[tf.Variable]:
        """Everything a training needs to go on: weights, moving averages, and Adam's slots and powers."""
        return list(self.layers.trainable.values()) + self.layers.moving_averages() + self.optimizer.variables()

    def run(self, session: tf.Session, codes: np.ndarray, rate: float, micro_batches: List[int]) -> StepResult:
        """Train on the next `len(micro_batches)` pieces of the reader, of these sizes: one session call a piece."""
        total = sum(micro_batches)
        for number, size in enumerate(micro_batches, start=1):
            feed = {self.codes: codes, self.rate: rate, self.share: size / total}
            if number < len(micro_batches):
                session.run(self._accumulate, feed)
            else:
                _, result = session.run([self._apply, self._result], feed)
        return StepResult(*map(float, result))


def _zero_variable(name: str, shape: tf.TensorShape) -> tf.Variable:
    return tf.get_variable(name, shape, tf.float32, tf.zeros_initializer(), trainable=False, use_resource=True)


def _mean_over_lanes(layers: Layers) -> Dict[str, tuple]:
    """The moments of each batch norm, averaged over the lanes that ran it."""
    seen: Dict[str, list] = {}
    for moments in layers.moments:
        seen.setdefault(moments.name, []).append(moments)
    return {
        name: (tf.add_n([m.mean for m in each]) / len(each), tf.add_n([m.variance for m in each]) / len(each))
        for name, each in seen.items()
    }
