"""Single layers against NumPy."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from efnas.core.convolution import conv2d
from efnas.core.layers import BATCH, BN_EPSILON, RECALIBRATED, Layers


def run(fetches, feed=None):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(fetches, feed)


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
    layers = Layers()
    y = layers.conv(tf.constant(x), "E0/conv", 4, kernel, stride)
    got, weights = run([y, layers.kernels["E0/conv"]])
    np.testing.assert_allclose(got, numpy_conv(x, weights, stride), atol=1e-4)


@pytest.mark.parametrize("kernel, stride", [(3, 1), (5, 1), (7, 1), (3, 2), (5, 2)])
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
    layers = Layers(gradients_as_convolutions=True)
    y = layers.conv(tf.zeros([1, 8, 8, 3]), "a", 4, 3)
    tf.gradients(y, [layers.kernels["a"]])
    assert not [op for op in graph.get_operations() if op.type.startswith("Conv2DBackprop")]


def test_batch_norm_uses_and_records_the_moments_of_the_batch(graph, rng):
    x = rng.randn(2, 5, 6, 3).astype("f") * 3 + 1
    layers = Layers(BATCH)
    y = layers.batch_norm(tf.constant(x), "E0/bn")
    got, moments = run([y, [(m.name, m.mean, m.variance) for m in layers.moments][0][1:]])
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    np.testing.assert_allclose(got, (x - mean) / np.sqrt(variance + BN_EPSILON), atol=1e-5)
    np.testing.assert_allclose(moments[0], mean, atol=1e-5)
    np.testing.assert_allclose(moments[1], variance, rtol=1e-5)


def test_recalibrated_batch_norm_is_nan_until_it_was_set(graph, rng):
    layers = Layers(RECALIBRATED)
    y = layers.batch_norm(tf.constant(rng.randn(2, 5, 6, 3).astype("f")), "E0/bn")
    assert np.isnan(run(y)).all()


def test_upsampling_keeps_position_2i_at_i_and_interpolates_between(graph, rng):
    x = rng.randn(1, 4, 5, 2).astype("f")
    y = run(Layers().upsample(tf.constant(x)))
    np.testing.assert_allclose(y[:, ::2, ::2], x, atol=1e-6)
    np.testing.assert_allclose(y[:, ::2, 1:-1:2], (x[:, :, :-1] + x[:, :, 1:]) / 2, atol=1e-6)
    np.testing.assert_allclose(y[:, 1:-1:2, ::2], (x[:, :-1] + x[:, 1:]) / 2, atol=1e-6)


def test_first_weights_depend_on_seed_and_name_but_not_on_the_order_of_building():
    def first_weights(seed, order):
        with tf.Graph().as_default():
            layers = Layers(seed=seed)
            for name in order:
                layers.conv(tf.zeros([1, 8, 8, 3]), name, 4, 3)
            return run(dict(layers.kernels))

    one, other = first_weights(1, ["a", "b"]), first_weights(1, ["b", "a"])
    np.testing.assert_array_equal(one["a"], other["a"])
    np.testing.assert_array_equal(one["b"], other["b"])
    assert (one["a"] != one["b"]).any()
    assert (one["a"] != first_weights(2, ["a"])["a"]).any()
    assert one["a"].std() == pytest.approx(np.sqrt(2 / 27), rel=0.3)
