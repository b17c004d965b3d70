"""Layers of a training in mixed precision (Micikevicius et al., 2018): activations and convolutions in float16.

Weights, the statistics of batch norms, the heads' maps and every sum of flow stay float32. What is trained is cast
where it is used, so its gradient is float32 too. Evaluation, recalibration and export walk with `Layers`.
"""

from typing import Sequence

import tensorflow.compat.v1 as tf

from efnas.core.geometry import Head
from efnas.core.layers import Layers
from efnas.core.variables import HE, First
from efnas.core.weights import Weights


class HalfLayers(Layers):
    """As `Layers` with the statistics of the batch; the convolutions of the `heads` are in float32."""

    def __init__(self, weights: Weights, heads: Sequence[Head], gradients_as_convolutions: bool = False):
        super().__init__(weights, gradients_as_convolutions=gradients_as_convolutions)
        self._heads = {head.block for head in heads}

    def conv(self, x, scope: str, channels: int, kernel: int, stride: int = 1, first: First = HE):
        kind = tf.float32 if scope.split("/")[0] in self._heads else tf.float16
        return super().conv(tf.cast(x, kind), scope, channels, kernel, stride, first)
