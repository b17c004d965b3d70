"""Convolution, batch norm and upsampling: the only file of the network that creates variables.

A variable's name says where it stands (`EB0/depth2/block1/conv1/kernel`) and depends neither on the walk nor on the
order of building, and so does its first value: every initialiser is seeded by the name.
"""

import zlib
from contextlib import contextmanager
from typing import Dict, List, NamedTuple, Tuple

import tensorflow.compat.v1 as tf

from efnas.core.convolution import conv2d
from efnas.core.network import HE, First

BN_EPSILON = 1e-5
BN_MOMENTUM = 0.9

# Where a batch norm takes its mean and variance from.
BATCH = "batch"  # this batch; recorded in `Layers.moments`
MOVING = "moving"  # the moving averages of training
RECALIBRATED = "recalibrated"  # variables of the evaluation, NaN until they are set, so that none is forgotten


class Moments(NamedTuple):
    """Mean and population variance, float32 [channels], that one batch norm saw in one batch."""

    name: str
    mean: tf.Tensor
    variance: tf.Tensor


class Layers:
    """The layers of one walk; images are NHWC float32.

    `statistics` is BATCH, MOVING or RECALIBRATED; `gradients_as_convolutions` (see `convolution`) is for the CPU.

    Attributes filled while the network is built:
      kernels: convolution kernels by name.
      trainable: all trained variables by name (kernels, and scale and offset of the batch norms).
      moments: what each batch norm saw, in BATCH mode; a layer that several lanes share stands there once a lane.
      batch_norms: number of channels of every batch norm, by name.
    """

    def __init__(self, statistics: str = BATCH, seed: int = 0, gradients_as_convolutions: bool = False):
        self.statistics = statistics
        self.seed = seed
        self.gradients_as_convolutions = gradients_as_convolutions
        self.kernels: Dict[str, tf.Variable] = {}
        self.trainable: Dict[str, tf.Variable] = {}
        self.moments: List[Moments] = []
        self.batch_norms: Dict[str, int] = {}

    def conv(self, x, scope: str, channels: int, kernel: int, stride: int = 1, first: First = HE):
        """SAME convolution without bias: [n, h, w, c] -> [n, ceil(h / stride), ceil(w / stride), channels]."""
        shape = [kernel, kernel, int(x.shape[-1]), channels]
        weights = self.kernels[scope] = self._variable(
            f"{scope}/kernel", shape, self._first_kernel(scope, kernel, first)
        )
        with tf.name_scope(f"{scope}/"):
            return conv2d(x, weights, stride, self.gradients_as_convolutions)

    def batch_norm(self, x, scope: str, first_scale: float = 1.0):
        """Batch normalisation over all but the channels (Ioffe and Szegedy, 2015)."""
        channels = int(x.shape[-1])
        self.batch_norms[scope] = channels
        scale = self._variable(f"{scope}/gamma", [channels], tf.constant_initializer(first_scale))
        offset = self._variable(f"{scope}/beta", [channels], tf.zeros_initializer())
        with tf.name_scope(f"{scope}/"):
            if self.statistics == BATCH:
                y, mean, sample_variance = tf.nn.fused_batch_norm(x, scale, offset, epsilon=BN_EPSILON)
                count = tf.cast(tf.size(x) // channels, tf.float32)
                # The fused kernel gives the sample variance (n - 1); the population's is what adds up over batches.
                variance = sample_variance * ((count - 1.0) / count)
                self.moments.append(Moments(scope, tf.stop_gradient(mean), tf.stop_gradient(variance)))
                return y
            mean, variance = self.statistics_variables(scope, self.statistics)
            return tf.nn.fused_batch_norm(x, scale, offset, mean, variance, epsilon=BN_EPSILON, is_training=False)[0]

    def relu(self, x):
        return tf.nn.relu(x)

    def add(self, x, y):
        return x + y

    def upsample(self, x):
        """Bilinear x2 as the compiler runs it in one piece: position 2i of the result is position i of `x`."""
        height, width = int(x.shape[1]), int(x.shape[2])
        return tf.image.resize_bilinear(x, [2 * height, 2 * width], align_corners=False, half_pixel_centers=False)

    @contextmanager
    def scope(self, name: str):
        """Groups operators by where they stand in the network; variables are named in full by their layer."""
        with tf.name_scope(f"{name}/"):
            yield

    @contextmanager
    def separate_moments(self):
        """Collect the moments of the layers built inside apart from the others."""
        outside, self.moments = self.moments, []
        try:
            yield self.moments
        finally:
            self.moments = outside

    def statistics_variables(self, scope: str, statistics: str) -> Tuple[tf.Variable, tf.Variable]:
        """Mean and variance of a batch norm that has been built: MOVING or RECALIBRATED ones."""
        shape = [self.batch_norms[scope]]
        if statistics == MOVING:
            first_mean, first_variance = tf.zeros_initializer(), tf.ones_initializer()
        else:
            first_mean = first_variance = tf.constant_initializer(float("nan"))
        return (
            self._variable(f"{scope}/{statistics}_mean", shape, first_mean, trainable=False),
            self._variable(f"{scope}/{statistics}_variance", shape, first_variance, trainable=False),
        )

    def moving_averages(self) -> List[tf.Variable]:
        """The moving averages of all batch norms that have been built."""
        return [variable for name in self.batch_norms for variable in self.statistics_variables(name, MOVING)]

    def _first_kernel(self, scope: str, kernel: int, first: First):
        if first.zero:
            return tf.zeros_initializer()
        size = first.core or kernel
        # He initialisation: the layers are followed by ReLU.
        seed = zlib.crc32(f"{self.seed}/{first.name or scope}".encode()) & 0x7FFFFFFF
        draw = tf.variance_scaling_initializer(scale=2.0, mode="fan_in", seed=seed)
        border = [(kernel - size) // 2] * 2

        def initializer(shape, dtype=None, partition_info=None):
            core = draw([size, size] + [int(channels) for channels in shape[2:]], dtype)
            return tf.pad(core, [border, border, [0, 0], [0, 0]])

        return initializer

    def _variable(self, name: str, shape, initializer, trainable: bool = True) -> tf.Variable:
        with tf.variable_scope(tf.get_variable_scope(), reuse=tf.AUTO_REUSE):
            variable = tf.get_variable(name, shape, tf.float32, initializer, trainable=trainable, use_resource=True)
        if trainable:
            self.trainable[name] = variable
        return variable
