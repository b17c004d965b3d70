"""Loss, EPE and geometry against NumPy."""

import numpy as np
import tensorflow.compat.v1 as tf

from efnas.core.geometry import Head, ScaleMaps, endpoint_error, flow_at_scale, valid_part
from efnas.training.loss import multiscale_loss, weight_decay_loss


def run(fetches):
    with tf.Session() as session:
        return session.run(fetches)


def softplus(x):
    return np.logaddexp(0.0, x)


def test_the_loss_is_that_of_the_contract(graph, rng):
    truth = rng.randn(2, 36, 48, 2).astype("f") * 3
    maps = [rng.randn(2, *size, 4).astype("f") for size in ((12, 12), (24, 24), (48, 48))]
    expected = 0.0
    for scale, weight, m in zip((4, 2, 1), (0.125, 0.25, 0.5), maps):
        target = truth[:, ::scale, ::scale]
        m = m[:, : target.shape[1], : target.shape[2]]
        error, s = np.abs(m[..., :2] - target), m[..., 2:]
        sigma = np.maximum(softplus(s + 1e-3), 1e-3)
        expected += weight * (error.mean() + (error / sigma).mean() + softplus(s).mean())
    heads = [Head("A", 4), Head("B", 2), Head("C", 1)]
    got = run(multiscale_loss(heads, ScaleMaps([], [tf.constant(m) for m in maps]), tf.constant(truth)))
    np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_ground_truth_at_a_scale_is_the_legacy_resize(graph, rng):
    truth = tf.constant(rng.randn(1, 36, 48, 2).astype("f"))
    for scale in (4, 2):
        resized = tf.image.resize_bilinear(truth, [36 // scale, 48 // scale], False, half_pixel_centers=False)
        ours, theirs = run([flow_at_scale(truth, scale), resized])
        np.testing.assert_array_equal(ours, theirs)


def test_a_label_lies_on_the_pixels_it_belongs_to(graph):
    """A step edge in the truth at row 100 must meet row 100 of a canvas of 192 rows, and not row 106."""
    truth = np.zeros((1, 180, 240, 2), np.float32)
    truth[:, 100:] = 5.0
    canvas = np.zeros((1, 192, 240, 4), np.float32)
    canvas[:, 100:, :, :2] = 5.0
    error = run(endpoint_error(valid_part(tf.constant(canvas), 180, 240)[..., :2], tf.constant(truth)))
    assert error.shape == (1, 180, 240)
    assert error.max() == 0.0


def test_epe_is_the_mean_length_of_the_difference(graph):
    flow = np.array([[[[3.0, 4.0], [0.0, 0.0]]]], np.float32)
    np.testing.assert_allclose(run(endpoint_error(tf.constant(flow), tf.zeros_like(flow))), [[[5.0, 0.0]]])


def test_decay_is_the_mean_over_the_lanes_of_their_own_kernels(graph, rng):
    shared, option = rng.randn(3, 3, 2, 2).astype("f"), rng.randn(5, 5, 2, 2).astype("f")
    got = run(weight_decay_loss([tf.constant(shared), tf.constant(option)], [3, 1], 3))
    np.testing.assert_allclose(got, (shared**2).sum() / 2 + (option**2).sum() / 6, rtol=1e-5)
