"""A convolution after a bilinear x2 on the small map: the same values as upsampling first, border and gradients too."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from efnas.core.convolution import conv2d
from efnas.core.costs import variables_of
from efnas.core.layers import Layers
from efnas.core.permutation import permute
from efnas.core.small_map import conv_of_upsampled
from efnas.core.upsampling import Upsampled
from efnas.core.weights import Weights


@pytest.mark.parametrize("own", [True, False], ids=["own gradients", "TensorFlow's"])
@pytest.mark.parametrize("size", [3, 5, 7])
def test_values_and_both_gradients_are_those_of_upsampling_first(graph, rng, size, own):
    cases = []
    for height, width in ((5, 8), (9, 7), (max(2, size // 2 + 1), 12)):  # the last is little more than border
        x = tf.placeholder_with_default(rng.randn(2, height, width, 3).astype("f"), [None, height, width, 3])
        kernel = tf.constant(rng.randn(size, size, 3, 4).astype("f"))
        first = tf.image.resize_bilinear(x, [2 * height, 2 * width])
        for y in (conv2d(first, kernel, 1, False), conv_of_upsampled(x, kernel, own)):
            assert y.shape.as_list() == [None, 2 * height, 2 * width, 4]
            cases.append([y, *tf.gradients(tf.reduce_sum(y * tf.sin(y)), [x, kernel])])
    with tf.Session() as session:
        found = session.run(cases)
    for usual, small in zip(found[::2], found[1::2]):
        for expected, got in zip(usual, small):
            np.testing.assert_allclose(got, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_a_layer_takes_the_small_map_where_that_is_faster_and_else_upsamples(graph):
    sizes = {"wide": 7, "of one pixel": 1, "large map": 3, "many channels": 3}
    shapes = {name: (12, 16, 40 if name == "many channels" else 4) for name in sizes}

    def walk(layers, small):
        for name, size in sizes.items():
            layers.conv(layers.upsample(small(shapes[name])), name.replace(" ", "_"), 2, size)

    layers = Layers(Weights(variables_of(lambda layers: walk(layers, lambda shape: shape))), small_maps=True)
    walk(layers, lambda shape: tf.zeros([1, *shape]))
    inputs = {op.name.split("/")[0]: op.inputs[0].shape.as_list()[1] for op in graph.get_operations()
              if op.type == "Conv2D" and op.name.endswith("/conv")}  # fmt: skip
    assert inputs == {"wide": 12, "of_one_pixel": 24, "large_map": 12, "many_channels": 24}
    layers.conv(layers.upsample(tf.zeros([1, 12, 16, 4])), "wide", 2, 7, stride=2)
    strided = [op for op in graph.get_operations() if op.type == "Conv2D"][-1]
    assert strided.inputs[0].shape.as_list() == [1, 24, 32, 4]


def test_what_is_no_convolution_upsamples_first(graph, rng):
    x = tf.constant(rng.randn(1, 3, 4, 2).astype("f"))
    weights, found = Weights(variables_of(lambda layers: layers.batch_norm((12, 16, 2), "bn"))), []
    for small_maps in (True, False):
        layers = Layers(weights, small_maps=small_maps)
        twice = layers.upsample(layers.upsample(x))
        assert isinstance(twice, Upsampled) == small_maps
        found.append([layers.add(twice, twice), layers.relu(twice), layers.batch_norm(twice, "bn")])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for lazy, usual in zip(*session.run(found)):
            np.testing.assert_array_equal(lazy, usual)


def test_lanes_change_places_before_they_are_upsampled(graph):
    moved = permute([Upsampled(tf.constant([float(number)])) for number in range(3)], [2, 0, 1])
    with tf.Session() as session:
        assert [float(each.map) for each in session.run(moved)] == [1.0, 2.0, 0.0]
