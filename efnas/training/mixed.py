"""Mixed precision (Micikevicius et al., 2018): which layers a training has, and the scale that keeps its gradients
within float16.

Small gradients would vanish in float16: the loss is multiplied with a scale first, and the float32 gradients of the
weights divided by it. The scale grows until a gradient overflows; that step is left out, and the scale halved.
"""

from typing import List, Sequence

import tensorflow.compat.v1 as tf

from efnas.config import MIXED, Train
from efnas.core.half import HalfLayers
from efnas.core.layers import Layers
from efnas.core.supernet import Supernet
from efnas.core.weights import Weights

FIRST_SCALE, GOOD_STEPS = 2.0**15, 2000  # so many steps without an overflow double it


def training_layers(
    train: Train, supernet: Supernet, weights: Weights, gradients_as_convolutions: bool, small_maps: bool
) -> Layers:
    """Those of `train.precision`; with float16, which is for GPUs, there are no small maps."""
    if train.precision == MIXED:
        return HalfLayers(weights, supernet.heads, gradients_as_convolutions)
    return Layers(weights, gradients_as_convolutions=gradients_as_convolutions, small_maps=small_maps)


class LossScale:
    """The scale of the loss and the steps since it changed: `state`, without which a training would not go on alike."""

    def __init__(self):
        self._scale, self._good = (
            tf.get_variable(f"loss_scale/{name}", initializer=value, trainable=False, use_resource=True)
            for name, value in (("value", tf.constant(FIRST_SCALE)), ("good_steps", tf.constant(0.0)))
        )
        self.state: List[tf.Variable] = [self._scale, self._good]

    def gradients(self, loss: tf.Tensor, variables: Sequence[tf.Variable]) -> List[tf.Tensor]:
        """Those of the loss, float32; what overflowed on the way is infinite or NaN."""
        scale = tf.identity(self._scale)
        return [gradient / scale for gradient in tf.gradients(loss * scale, variables)]

    def adjust(self, fits: tf.Tensor) -> tf.Operation:
        """After a step whose gradient was finite (`fits`) or not."""
        scale, good = tf.identity(self._scale), self._good + 1.0
        grown = tf.equal(good, float(GOOD_STEPS))
        kept = tf.where(grown, 2.0 * scale, scale)
        return tf.group(
            self._scale.assign(tf.where(fits, kept, tf.maximum(scale / 2.0, 1.0))),
            self._good.assign(tf.where(tf.logical_and(fits, tf.logical_not(grown)), good, 0.0)),
        )

    def told(self, norm: tf.Tensor, loss: tf.Tensor) -> tf.Tensor:
        """The norm of a gradient, or 0 where it only overflowed: with a finite loss, and a scale that can be halved."""
        overflowed = tf.logical_not(tf.is_finite(norm)) & tf.is_finite(loss) & (self._scale > 1.0)
        return tf.where(overflowed, 0.0, norm)
