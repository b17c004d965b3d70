"""Convolution, batch norm and upsampling: layers that are connected to weights which stand already."""

from contextlib import contextmanager
from typing import Dict, List, Mapping, NamedTuple, Optional

import tensorflow.compat.v1 as tf

from efnas.core.branches import Branches, branches_of, pairs
from efnas.core.convolution import conv2d, together
from efnas.core.small_map import conv_of_upsampled, is_faster
from efnas.core.upsampling import Upsampled
from efnas.core.variables import HE, ONE, First
from efnas.core.weights import Moments, Weights

BN_EPSILON = 1e-5
BN_MOMENTUM = 0.9


class SeenMoments(NamedTuple):
    """Mean and population variance, float32 [channels], that one batch norm saw in one batch."""

    name: str
    mean: tf.Tensor
    variance: tf.Tensor


class Layers:
    """The layers of one walk; images are NHWC float32.

    Batch norms take their `statistics` from the mapping that is given, by their names, or, without one, from the batch
    itself. `gradients_as_convolutions` (see `convolution`) is for the CPU, and so are `small_maps`: what is upsampled
    is so where it is used, and a convolution computed on the map before it where that is faster (see `small_map`).

    Attributes filled while the network is built:
      used: the trained variables that the walk is connected to, by name.
      seen: what each batch norm saw, where it takes the batch's statistics; a layer that several lanes share stands
        there once a lane.
    """

    def __init__(
        self,
        weights: Weights,
        statistics: Optional[Mapping[str, Moments]] = None,
        gradients_as_convolutions: bool = False,
        small_maps: bool = False,
    ):
        self._weights = weights
        self._statistics = statistics
        self._gradients_as_convolutions = gradients_as_convolutions
        self._small_maps = small_maps
        self.used: Dict[str, tf.Variable] = {}
        self.seen: List[SeenMoments] = []

    def conv(self, x, scope: str, channels: int, kernel: int, stride: int = 1, first: First = HE):
        """SAME convolution without bias: [n, h, w, c] -> [n, ceil(h / stride), ceil(w / stride), channels]."""
        small = isinstance(x, Upsampled) and is_faster(x.map, kernel, stride)
        x = x.map if small else _whole(x)
        weights = self._use(f"{scope}/kernel", [kernel, kernel, int(x.shape[-1]), channels])
        with tf.name_scope(f"{scope}/"):
            if small:
                return conv_of_upsampled(x, weights, self._gradients_as_convolutions)
            return conv2d(x, tf.cast(weights, x.dtype), stride, self._gradients_as_convolutions)

    def batch_norm(self, x, scope: str, first_scale: First = ONE):
        """Batch normalisation over all but the channels (Ioffe and Szegedy, 2015)."""
        x = _whole(x)
        channels = int(x.shape[-1])
        scale, offset = self._use(f"{scope}/gamma", [channels]), self._use(f"{scope}/beta", [channels])
        with tf.name_scope(f"{scope}/"):
            if self._statistics is None:
                y, mean, sample_variance = tf.nn.fused_batch_norm(x, scale, offset, epsilon=BN_EPSILON)
                count = tf.cast(tf.size(x) // channels, tf.float32)
                # The fused kernel gives the sample variance (n - 1); the population's is what adds up over batches.
                variance = sample_variance * ((count - 1.0) / count)
                self.seen.append(SeenMoments(scope, mean, variance))
                return y
            mean, variance = self._statistics[scope]
            return tf.nn.fused_batch_norm(x, scale, offset, mean, variance, epsilon=BN_EPSILON, is_training=False)[0]

    def relu(self, x):
        return tf.nn.relu(_whole(x))

    def add(self, x, y):
        return _whole(x) + _whole(y)

    def upsample(self, x):
        later = Upsampled(_whole(x))
        return later if self._small_maps else _whole(later)

    @contextmanager
    def scope(self, name: str):
        """Groups operators by where they stand in the network; variables are named in full by their layer."""
        with tf.name_scope(f"{name}/"):
            yield

    @contextmanager
    def separate_moments(self):
        """Collect what the batch norms built inside see apart from the others."""
        outside, self.seen = self.seen, []
        try:
            yield self.seen
        finally:
            self.seen = outside

    def _use(self, name: str, shape: List[int]) -> tf.Variable:
        variable = self.used[name] = self._weights.trained[name]
        if variable.shape.as_list() != shape:
            raise ValueError(f"{name} is {variable.shape.as_list()}; the network asks for {shape}")
        return variable


def _whole(x):
    """Bilinear x2 as the compiler runs it in one piece: position 2i of the result is position i of `x`."""
    if not isinstance(x, Upsampled):
        return x
    height, width = x.map.shape.as_list()[1:3]
    return tf.image.resize_bilinear(x.map, [2 * height, 2 * width], align_corners=False, half_pixel_centers=False)


class BranchedLayers(Layers):
    """Layers for a `Tree`: where the heads' maps of all its branches are added up, those that belong together are."""

    def upsample(self, x):
        if not isinstance(x, Branches):
            return super().upsample(x)
        upsample = super().upsample
        return Branches((branch, upsample(tensor)) for branch, tensor in x.items())

    def add(self, x, y):
        if not isinstance(x, Branches) and not isinstance(y, Branches):
            return super().add(x, y)
        return Branches((branch, one + other) for branch, one, other in pairs(branches_of(x), branches_of(y)))

    def together(self, outputs: List[tf.Tensor]) -> List[tf.Tensor]:
        """What the options of a block give for one branch, computed in one piece where that is faster."""
        return together(outputs)
