"""One update of the weights: gradients summed over micro batches, clipped once, applied once by Adam; and the moving
averages of what the batch norms saw, which the same step moves. Ranks add up what each finds on its part of a batch."""

from typing import Dict, List

import tensorflow.compat.v1 as tf

from efnas.config import MIXED, Train
from efnas.core.layers import BN_MOMENTUM, Layers
from efnas.core.weights import Moments, Weights
from efnas.ranks import Ranks
from efnas.training.adam import Adam
from efnas.training.mixed import LossScale
from efnas.training.step import StepResult


class Update:
    """Minimises `loss + decay` over the variables that `layers` used. `feed` of `run` is what the walk asks for."""

    def __init__(self, train: Train, weights: Weights, layers: Layers, loss: tf.Tensor, decay: tf.Tensor, ranks: Ranks):
        self.rate = tf.placeholder(tf.float32, [], "learning_rate")
        self.share = tf.placeholder(tf.float32, [], "share_of_batch")
        variables = list(layers.used.values())
        self._scale = LossScale() if train.precision == MIXED else None
        gradients = (self._scale or tf).gradients(loss + decay, variables)
        # What a step adds up over its micro batches and its ranks, each weighted with its share: gradients, statistics,
        # losses.
        moments = _mean_over_lanes(layers)
        statistics = [vector for pair in moments.values() for vector in pair]
        self.terms = gradients + statistics + [loss, loss + decay]
        sums, totals = [], self.terms
        in_pieces = train.micro_batch_size and train.micro_batch_size < train.batch_size
        if in_pieces or ranks.size > 1:
            totals = weighted = [self.share * term for term in self.terms]
        if in_pieces:
            sums = [_zero_variable(f"accumulated/{number}", term.shape) for number, term in enumerate(self.terms)]
            self._accumulate = tf.group(*[total.assign_add(term) for total, term in zip(sums, weighted)])
            totals = [total + term for total, term in zip(sums, weighted)]
        totals = ranks.sum(totals)

        mean_gradients = totals[: len(gradients)]
        norm = tf.global_norm(mean_gradients)
        if train.grad_clip_global_norm:
            mean_gradients, _ = tf.clip_by_global_norm(mean_gradients, train.grad_clip_global_norm, use_norm=norm)
        self.adam = Adam(variables)
        mean_statistics = totals[len(gradients) : -2]
        part = tf.constant(1.0 - BN_MOMENTUM)

        def change() -> tf.Operation:
            updates = [self.adam.apply(mean_gradients, self.rate)]
            for name, mean, variance in zip(moments, mean_statistics[::2], mean_statistics[1::2]):
                for moving, seen in zip(weights.moving[name], (mean, variance)):
                    updates.append(moving.assign_sub(part * (moving - seen)))
            return tf.group(*updates)

        result = [tf.identity(value) for value in totals[-2:]]
        if self._scale:
            fits = tf.is_finite(norm)
            result.append(self._scale.told(norm, totals[-1]))
            with tf.control_dependencies(result):
                updates = [tf.cond(fits, change, tf.no_op), self._scale.adjust(fits)]
        else:
            result.append(norm)
            updates = [change()]
        with tf.control_dependencies(updates + result):
            self._apply = tf.group(*[total.assign(tf.zeros_like(total)) for total in sums])
        self._result = result

    @property
    def state(self) -> List[tf.Variable]:
        """What, beside the weights, the next update depends on."""
        return self.adam.state + (self._scale.state if self._scale else [])

    def run(
        self, session: tf.Session, feed: dict, rate: float, micro_batches: List[int], share: float = 1.0
    ) -> StepResult:
        total = sum(micro_batches)
        for number, size in enumerate(micro_batches, start=1):
            fed = {**feed, self.rate: rate, self.share: share * size / total}
            if number < len(micro_batches):
                session.run(self._accumulate, fed)
            else:
                _, result = session.run([self._apply, self._result], fed)
        return StepResult(*map(float, result))


def _zero_variable(name: str, shape: tf.TensorShape) -> tf.Variable:
    return tf.get_variable(name, shape, tf.float32, tf.zeros_initializer(), trainable=False, use_resource=True)


def _mean_over_lanes(layers: Layers) -> Dict[str, Moments]:
    """The moments of each batch norm, averaged over the lanes that ran it."""
    by_name: Dict[str, list] = {}
    for seen in layers.seen:
        by_name.setdefault(seen.name, []).append(seen)

    def mean(tensors: list) -> tf.Tensor:
        return tf.add_n(tensors) / len(tensors) if len(tensors) > 1 else tensors[0]

    return {
        name: (mean([seen.mean for seen in each]), mean([seen.variance for seen in each]))
        for name, each in by_name.items()
    }
