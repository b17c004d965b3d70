"""Fine-tuning of a file: its graph computes what the file does, and training in it closes what the scales opened."""

import json

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small_supernet import SMALL

from efnas.backend import Device
from efnas.config_files import load_config
from efnas.core.supernet import EDGEFLOW
from efnas.errors import CheckFailed, EfnasError
from efnas.export.calibration import Calibration, Tuning
from efnas.export.converter import checked_file, convert
from efnas.export.file_graph import read_graph, write_graph
from efnas.export.fine_tuning import FineTuning, fine_tuned
from efnas.export.host import ACCUMULATED, TWO_SCALE, Interpreter
from efnas.export.networks import subnet_network
from efnas.export.requantised import ends_of, requantised, runtime_with
from efnas.export.subnet import export_subnet
from efnas.export.weights import random_weights

HEIGHT, WIDTH = 32, 48
NETWORKS = {
    "a subnet": subnet_network(EDGEFLOW, EDGEFLOW.space.parse("010001222"), 4),
    "another supernet": subnet_network(SMALL, SMALL.space.parse("1,0,1,0,1"), 4),
}
NETWORK = NETWORKS["a subnet"]
CONFIG = load_config(assignments=[f"data.input_height={HEIGHT}", f"data.input_width={WIDTH}", "train.batch_size=4"])
CPU = Device("CPU", False, 1)


def weights_of(network):
    """Random, with batch norms that scale, one channel by less than 0, and shift."""
    draw, made = np.random.RandomState(0), random_weights(network.variables(), HEIGHT, WIDTH, 1)
    trained = dict(made.trained)
    for name, value in trained.items():
        if name.endswith("/beta"):
            trained[name] = draw.uniform(-0.1, 0.1, value.shape).astype("f")
        if name.endswith("/gamma"):
            trained[name] = draw.uniform(0.5, 1.5, value.shape).astype("f") * np.sign(
                np.arange(len(value)) - 0.5
            ).astype("f")
    statistics = {name: np.stack([draw.uniform(-0.1, 0.1, pair[0].shape), draw.uniform(0.5, 2.0, pair[1].shape)])
                  for name, pair in made.statistics.items()}  # fmt: skip
    return made._replace(trained=trained, statistics=statistics)


def apart(network, form, tuned_from, model, per_tensor=False):
    """By map: how far those of the graph with the scales of a file are from those of a file, on average, in steps."""
    weights, file = weights_of(network), read_graph(model)
    images = weights.calibration[0]
    runtime = runtime_with([operator.outputs[0] for operator in file.operators], model, "BUILTIN_REF")
    places = {detail["name"]: detail["index"] for detail in runtime.get_tensor_details()}
    runtime.set_tensor(places["images"], Interpreter(model).stored(images[0]))
    runtime.invoke()
    with tf.Graph().as_default():
        tuning = FineTuning(network, weights, tuned_from, form, CONFIG, per_tensor)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            found = session.run(tuning.stepped, tuning.fed(images, np.zeros([1, HEIGHT, WIDTH, 2], "f")))
    steps = {}
    for name in (operator.outputs[0] for operator in file.operators if operator.outputs[0] in found):
        (scale,), (zero_point,) = file.tensors[name].quantisation[2:4]
        steps[name] = np.abs(found[name] / scale + zero_point - runtime.get_tensor(places[name])).mean()
    return steps


@pytest.mark.parametrize("form", [ACCUMULATED, TWO_SCALE])
@pytest.mark.parametrize("name", NETWORKS)
def test_before_a_step_the_graph_computes_what_the_file_does(name, form):
    network = NETWORKS[name]
    model, _ = checked_file(network, weights_of(network), HEIGHT, WIDTH, form)
    steps = apart(network, form, model, model)
    assert len(steps) >= len(read_graph(model).operators) - 1  # a slice takes no steps
    # A value in a thousand lies between two steps and is rounded otherwise; after it, from layer to layer, more are.
    assert max(list(steps.values())[:4]) < 0.02 and max(steps.values()) < 0.6


def test_a_map_with_another_scale_is_another_map():
    model = convert(NETWORK, weights_of(NETWORK), HEIGHT, WIDTH)
    graph = read_graph(model)
    low, high = (2 * end for end in ends_of(graph.tensors["EB0/Relu"].quantisation))
    exact = read_graph(convert(NETWORK, weights_of(NETWORK), HEIGHT, WIDTH, int8=False))
    coarse = write_graph(requantised(graph, exact, {"EB0/Relu": (low, high)}, False))
    steps = apart(NETWORK, "accumulated", coarse, model)
    assert steps["E1/Relu"] < 0.02 < 0.2 < steps["EB0/Relu"]


def test_a_scale_a_kernel_is_that_of_the_folded_kernel():
    how = Calibration(per_tensor=True)
    model, _ = checked_file(NETWORK, weights_of(NETWORK), HEIGHT, WIDTH, "accumulated", True, how)
    for per_tensor in (True, False):
        assert (apart(NETWORK, "accumulated", model, model, per_tensor)["E0/Relu"] < 0.02) == per_tensor


