"""The layers of a network as its INT8 file computes them: real numbers that go through the steps of the file's scales.

After Jacob et al., 2018. Gradients go straight through the rounding; those of the ends of a range are what lies beyond
them.
"""

from typing import Callable, Dict, Mapping, NamedTuple, Tuple

import tensorflow.compat.v1 as tf

from efnas.core.convolution import conv2d
from efnas.core.layers import BN_EPSILON, Layers
from efnas.core.variables import HE, ONE, First
from efnas.core.weights import Moments, Weights
from efnas.export.requantised import LEAST, MOST

Ends = Tuple[tf.Tensor, tf.Tensor]  # the least and the largest value of a map


class _Convolution(NamedTuple):
    given: tf.Tensor
    kernel: tf.Tensor
    stride: int


class FakeQuantisedLayers(Layers):
    """Layers whose maps are stepped where the file has a map, and whose kernels are stepped with the factors of their
    batch norm in them, as the converter folds them.

    `ranges` are those of the file's maps by name, which is that of the operator that makes them here: what the
    converter fuses into one operator has one map. `stepped` are the maps, by the same names.
    """

    def __init__(
        self, weights: Weights, statistics: Mapping[str, Moments], ranges: Mapping[str, Ends], per_tensor: bool,
        gradients_as_convolutions: bool,
    ):  # fmt: skip
        super().__init__(weights, statistics, gradients_as_convolutions)
        self._ranges, self._per_tensor = ranges, per_tensor
        self._convolved: Dict[str, _Convolution] = {}
        self.stepped: Dict[str, tf.Tensor] = {}

    # Each layer is built as it is, too: for its name. What nobody asks for is not computed.

    def conv(self, x, scope: str, channels: int, kernel: int, stride: int = 1, first: First = HE):
        exact = super().conv(x, scope, channels, kernel, stride, first)
        convolution = _Convolution(x, self.used[f"{scope}/kernel"], stride)
        y = self._convolve(convolution)
        self._convolved[y.name] = convolution
        return self._as_map(exact, y)

    def batch_norm(self, x, scope: str, first_scale: First = ONE):
        exact = super().batch_norm(x, scope, first_scale)
        convolution = self._convolved[x.name]
        mean, variance = self._statistics[scope]
        with tf.name_scope("folded/"):
            factor = self.used[f"{scope}/gamma"] * tf.rsqrt(variance + BN_EPSILON)
            folded = convolution._replace(kernel=convolution.kernel * factor)
            return self._as_map(exact, self._convolve(folded) + (self.used[f"{scope}/beta"] - mean * factor))

    def relu(self, x):
        y = super().relu(x)
        return self._as_map(y, y)

    def add(self, x, y):
        z = super().add(x, y)
        return self._as_map(z, z)

    def upsample(self, x):
        y = super().upsample(x)
        return self._as_map(y, y, _rounded_means)

    def _convolve(self, convolution: _Convolution):
        given, kernel, stride = convolution
        with tf.name_scope("stepped/"):
            size = tf.stop_gradient(tf.reduce_max(tf.abs(kernel), axis=None if self._per_tensor else [0, 1, 2]))
            scale = size / MOST
            rounded = tf.round(tf.math.divide_no_nan(kernel, scale + tf.zeros_like(kernel))) * scale
            return conv2d(given, kernel + tf.stop_gradient(rounded - kernel), stride, self._gradients_as_convolutions)

    def _as_map(self, exact, y, stepped: Callable = tf.quantization.fake_quant_with_min_max_vars):
        """`y`, stepped where the file has a map of the name of `exact`."""
        name = exact.op.name
        if name not in self._ranges:
            return y
        with tf.name_scope("stepped/"):
            self.stepped[name] = stepped(y, *self._ranges[name])
        return self.stepped[name]


def _rounded_means(y, low, high):
    """Means of 2 and of 4 stored values, halves rounded away from 0 as the kernel does; within the range they are."""
    scale = (high - low) / (MOST - LEAST)
    zero_point = LEAST - tf.round(low / scale)
    stored = tf.round(4.0 * (y / scale + zero_point)) / 4.0
    rounded = tf.sign(stored) * tf.floor(tf.abs(stored) + 0.5)
    return y + tf.stop_gradient((rounded - zero_point) * scale - y)
