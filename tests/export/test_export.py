"""INT8 export: the file is the subnet, all of it INT8, and computes what the float graph computes."""

import json

import numpy as np
import pytest
from conftest import events_of
from importlib_metadata import version
from micro_stand_in import stand_in
from tflite_runtime.interpreter import Interpreter as Runtime
from tflite_runtime.interpreter import OpResolverType

from efnas.config_files import load_config
from efnas.core.costs import subnet_costs
from efnas.core.supernet import EDGEFLOW
from efnas.errors import CheckFailed, EfnasError
from efnas.export.content import read_content, require_int8, require_network
from efnas.export.converter import convert
from efnas.export.host import FORMS, Interpreter
from efnas.export.networks import baseline_network, subnet_network
from efnas.export.subnet import export_subnet
from efnas.export.weights import random_weights

FLOW_SPACE = EDGEFLOW.space
ARCH = FLOW_SPACE.parse("120210120")
HEIGHT, WIDTH, BASE_WIDTH = 36, 48, 4
NETWORK = subnet_network(EDGEFLOW, ARCH, BASE_WIDTH)


def weights(seed=1):
    return random_weights(NETWORK.variables(), HEIGHT, WIDTH, seed)


@pytest.fixture(scope="module")
def files():
    """The same random subnet in all forms, INT8 and float32."""
    return {(form, int8): convert(NETWORK, weights(), HEIGHT, WIDTH, form, int8)
            for form in FORMS for int8 in (True, False)}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_an_int8_file_is_int8_throughout_and_the_subnet_it_says(files, form):
    content = read_content(files[form, True])
    require_int8(content)
    require_network(content, NETWORK, HEIGHT, WIDTH, form)
    assert set(content.tensor_types) == {"INT8", "INT32"}
    assert {port.type for port in content.inputs + content.outputs} == {"INT8"}


@pytest.mark.parametrize("form, shapes", [
    ("accumulated", [[1, 48, 48, 2]]),
    ("two-scale", [[1, 24, 24, 2], [1, 48, 48, 2]]),
    ("packed", [[1, 19, 24, 8], [1, 20, 24, 2], [1, 12, 12, 2]]),
])  # fmt: skip
def test_sizes_of_the_outputs(files, form, shapes):
    for int8 in (True, False):
        assert [port.shape for port in read_content(files[form, int8]).outputs] == shapes


@pytest.mark.parametrize("form, sums", [("accumulated", {"Sum1", "Sum2"}), ("two-scale", {"Sum2"}), ("packed", set())])
def test_every_operator_can_be_traced_to_its_block(files, form, sums):
    stages = {name.split("/")[0] for _, name, _ in read_content(files[form, True]).operators}
    blocks = {block.name for block in FLOW_SPACE.blocks}
    assert stages == blocks | sums | {"E0", "E1", "Down1", "Down2", "Up1", "Up2"}


def test_float_and_another_subnet_are_refused(files):
    content = read_content(files["accumulated", False])
    with pytest.raises(CheckFailed, match="FLOAT32"):
        require_int8(content)
    with pytest.raises(CheckFailed, match="not bilinear_baseline"):
        require_network(content, baseline_network(EDGEFLOW, BASE_WIDTH), HEIGHT, WIDTH, "accumulated")
    assert content.convolution_macs == subnet_costs(EDGEFLOW, ARCH, HEIGHT, WIDTH, BASE_WIDTH).total.macs


def test_all_forms_give_the_same_flow_and_int8_is_close_to_float(files):
    images = weights().calibration[0][0]
    flow = {key: Interpreter(model).flow(images) for key, model in files.items()}
    exact = flow["accumulated", False]
    assert exact.shape == (HEIGHT, WIDTH, 2)
    length = np.abs(exact).mean()
    np.testing.assert_allclose(flow["two-scale", False], exact, atol=1e-4 * length)
    inside = np.s_[16:-2, 16:-16]  # a packed file is the network up to the border
    np.testing.assert_allclose(flow["packed", False][inside], exact[inside], atol=1e-4 * length)
    for form in FORMS:
        assert np.abs(flow[form, True] - exact).mean() < 0.15 * length


