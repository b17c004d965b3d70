"""The layers of the packed form over tensors of constants, as they are converted."""

from typing import Callable, Dict, Mapping

import numpy as np
import tensorflow.compat.v1 as tf
import tflite

from efnas.core.layers import BN_EPSILON, Layers
from efnas.core.supernet import Supernet
from efnas.core.variables import Variable
from efnas.core.weights import constant_moments, constant_weights
from efnas.export.file_graph import read_graph, write_graph
from efnas.export.packing import Packing


class PackedLayers(Packing, Layers):
    """`trained` and `statistics` are arrays by name, as in `SubnetWeights`."""

    def __init__(self, supernet: Supernet, height: int, width: int, trained: Mapping, statistics: Mapping):
        super().__init__(constant_weights(trained), constant_moments(statistics))
        self.supernet, self.size = supernet, (height, width)
        self._arrays: Dict[str, np.ndarray] = dict(trained)

    def shape(self, x: tf.Tensor) -> tuple:
        return tuple(x.shape.as_list()[1:])

    def window(
        self, given: tf.Tensor, compose: Callable, name: str, variable: Variable, part: str, wanted: int
    ) -> tf.Tensor:
        window = compose(self._arrays[name])
        height, (down, across) = self.shape(given)[0], window.kernel.shape[:2]
        above, left = -window.first[0], -window.first[1]
        below = self.rows_of(given, window, wanted) + down - 1 - above - height
        around = (above, below), (left, across - 1 - left)
        with tf.name_scope(f"{part}/"):
            if around == tuple(((taps - 1) // 2, taps // 2) for taps in (down, across)):
                return tf.nn.conv2d(given, window.kernel, 1, "SAME", name="conv")
            padded = tf.pad(given, [(0, 0), *around, (0, 0)])
            return tf.nn.conv2d(padded, window.kernel, 1, "VALID", name="conv")

    def normalised(self, x: tf.Tensor, scope: str, positions: int) -> tf.Tensor:
        own = [int(x.shape[-1]) // positions]
        vectors = *(self._use(f"{scope}/{name}", own) for name in ("gamma", "beta")), *self._statistics[scope]
        with tf.name_scope(f"{scope}/"):
            tiled = (tf.tile(vector, [positions]) for vector in vectors)
            return tf.nn.fused_batch_norm(x, *tiled, epsilon=BN_EPSILON, is_training=False)[0]

    def interleaved(self, even: tf.Tensor, odd: tf.Tensor, block: str) -> tf.Tensor:
        """Side by side, and then seen as rows one after the other: no value is moved."""
        height, width, channels = self.shape(even)
        with tf.name_scope(f"{block}/"):
            return tf.reshape(tf.concat([even, odd], axis=2), [1, 2 * height, 2 * width, channels // 2])


def without_requantising(model: bytes) -> bytes:
    """The INT8 file with the scale that rows have when they are together given to the convolutions that make them,
    where the converter gives each its own and has it rescaled."""
    graph = read_graph(model)
    rescaled = {operator.outputs[0]: operator.inputs[0] for operator in graph.operators
                if operator.kind == tflite.BuiltinOperator.QUANTIZE}  # fmt: skip
    tensors = {name: tensor for name, tensor in graph.tensors.items() if name not in rescaled}
    for result, given in rescaled.items():
        tensors[given] = tensors[given]._replace(quantisation=graph.tensors[result].quantisation)
    operators = [operator._replace(inputs=tuple(rescaled.get(name, name) for name in operator.inputs))
                 for operator in graph.operators if operator.outputs[0] not in rescaled]  # fmt: skip
    return write_graph(graph._replace(tensors=tensors, operators=operators))
