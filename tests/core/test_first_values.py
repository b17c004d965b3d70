"""What variables begin with: as all subnets do, and each on its own."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from efnas.core.costs import supernet_variables
from efnas.core.layers import Layers
from efnas.core.routing import Fixed
from efnas.core.supernet import EDGEFLOW
from efnas.core.variables import INDEPENDENT, first_values
from efnas.core.weights import Weights

BASE_WIDTH = 8


def test_all_subnets_begin_as_the_same_function(graph):
    images = tf.constant(np.random.RandomState(3).uniform(-1, 1, (2, 32, 48, 6)).astype("f"))
    weights, features = Weights(supernet_variables(EDGEFLOW, BASE_WIDTH), seed=2), []
    for code in ("000000000", "121201210"):
        layers = Layers(weights)
        EDGEFLOW.network(layers, Fixed(EDGEFLOW.space, EDGEFLOW.space.parse(code)), images, BASE_WIDTH)
        features.append([seen.mean for seen in layers.seen if seen.name in ("Up2/bn", "H1/bn", "H2/bn")])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        one, other = session.run(features)
    for a, b in zip(one, other):
        assert np.abs(a).max() > 0
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_with_independent_first_values_nothing_is_shared():
    variables = supernet_variables(EDGEFLOW, BASE_WIDTH)
    with tf.Graph().as_default(), tf.Session() as session:
        weights = Weights(first_values(variables, INDEPENDENT), seed=2)
        session.run(tf.global_variables_initializer())
        found = session.run(weights.trained)
    assert {name: value.shape for name, value in found.items()} == {
        name: each.shape for name, each in variables.items()
    }
    seen = set()
    for name, value in found.items():
        kind = name.rsplit("/", 1)[1]
        if kind == "kernel":
            height, width, inputs, _ = value.shape
            assert value[0, 0].all() and value.std() == pytest.approx(np.sqrt(2 / (height * width * inputs)), rel=0.35)
            assert value.flat[0] not in seen, name
            seen.add(value.flat[0])
        else:
            assert (value == {"gamma": 1, "beta": 0}[kind]).all(), name
