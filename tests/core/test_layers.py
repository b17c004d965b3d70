"""Single layers against NumPy."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from efnas.core.convolution import conv2d
from efnas.core.costs import variables_of
from efnas.core.layers import BN_EPSILON, Layers
from efnas.core.weights import Weights


def run(fetches, feed=None):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(fetches, feed)


def connected(describe, seed=0, **settings):
    """Layers over weights for what `describe(layers)` asks of shapes."""
    return Layers(Weights(variables_of(describe), seed), **settings)


def numpy_conv(x, kernel, stride):
    """SAME convolution written out: TensorFlow pads so that ceil(size / stride) positions come out."""
    k = kernel.shape[0]
    out = [-(-size // stride) for size in x.shape[1:3]]
    pad = [max((o - 1) * stride + k - size, 0) for o, size in zip(out, x.shape[1:3])]
    padded = np.pad(x, [(0, 0)] + [(p // 2, p - p // 2) for p in pad] + [(0, 0)])
    y = np.zeros((len(x), out[0], out[1], kernel.shape[3]))
    for i in range(out[0]):
        for j in range(out[1]):
            patch = padded[:, i * stride : i * stride + k, j * stride : j * stride + k]
            y[:, i, j] = np.tensordot(patch, kernel, axes=3)
    return y


@pytest.mark.parametrize("size, kernel, stride", [((9, 12), 7, 2), ((45, 7), 3, 2), ((6, 5), 5, 1)])
def test_convolution_is_numpys(graph, rng, size, kernel, stride):
    x = rng.randn(2, *size, 3).astype("f")
    layers = connected(lambda layers: layers.conv((*size, 3), "E0/conv", 4, kernel, stride))
    y = layers.conv(tf.constant(x), "E0/conv", 4, kernel, stride)
    got, weights = run([y, layers.used["E0/conv/kernel"]])
    np.testing.assert_allclose(got, numpy_conv(x, weights, stride), atol=1e-4)


@pytest.mark.parametrize("kernel, stride", [(3, 1), (4, 1), (5, 1), (7, 1), (3, 2), (5, 2)])
def test_gradients_as_convolutions_are_tensorflows(graph, rng, kernel, stride):
    x = tf.constant(rng.randn(3, 11, 14, 5).astype("f"))
    weights = tf.constant(rng.randn(kernel, kernel, 5, 4).astype("f"))
    gradients = []
    for as_convolutions in (False, True):
        y = conv2d(x, weights, stride, as_convolutions)
        gradients.append(tf.gradients(tf.reduce_sum(y * y * tf.sin(y)), [x, weights]))
    (x_library, w_library), (x_ours, w_ours) = run(gradients)
    np.testing.assert_allclose(x_ours, x_library, rtol=1e-4, atol=1e-3 * np.abs(x_library).max())
    np.testing.assert_allclose(w_ours, w_library, rtol=1e-4, atol=1e-5 * np.abs(w_library).max())


def test_gradients_as_convolutions_use_no_slow_gradient_kernel(graph):
    layers = connected(lambda layers: layers.conv((8, 8, 3), "a", 4, 3), gradients_as_convolutions=True)
    y = layers.conv(tf.zeros([1, 8, 8, 3]), "a", 4, 3)
    tf.gradients(y, [layers.used["a/kernel"]])
    assert not [op for op in graph.get_operations() if op.type.startswith("Conv2DBackprop")]


def test_batch_norm_uses_and_records_the_moments_of_the_batch(graph, rng):
    x = rng.randn(2, 5, 6, 3).astype("f") * 3 + 1
    layers = connected(lambda layers: layers.batch_norm((5, 6, 3), "E0/bn"))
    y = layers.batch_norm(tf.constant(x), "E0/bn")
    got, moments = run([y, layers.seen[0][1:]])
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    np.testing.assert_allclose(got, (x - mean) / np.sqrt(variance + BN_EPSILON), atol=1e-5)
    np.testing.assert_allclose(moments[0], mean, atol=1e-5)
    np.testing.assert_allclose(moments[1], variance, rtol=1e-5)


def test_batch_norm_takes_the_statistics_that_it_is_given(graph, rng):
    x, mean, variance = rng.randn(2, 5, 6, 3), rng.randn(3), rng.uniform(1, 2, 3)
    given = {"E0/bn": (tf.constant(mean, tf.float32), tf.constant(variance, tf.float32))}
    layers = connected(lambda layers: layers.batch_norm((5, 6, 3), "E0/bn"), statistics=given)
    y = run(layers.batch_norm(tf.constant(x.astype("f")), "E0/bn"))
    np.testing.assert_allclose(y, (x - mean) / np.sqrt(variance + BN_EPSILON), atol=1e-5)
    assert layers.seen == []


def test_a_layer_that_has_no_weights_or_others_is_an_error_and_makes_none(graph):
    layers = connected(lambda layers: layers.conv((8, 8, 3), "a", 4, 3))
    before = {variable.op.name for variable in tf.global_variables()}
    with pytest.raises(KeyError):
        layers.conv(tf.zeros([1, 8, 8, 3]), "b", 4, 3)
    with pytest.raises(ValueError, match=r"a/kernel is \[3, 3, 3, 4\]; the network asks for \[5, 5, 3, 4\]"):
        layers.conv(tf.zeros([1, 8, 8, 3]), "a", 4, 5)
    assert {variable.op.name for variable in tf.global_variables()} == before


def test_upsampling_keeps_position_2i_at_i_and_interpolates_between(graph, rng):
    x = rng.randn(1, 4, 5, 2).astype("f")
    y = run(connected(lambda layers: None).upsample(tf.constant(x)))
    np.testing.assert_allclose(y[:, ::2, ::2], x, atol=1e-6)
    np.testing.assert_allclose(y[:, ::2, 1:-1:2], (x[:, :, :-1] + x[:, :, 1:]) / 2, atol=1e-6)
    np.testing.assert_allclose(y[:, 1:-1:2, ::2], (x[:, :-1] + x[:, 1:]) / 2, atol=1e-6)


def test_first_weights_depend_on_seed_and_name_but_not_on_the_order_of_building():
    def first_weights(seed, order):
        def describe(layers):
            for name in order:
                layers.conv((8, 8, 3), name, 4, 3)

        with tf.Graph().as_default():
            return run(Weights(variables_of(describe), seed).trained)

    one, other = first_weights(1, ["a", "b"]), first_weights(1, ["b", "a"])
    np.testing.assert_array_equal(one["a/kernel"], other["a/kernel"])
    np.testing.assert_array_equal(one["b/kernel"], other["b/kernel"])
    assert (one["a/kernel"] != one["b/kernel"]).any()
    assert (one["a/kernel"] != first_weights(2, ["a"])["a/kernel"]).any()
    assert one["a/kernel"].std() == pytest.approx(np.sqrt(2 / 27), rel=0.3)
