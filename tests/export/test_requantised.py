"""Other scales for a converted file: they follow the converter's arithmetic, and the file stays the same network."""

import numpy as np
import pytest

from efnas.core.supernet import EDGEFLOW
from efnas.errors import CheckFailed, EfnasError
from efnas.export.calibration import AS_CONVERTED, Calibration
from efnas.export.converter import checked_file, convert
from efnas.export.file_graph import CONVOLUTION, read_graph, write_graph
from efnas.export.host import Interpreter
from efnas.export.layer_errors import layer_errors
from efnas.export.networks import subnet_network
from efnas.export.requantised import ends_of, maps_of_flow, of_range, requantised
from efnas.export.verification import FileErrors
from efnas.export.weights import random_weights

HEIGHT, WIDTH = 32, 48
NETWORK = subnet_network(EDGEFLOW, EDGEFLOW.space.parse("010001222"), 4)


@pytest.fixture(scope="module")
def weights():
    """Random, with offsets of the batch norms, so that convolutions have biases."""
    draw, made = np.random.RandomState(0), random_weights(NETWORK.variables(), HEIGHT, WIDTH, 1)
    trained = {name: value + draw.uniform(-0.1, 0.1, value.shape).astype("f") * name.endswith("/beta")
               for name, value in made.trained.items()}  # fmt: skip
    return made._replace(trained=trained)


@pytest.fixture(scope="module")
def files(weights):
    return {int8: convert(NETWORK, weights, HEIGHT, WIDTH, int8=int8) for int8 in (True, False)}


def file_of(weights, **calibration):
    return checked_file(NETWORK, weights, HEIGHT, WIDTH, "accumulated", True, Calibration(**calibration))[0]


def test_with_the_converters_ranges_its_file_comes_out(files):
    graph, exact = read_graph(files[True]), read_graph(files[False])
    maps = [*graph.inputs, *(operator.outputs[0] for operator in graph.operators)]
    ranges = {name: ends_of(graph.tensors[name].quantisation) for name in maps}
    made = requantised(graph, exact, ranges, per_tensor=False)
    assert len(ranges) > 20
    for name, tensor in graph.tensors.items():
        own = made.tensors[name]
        np.testing.assert_allclose(own.quantisation.scale, tensor.quantisation.scale, rtol=1e-6)
        np.testing.assert_array_equal(own.quantisation.zero_point, tensor.quantisation.zero_point)
        kind = np.int32 if name.endswith("bias") else np.uint8
        stored = (np.frombuffer(each.content.tobytes(), kind).astype(int) for each in (own, tensor))
        # The converter multiplies biases in float32.
        assert np.abs(np.subtract(*stored)).max(initial=0) <= (name.endswith("bias"))
    biases = [tensor.content for name, tensor in graph.tensors.items() if name.endswith("bias")]
    assert any(content.any() for content in biases)


@pytest.mark.parametrize("low, high, scale, zero_point", [
    (0.0, 2.55, 0.01, -128), (-1.28, 1.27, 0.01, 0), (0.5, 2.55, 0.01, -128), (-2.55, -1.0, 0.01, 127), (0.0, 0.0, 1.0, -128),
])  # fmt: skip
def test_a_range_holds_0_and_has_256_steps(low, high, scale, zero_point):
    found = of_range(low, high)
    assert (found.scale[0], found.zero_point[0]) == (pytest.approx(scale), zero_point)


def test_percentiles_narrow_the_maps_and_leave_the_flow_as_it_is(files, weights):
    before = read_graph(files[True])
    after = read_graph(file_of(weights, percentile=99.0))
    of_flow = maps_of_flow(before)
    assert {"Sum1/flow", "Sum1/add", "Sum2/add"} < set(of_flow) and "H2/Relu" not in of_flow
    narrower = 0
    for operator in before.operators:
        (name,) = operator.outputs
        old, new = (graph.tensors[name].quantisation.scale[0] for graph in (before, after))
        assert new == old if name in of_flow else new <= old * (1 + 1e-6)
        narrower += new < 0.95 * old
    assert narrower > 10
    assert after.tensors["images"].quantisation.scale == before.tensors["images"].quantisation.scale
    whole = read_graph(file_of(weights, percentile=100.0))
    for name in ("E0/Relu", "H2/Relu"):
        old, new = (graph.tensors[name].quantisation.scale[0] for graph in (before, whole))
        assert new == pytest.approx(old, rel=1e-3)


def test_one_scale_a_kernel_computes_nearly_the_same(files, weights):
    model = file_of(weights, per_tensor=True)
    graph = read_graph(model)
    kernels = [graph.tensors[operator.inputs[1]] for operator in graph.operators if operator.kind == CONVOLUTION]
    assert all(kernel.quantisation.scale.size == 1 for kernel in kernels)
    images = weights.calibration[0][0]
    exact, channels, one = (Interpreter(each).flow(images) for each in (files[False], files[True], model))
    assert (one != channels).any()
    assert np.abs(one - exact).mean() < 0.2 * np.abs(exact).mean()


def test_each_layer_is_quantised_alone_and_a_coarse_one_is_named_first(files, weights):
    images = weights.calibration[0][0]
    truth = Interpreter(files[False]).flow(images)
    graph, exact = read_graph(files[True]), read_graph(files[False])
    # The range of this map a hundred times as wide as it is: it has two or three steps left.
    low, high = (100 * end for end in ends_of(graph.tensors["Down1/Relu"].quantisation))
    coarse = write_graph(requantised(graph, exact, {"Down1/Relu": (low, high)}, False))
    found = layer_errors(coarse, files[False], [(images, truth)] * 2, ["a", "b"])
    assert found[0].layer == "Down1/Relu" and found[0].kind == "CONV_2D"
    assert found[0].adds.mean > 3 * found[1].adds.mean > 0
    rounding = [operator for operator in graph.operators if operator.outputs != ("Sum1/flow",)]
    assert sorted(each.layer for each in found) == sorted(["images", *(each.outputs[0] for each in rounding)])


def test_a_gap_is_above_its_limit_when_its_whole_interval_is(rng):
    names = [f"{number:07}" for number in range(40)]
    exact = rng.uniform(1.0, 2.0, 40)
    noise = rng.uniform(-0.02, 0.02, 40)
    noise -= noise.mean()
    found = FileErrors(names, exact * 1.03 + noise, exact, exact * 3).verification()
    assert found.gap.low < 0.03 < found.gap.high and found.gap.mean == pytest.approx(0.03)
    with pytest.raises(CheckFailed, match=r"The gap of INT8 to float is \+.* above --max-gap 2\.00%\. Train\."):
        found.require_gap(0.02, " Train.")
    found.require_gap((found.gap.mean + found.gap.low) / 2)  # within the interval: it cannot be told
    found.require_gap(None)
    FileErrors(names[:1], exact[:1] * 2, exact[:1], exact[:1]).verification().require_gap(0.01)  # one pair says nothing


def test_files_of_two_networks_are_no_pair(files):
    other = subnet_network(EDGEFLOW, EDGEFLOW.space.parse("222222222"), 4)
    exact = convert(other, random_weights(other.variables(), HEIGHT, WIDTH, 1), HEIGHT, WIDTH, int8=False)
    with pytest.raises(EfnasError, match="other operators than its INT8 file"):
        layer_errors(files[True], exact, [], [])
    assert AS_CONVERTED.in_words() == "from all values seen, one a channel of a kernel"
