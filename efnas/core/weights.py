"""The variables of a network, created once: the only file that creates any which are trained.

A variable's name says where it stands (`EB0/depth2/block1/conv1/kernel`), and its first value depends on that name and
the seed alone: the walks that use it, and the order in which they are built, change nothing.
"""

import zlib
from types import SimpleNamespace
from typing import Dict, List, Mapping, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from efnas.core.variables import Variable

Moments = Tuple[tf.Tensor, tf.Tensor]  # mean and variance of a batch norm, float32 [channels]


class Weights:
    """`trained` holds kernels, scales and offsets by name; `moving` the averages that training keeps of what each batch
    norm sees, by the name of the batch norm."""

    def __init__(self, variables: Mapping[str, Variable], seed: int = 0):
        first = _FirstValues(seed)
        self.trained: Dict[str, tf.Variable] = {
            name: _create(name, first.of(name, variable)) for name, variable in variables.items()
        }
        self.moving: Dict[str, Moments] = {}
        for name, variable in variables.items():
            scope, kind = name.rsplit("/", 1)
            if kind == "gamma":
                self.moving[scope] = (
                    _create(f"{scope}/moving_mean", first.constant(0.0, variable.shape), trained=False),
                    _create(f"{scope}/moving_variance", first.constant(1.0, variable.shape), trained=False),
                )

    @property
    def saved(self) -> List[tf.Variable]:
        """All that another training, or an evaluation, needs of them."""
        return [*self.trained.values(), *(average for pair in self.moving.values() for average in pair)]


def _create(name: str, value: tf.Tensor, trained: bool = True) -> tf.Variable:
    return tf.get_variable(name, initializer=value, trainable=trained, use_resource=True)


def constant_weights(trained: Mapping[str, np.ndarray]) -> SimpleNamespace:
    """In the place of `Weights`, for a walk whose weights stay what they are: no variable, and so no session."""
    return SimpleNamespace(trained={name: tf.constant(value, name=name) for name, value in trained.items()})


def constant_moments(statistics: Mapping[str, np.ndarray]) -> Dict[str, Moments]:
    """For a walk of one subnet, whose statistics ([2, channels], mean and variance) stay what they are."""
    return {name: tuple(tf.constant(vector.astype(np.float32)) for vector in pair) for name, pair in statistics.items()}


class _FirstValues:
    """Tensors of first values; constants of one value and shape are one tensor, which takes half the time to build."""

    def __init__(self, seed: int):
        self._seed = seed
        self._constants: Dict[tuple, tf.Tensor] = {}

    def of(self, name: str, variable: Variable) -> tf.Tensor:
        shape, first = variable
        if first.constant is not None:
            return self.constant(first.constant, shape)
        # He initialisation: the layers are followed by ReLU.
        own_seed = zlib.crc32(f"{self._seed}/{first.name or name.rsplit('/', 1)[0]}".encode()) & 0x7FFFFFFF
        draw = tf.variance_scaling_initializer(scale=2.0, mode="fan_in", seed=own_seed)
        kernel, _, *channels = shape
        size = first.core or kernel
        core = draw([size, size, *channels], tf.float32)
        border = [(kernel - size) // 2] * 2
        return tf.pad(core, [border, border, [0, 0], [0, 0]]) if size < kernel else core

    def constant(self, value: float, shape: Tuple[int, ...]) -> tf.Tensor:
        if (value, shape) not in self._constants:
            self._constants[value, shape] = tf.fill(shape, value)
        return self._constants[value, shape]