def test_int8_is_computed_by_the_reference_kernels_which_others_differ_from(files):
    model, images = files["accumulated", True], weights().calibration[0][0]
    own = Interpreter(model)
    (found,) = own.run(own.stored(images))
    outputs = {}
    reference, *others = (
        getattr(OpResolverType, f"BUILTIN{kind}") for kind in ("_REF", "_WITHOUT_DEFAULT_DELEGATES", "")
    )
    for kernels in (reference, *others):
        runtime = Runtime(model_content=model, experimental_op_resolver_type=kernels)
        runtime.allocate_tensors()
        runtime.set_tensor(runtime.get_input_details()[0]["index"], own.stored(images))
        runtime.invoke()
        outputs[kernels] = runtime.get_tensor(runtime.get_output_details()[0]["index"])
    np.testing.assert_array_equal(found, outputs[reference])
    if version("tflite-runtime") == "2.11.0":  # those of 2.14 differ no more
        assert any((found != outputs[kernels]).any() for kernels in others)


def test_random_weights_depend_on_seed_and_name_alone():
    one, same, other = weights(1), weights(1), weights(2)
    for name, value in one.trained.items():
        np.testing.assert_array_equal(value, same.trained[name])
        assert name.endswith(("gamma", "beta")) or (value != other.trained[name]).any()
    kernel = one.trained["E0/conv/kernel"]
    assert np.abs(kernel).max() <= np.sqrt(6 / (49 * 6 + 49 * BASE_WIDTH))
    assert "timing only" in one.source["warning"]


def test_a_trained_subnet_is_exported_described_and_verified(small_settings, tmp_path):
    config = load_config(assignments=[*small_settings, "train.num_epochs=3"])
    events_of(config)
    out = tmp_path / "subnet.tflite"
    # No gap is below -100 %: the layers are named, whatever it is.
    done = export_subnet(config, ARCH, out, "best", "accumulated", int8=True, verify=4, max_gap=-1.0)
    told = json.loads((tmp_path / "subnet.tflite.json").read_text())
    assert told == json.loads(json.dumps(done.description))
    assert (told["arch"], told["type"], told["source"]["epoch"] >= 1) == (str(ARCH), "int8", True)
    assert len(told["source"]["checkpoint_sha256"]) == 64
    assert told["source"]["calibration"].startswith("16 training images")
    assert done.verification.pairs == 4
    layers = told["verification"]["layers"]
    assert {"images", "E0/Relu", "Sum1/add"} < {each["layer"] for each in layers}
    assert layers[0]["mean"] == max(each["mean"] for each in layers)
    assert told["verification"]["gap_low"] <= told["verification"]["gap"] <= told["verification"]["gap_high"]
    assert told["verification"]["kernels"] == "TensorFlow Lite's reference kernels"
    assert abs(done.verification.gap.mean) < 0.1
    assert read_content(out.read_bytes()).outputs[0].scale == told["outputs"][0]["scale"]
    wrong = out.with_name("wrong.tflite")
    with pytest.raises(CheckFailed, match="values differ, by up to [0-9]+ LSB"):
        export_subnet(config, ARCH, wrong, "best", "accumulated", True, 1, micro=stand_in(np.zeros((1, 32, 48, 2))))
    assert not wrong.exists()
    with pytest.raises(EfnasError, match="base_width is 4 there and 8 here"):
        wider = load_config(assignments=[*small_settings, "network.base_width=8"])
        export_subnet(wider, ARCH, tmp_path / "wrong.tflite", "best", "accumulated", int8=True)
    with pytest.raises(EfnasError, match="no folder"):
        export_subnet(config, ARCH, tmp_path / "nowhere" / "x.tflite", None, "accumulated", int8=True)
    assert not (tmp_path / "wrong.tflite").exists()
