"""Scaling by the centres of pixels: against its definition in NumPy, TensorFlow's against Pillow's, and there and back."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from efnas.data.scaling import larger_flow, scaled, scaled_flow, smaller, smaller_flow

FRAME, INPUT = (96, 128), (45, 60)


def triangle(size, other):
    """[other, size]: the weights of the old pixels in each new one."""
    step = size / other
    centres = (np.arange(other) + 0.5) * step - 0.5
    away = np.abs(centres[:, None] - np.arange(size)) / max(step, 1.0)
    weights = np.maximum(0.0, 1.0 - away)
    return weights / weights.sum(axis=1, keepdims=True)


def by_definition(maps, height, width):
    rows, columns = triangle(maps.shape[0], height), triangle(maps.shape[1], width)
    return np.einsum("yh,xw,hwc->yxc", rows, columns, maps)


def places(height, width):
    """x and y of the centre of every pixel, [h, w, 2]."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x, y], axis=-1) + 0.5


def affine(height, width):
    """A flow that is linear in the place, in pixels."""
    return (places(height, width) @ np.array([[0.05, -0.03], [0.02, 0.04]]) + [3.0, -5.0]).astype("f")


@pytest.mark.parametrize("size", [INPUT, (96, 60), (33, 128), (200, 300), (1, 1)])
def test_a_pixel_is_the_weighted_mean_of_those_that_it_covers(rng, size):
    maps = rng.uniform(-1, 1, (*FRAME, 3)).astype("f")
    np.testing.assert_allclose(scaled(maps, *size), by_definition(maps, *size), atol=2e-6)


@pytest.mark.parametrize("size", [INPUT, (96, 60), (33, 128), FRAME])
def test_frames_are_made_smaller_in_tensorflow_as_they_are_by_definition(graph, rng, size):
    image, flow = rng.randint(0, 256, (*FRAME, 3)).astype(np.uint8), rng.normal(0, 9, (*FRAME, 2)).astype("f")
    with tf.Session() as session:
        found, moved = session.run([smaller(tf.constant(image), *size), smaller_flow(tf.constant(flow), *size)])
    np.testing.assert_allclose(found, by_definition(image.astype(float), *size), atol=0.01)
    np.testing.assert_allclose(moved, scaled_flow(flow, *size), atol=1e-3)


def test_flow_is_made_larger_in_tensorflow_as_by_pillow(graph, rng):
    flow = rng.normal(0, 9, (3, *INPUT, 2)).astype("f")
    with tf.Session() as session:
        for size in (FRAME, (45, 61), INPUT):
            found = session.run(larger_flow(tf.constant(flow), tf.zeros([3, *size, 6])))
            assert found.shape == (3, *size, 2)
            np.testing.assert_allclose(found, np.stack([scaled_flow(one, *size) for one in flow]), atol=3e-4)


def test_values_of_flow_scale_with_the_side_they_lie_along():
    flow = np.full((20, 30, 2), (6.0, 4.0), np.float32)
    np.testing.assert_allclose(scaled_flow(flow, 10, 10), np.full((10, 10, 2), (2.0, 2.0)), rtol=1e-6)
    np.testing.assert_allclose(scaled_flow(flow, 80, 30), np.full((80, 30, 2), (6.0, 16.0)), rtol=1e-6)


def test_what_has_the_size_already_is_not_touched(rng):
    maps = rng.normal(size=(5, 7, 2)).astype("f")
    assert scaled(maps, 5, 7) is maps and scaled_flow(maps, 5, 7) is maps


def test_a_translation_survives_down_and_up():
    flow = np.full((*FRAME, 2), (3.25, -7.5), np.float32)
    small = scaled_flow(flow, *INPUT)
    np.testing.assert_allclose(small, np.full((*INPUT, 2), (3.25 * 60 / 128, -7.5 * 45 / 96)), rtol=1e-5)
    np.testing.assert_allclose(scaled_flow(small, *FRAME), flow, rtol=1e-5)


def test_an_affine_flow_survives_down_and_up_but_for_a_border_of_one_pixel_of_the_input():
    flow = affine(*FRAME)
    small = scaled_flow(flow, *INPUT)
    # At the same places of the frame, a whole pixel of the input apart: no part of a pixel is lost on the way.
    ratio = np.array([128 / 60, 96 / 45])
    expected = ((places(*INPUT) * ratio) @ np.array([[0.05, -0.03], [0.02, 0.04]]) + [3.0, -5.0]) / ratio
    assert np.abs(small - expected)[2:-2, 2:-2].max() < 0.005
    again = np.abs(scaled_flow(small, *FRAME) - flow)
    assert again[4:-4, 4:-4].max() < 0.01 and again.max() < 0.1
    # Half a pixel of shift, as scaling by the corners has it, would be seen.
    assert np.abs(np.roll(flow, 1, axis=1) - flow)[4:-4, 4:-4].max() > 0.04


def test_detail_that_is_finer_than_a_pixel_of_the_input_is_averaged_away():
    stripes = np.indices((90, 120)).sum(axis=0)[..., None] % 2 * 2.0 - 1.0
    assert np.abs(scaled(stripes, 30, 40)).max() < 0.15
    with tf.Graph().as_default(), tf.Session() as session:
        assert np.abs(session.run(smaller(tf.constant(stripes), 30, 40))).max() < 0.15
