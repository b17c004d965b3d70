"""Two TensorFlows, one run: what one has begun the other goes on with, when it is told to, and both read all of it."""

import numpy as np
import pytest
from command import EFNAS_WITH_SMALL, efnas
from conftest import PROJECT
from interruption import config_of, copied, stopped
from other_runtime import other_runtime

from efnas.backend import tensorflow_series
from efnas.data.flow_files import read_flo
from efnas.runs.manifest import SERIES, read_manifest


@pytest.fixture(scope="module")
def begun(quick_settings, second_space, tmp_path_factory):
    """The folder of a run that was stopped here in its second epoch."""
    config = config_of(quick_settings, tmp_path_factory.mktemp("begun"))
    stopped(config, step=4)
    return config.runtime.run_folder


@pytest.fixture(scope="module")
def ended(begun, tmp_path_factory):
    """The folder of that run, ended by the other runtime."""
    _, other = other_runtime()
    root = copied(begun, tmp_path_factory.mktemp("ended"))
    efnas("train", "--resume", "--output-root", root, "--allow", SERIES, "--json", command=other, cwd=PROJECT)
    return root / begun.name


def test_another_runtime_goes_on_only_when_it_is_allowed_to(begun):
    series, other = other_runtime()
    refused = efnas("train", "--resume", "--output-root", begun.parent, code=2, command=other, cwd=PROJECT)
    assert SERIES in refused.stderr and tensorflow_series() in refused.stderr and series in refused.stderr
    assert read_manifest(begun)["history"] == []


def test_the_run_remembers_that_it_changed_the_runtime(ended):
    series, _ = other_runtime()
    (entry,) = read_manifest(ended)["history"]
    assert entry["changed"] == {SERIES: [tensorflow_series(), series]} and entry["step"] == 4


def test_it_ends_where_one_runtime_alone_does(ended, quick_run):
    errors = [np.genfromtxt(folder / "eval_epe_history.csv", delimiter=",", names=True)["mean_epe_6"]
              for folder in (ended, quick_run[-1].folder)]  # fmt: skip
    assert len(errors[0]) == len(errors[1])
    np.testing.assert_allclose(*errors, rtol=0.01)


def test_a_checkpoint_predicts_the_same_flow_on_both(ended, small_chairs, tmp_path):
    _, other = other_runtime()
    pair = [small_chairs / "val" / f"0000012-img_{number}.png" for number in (0, 1)]
    flows = []
    for name, command in (("here", EFNAS_WITH_SMALL), ("there", other)):
        out = tmp_path / f"{name}.flo"
        efnas("infer", *pair, "--arch", "01101", "--output-root", ended.parent, "--out", out, "--json", command=command,
              cwd=PROJECT)  # fmt: skip
        flows.append(read_flo(out))
    assert np.abs(flows[0]).max() > 1e-2
    np.testing.assert_allclose(*flows, atol=1e-4)


def test_figures_that_only_round_otherwise_are_shown_and_do_not_block(ended):
    tuning = read_manifest(ended)["tuning"]
    assert isinstance(tuning["computing.onednn"], bool) and isinstance(tuning["computing.own_gradients"], bool)
