"""The packed form: the same network, computed on the small maps."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
import tflite
from vela_stand_in import real_vela

from efnas.cache import Cache
from efnas.core.costs import subnet_costs
from efnas.core.supernet import EDGEFLOW
from efnas.export.calibration import AS_CONVERTED, Calibration
from efnas.export.converter import checked_file, convert
from efnas.export.file_graph import read_graph
from efnas.export.host import Interpreter, unpacked, upsample_x2
from efnas.export.layer_errors import layer_errors
from efnas.export.networks import baseline_network, subnet_network
from efnas.export.phases import packed, plain, upsampled, upsampled_row
from efnas.export.weights import random_weights
from efnas.vela.board import packaged_profile
from efnas.vela.compiler import Settings, Vela
from efnas.vela.process import run

SIZES = (3, 5, 7)


def convolved(maps, window, rows=None):
    """[h, w, c] by a window, what is outside being zero."""
    above, left = (-first for first in window.first)
    down, across = window.kernel.shape[:2]
    around = [(above, down - 1 - above), (left, across - 1 - left), (0, 0)]
    with tf.Session(graph=tf.Graph()) as session, session.graph.as_default():
        return session.run(tf.nn.conv2d(np.pad(maps, around)[None], window.kernel, 1, "VALID"))[0]


@pytest.fixture
def kernel(rng):
    return lambda size, into=3, out=2: rng.randn(size, size, into, out).astype("f")


@pytest.mark.parametrize("size", SIZES)
def test_upsampling_and_a_convolution_are_one_up_to_the_border(rng, kernel, size):
    maps, weights = rng.randn(9, 8, 3).astype("f"), kernel(size)
    expected = convolved(upsample_x2(maps).astype("f"), plain(weights))
    found = unpacked(convolved(maps, upsampled(weights)))
    reach = size // 2 + 1
    inside = np.s_[reach:-reach, reach:-reach]
    np.testing.assert_allclose(found[inside], expected[inside], atol=1e-4)
    assert np.abs(found - expected).max() > 0.1
    # Where the last positions are zero, the small map goes on as the upsampled one does.
    maps[[0, -1]] = maps[:, [0, -1]] = 0
    expected = convolved(upsample_x2(maps).astype("f"), plain(weights))
    np.testing.assert_allclose(unpacked(convolved(maps, upsampled(weights))), expected, atol=1e-4)


@pytest.mark.parametrize("size", SIZES)
def test_two_rows_side_by_side_are_the_packed_map(rng, kernel, size):
    maps, weights = rng.randn(6, 5, 3).astype("f"), kernel(size)
    even, odd = (convolved(maps, upsampled_row(weights, row)) for row in (0, 1))
    together = np.concatenate([even, odd], axis=1).reshape(12, 10, 2)
    np.testing.assert_allclose(together, unpacked(convolved(maps, upsampled(weights))), atol=1e-4)


@pytest.mark.parametrize("size", SIZES)
def test_a_convolution_of_a_packed_map_is_that_of_the_map_everywhere(rng, kernel, size):
    maps, weights = rng.randn(5, 6, 8).astype("f"), kernel(size, into=2)
    expected = convolved(unpacked(maps), plain(weights))
    np.testing.assert_allclose(unpacked(convolved(maps, packed(weights))), expected, atol=1e-4)


def test_half_of_the_multiplications_of_a_7x7_are_left(kernel):
    whole = 4 * kernel(7).size
    assert 0.5 < upsampled(kernel(7)).kernel.size / whole < 0.52
    assert [upsampled(kernel(size)).kernel.shape[0] for size in SIZES] == [3, 4, 5]
    assert [packed(kernel(size)).kernel.shape[0] for size in SIZES] == [3, 3, 5]


def files_of(network, height, width):
    weights = random_weights(network.variables(), height, width, 3)
    rng = np.random.RandomState(0)
    for name in weights.statistics:  # maps with offsets: padding shows
        weights.trained[f"{name}/beta"] = rng.uniform(0, 0.5, weights.trained[f"{name}/beta"].shape).astype("f")
    return {form: convert(network, weights, height, width, form, False) for form in ("two-scale", "packed")}


@pytest.mark.parametrize("height", [64, 68, 76])  # of a canvas of 64 or 80
@pytest.mark.parametrize("code", ["000000000", "000021012", "222222222", None])
def test_the_flow_is_that_of_the_network_inside(height, code):
    network = subnet_network(EDGEFLOW, EDGEFLOW.space.parse(code), 4) if code else baseline_network(EDGEFLOW, 4)
    files = files_of(network, height, 64)
    images = np.random.RandomState(1).uniform(-1, 1, (height, 64, 6)).astype("f")
    exact, found = (Interpreter(files[form]).flow(images) for form in ("two-scale", "packed"))
    below = 20 - (-height % 16)  # rows of the canvas below the image are no border of it
    inside = np.s_[20 : height - max(0, below), 20:-20]
    np.testing.assert_allclose(found[inside], exact[inside], atol=1e-4 * np.abs(exact).mean())
    assert 1e-4 < np.abs(found - exact).mean() / np.abs(exact).mean() < 0.2


def test_rows_that_lie_together_have_one_scale_with_percentiles_too_and_layers_are_named():
    network = subnet_network(EDGEFLOW, EDGEFLOW.space.baseline, 4)
    weights = random_weights(network.variables(), 32, 48, 1)
    exact = convert(network, weights, 32, 48, "packed", False)
    scales = []
    for calibration in (AS_CONVERTED, Calibration(percentile=99.0), Calibration(per_tensor=True)):
        model, _ = checked_file(network, weights, 32, 48, "packed", True, calibration)
        graph = read_graph(model)
        (joined,) = (each for each in graph.operators if each.kind == tflite.BuiltinOperator.CONCATENATION)
        ports = [graph.tensors[name].quantisation for name in (*joined.inputs, *joined.outputs)]
        assert len({(float(port.scale[0]), int(port.zero_point[0])) for port in ports}) == 1
        scales.append(float(ports[0].scale[0]))
        images = weights.calibration[0][0]
        truth = Interpreter(exact).flow(images)
        assert np.abs(Interpreter(model).flow(images) - truth).mean() < 0.3 * np.abs(truth).mean()
        named = {each.kind for each in layer_errors(model, exact, [(images, truth)], ["a"])}
        assert named == {"input", "CONV_2D", "ADD", "RESIZE_BILINEAR"}
    assert scales[1] < scales[0] == scales[2]


def test_the_board_needs_less_of_everything():
    network = subnet_network(EDGEFLOW, EDGEFLOW.space.baseline, 16)
    weights = random_weights(network.variables(), 96, 128, 1)
    vela = Vela(real_vela("5.2.0"), packaged_profile(), Cache(None), run)
    two, one = (
        vela.compile(convert(network, weights, 96, 128, form), Settings("Performance", 200_000))
        for form in ("two-scale", "packed")
    )
    assert one.sram_kib < 0.9 * two.sram_kib
    assert one.inference_ms < 0.9 * two.inference_ms
    counted = network.counted(96, 128, "packed").total.macs
    assert counted < 0.8 * subnet_costs(EDGEFLOW, EDGEFLOW.space.baseline, 96, 128, 16).total.macs