def test_a_file_of_another_network_is_refused():
    other = subnet_network(EDGEFLOW, EDGEFLOW.space.parse("110001222"), 4)
    model = convert(other, weights_of(other), HEIGHT, WIDTH, "accumulated")
    with pytest.raises(EfnasError, match="a map that the graph has not: EB0/"):
        apart(NETWORK, "accumulated", model, model)


@pytest.fixture(scope="module")
def narrow():
    """Weights whose calibration saw faint images alone, their file, and batches whose true flow is what the weights
    say in float: they are perfect, and only the scales are not."""
    weights = weights_of(NETWORK)
    weights = weights._replace(calibration=[0.3 * images for images in weights.calibration])
    exact = Interpreter(convert(NETWORK, weights, HEIGHT, WIDTH, int8=False))
    images = np.random.RandomState(1).uniform(-1, 1, (4, HEIGHT, WIDTH, 6)).astype("f")
    truth = np.stack([exact.flow(each) for each in images])
    return weights, convert(NETWORK, weights, HEIGHT, WIDTH), images, truth


def tuned(narrow, steps, rate=1e-4):
    weights, model, images, truth = narrow
    how = Calibration(tuning=Tuning(steps, rate))
    return fine_tuned(NETWORK, weights, model, "accumulated", CONFIG, how, [(images, truth)] * steps, CPU)


def test_a_step_lowers_the_loss_of_its_batch(narrow):
    told = tuned(narrow, 1).told
    assert told["loss_after"] < told["loss_before"]


def test_training_closes_what_narrow_ranges_opened(narrow):
    weights, model, images, truth = narrow
    found = tuned(narrow, 60, 3e-4)
    after, _ = checked_file(NETWORK, found.weights, HEIGHT, WIDTH, "accumulated", learned=found.ranges)
    before, now = (np.mean([np.abs(Interpreter(each).flow(pair) - flow).mean() for pair, flow in zip(images, truth)])
                   for each in (model, after))  # fmt: skip
    assert now < 0.5 * before
    scales = [{name: float(tensor.quantisation.scale[0]) for name, tensor in read_graph(each).tensors.items()
               if tensor.quantisation.scale.size == 1} for each in (model, after)]  # fmt: skip
    assert scales[1]["images"] == scales[0]["images"]  # what feeds the file need not know
    assert max(scales[1][name] / scales[0][name] for name in found.ranges) > 1.1


def test_it_moves_the_weights_and_leaves_the_statistics(narrow):
    weights, found = narrow[0], tuned(narrow, 1)
    assert all(found.weights.statistics[name] is pair for name, pair in weights.statistics.items())
    moved = [name for name, value in weights.trained.items() if (found.weights.trained[name] != value).any()]
    assert {name.rsplit("/", 1)[1] for name in moved} == {"kernel", "gamma", "beta"}


def test_a_rate_that_is_too_high_is_said(narrow):
    with pytest.raises(CheckFailed, match="not finite after [0-9]+ steps"):
        tuned(narrow, 3, 1e38)


def test_a_run_is_tuned_the_same_way_each_time_and_stays_what_it_is(run_settings, straight_run, tmp_path):
    folder = straight_run[-1].folder
    config = load_config(assignments=[*run_settings, f"runtime.output_root={folder.parent}"])
    kept = {path: path.read_bytes() for path in folder.glob("supernet_*")}
    steps = []

    def exported(name, rate=1e-4, verify=0):
        return export_subnet(config, EDGEFLOW.space.baseline, tmp_path / name, "best", "two-scale", True, verify,
                             calibration=Calibration(2, tuning=Tuning(3, rate)), on_step=lambda *at: steps.append(at))  # fmt: skip

    one, two = exported("1", verify=2), exported("2")
    assert one.path.read_bytes() == two.path.read_bytes()
    assert steps == [(done, 3) for done in (1, 2, 3)] * 2
    with pytest.raises(CheckFailed, match="not finite"):
        exported("3", rate=1e38)
    assert not list(tmp_path.glob("3*"))
    assert kept == {path: path.read_bytes() for path in folder.glob("supernet_*")}
    told = json.loads((tmp_path / "1.json").read_text())
    assert told["scales"].endswith("tuned in 3 steps") and told["fine_tuning"]["steps"] == 3
    assert told["fine_tuning"]["loss_after"] < told["fine_tuning"]["loss_before"]
    verified = told["verification"]
    others = [verified[name] for name in ("untuned", "tuned_in_float")]
    # All gaps are to the float graph of the run.
    assert [each["float_epe"] for each in others] == [verified["float_epe"]] * 2
    assert len({verified["float_epe"], verified["file_epe"], *(each["file_epe"] for each in others)}) == 4
