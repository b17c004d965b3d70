"""A subnet or the baseline that is trained alone goes through the same loop, data, checkpoints and resume as a supernet."""

import csv
import json

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from conftest import events_of
from interruption import config_of, contents, copied, stopped
from small_supernet import SMALL

from efnas.core import supernet
from efnas.core.alone import alone
from efnas.core.costs import supernet_variables
from efnas.core.supernet import EDGEFLOW
from efnas.errors import EfnasError
from efnas.evaluation.ranking import subnet_errors
from efnas.runs.history import FAIRNESS, REPORT
from efnas.runs.manifest import manifest_of_config, read_manifest
from efnas.runs.resume import NotTheSameRun, Resume, check_resume
from efnas.runs.run_files import BEST, EVALUATIONS, LAST
from efnas.runs.seal import read_seal, write_seal
from efnas.runs.supernet import supernet_of
from efnas.training import loop
from efnas.training.events import Evaluated
from efnas.training.plan import prepare

ARCH = EDGEFLOW.space.parse("120210121")
CODE = str(ARCH)


def alone_of(run_settings, root, arch=CODE, *more):
    """Two epochs of three steps."""
    return config_of(run_settings, root, f"train.arch='{arch}'", "train.num_epochs=2", "eval.full_every=0", *more)


@pytest.fixture(scope="module")
def straight(run_settings, tmp_path_factory):
    config = alone_of(run_settings, tmp_path_factory.mktemp("straight"))
    return config.runtime.run_folder, events_of(config)


def checkpoint_of(folder, which=LAST):
    return tf.train.load_checkpoint(str(read_seal(folder / which).prefix))


def test_its_checkpoint_holds_its_variables_alone_and_says_whose_they_are(straight):
    folder, events = straight
    assert events[-1].steps == 6 and read_seal(folder / LAST).state["arch"] == CODE
    names, wanted = (
        set(checkpoint_of(folder).get_variable_to_shape_map()),
        set(supernet_variables(alone(EDGEFLOW, ARCH), 4)),
    )
    slots = {f"{name}/{slot}" for name in wanted for slot in ("Adam", "Adam_1")}
    moving = {f"{name[:-len('/gamma')]}/moving_{kind}" for name in wanted if name.endswith("/gamma")
              for kind in ("mean", "variance")}  # fmt: skip
    assert names == wanted | slots | moving | {"beta1_power", "beta2_power"}
    assert "EB0/depth2/block1/conv1/kernel" in names and "EB0/depth1/block1/conv1/kernel" not in names
    assert all(np.abs(checkpoint_of(folder).get_tensor(f"{name}/Adam")).max() > 0 for name in wanted)


def test_what_it_is_stands_in_its_manifest_and_its_pages_say_nothing_of_others(straight):
    folder, _ = straight
    identity = read_manifest(folder)["identity"]
    assert identity["train.arch"] == CODE and "network.arch" not in identity
    assert (
        json.loads((folder / "eval_pool_1.json").read_text()) == {"pool": [CODE]} and not (folder / FAIRNESS).exists()
    )
    with open(folder / EVALUATIONS, newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["epoch"], row["baseline_epe"], row["fairness_gap"], row["std_epe_1"]) for row in rows] == [
        ("1", "", "", "0"), ("2", "", "", "0")]  # fmt: skip
    report = (folder / REPORT).read_text()
    assert f"It trained the subnet {CODE} alone." in report
    assert not any(word in report for word in ("airness", "spread", "subnets", "baseline"))


@pytest.fixture(scope="module")
def interrupted(run_settings, tmp_path_factory):
    """A run that was stopped in the middle of the second epoch."""
    config = alone_of(run_settings, tmp_path_factory.mktemp("interrupted"))
    assert stopped(config, step=4)["step"] == 4
    return config.runtime.run_folder


def test_interrupted_it_ends_as_it_does_uninterrupted(straight, interrupted, run_settings, tmp_path):
    config = alone_of(run_settings, copied(interrupted, tmp_path))
    assert events_of(config, Resume())[-1].steps == 6
    assert contents(config.runtime.run_folder) == contents(straight[0])


def test_control_another_order_of_the_data_after_the_interruption_shows(
    straight, interrupted, run_settings, tmp_path, monkeypatch
):
    config, honest = alone_of(run_settings, copied(interrupted, tmp_path)), loop.training_plan
    monkeypatch.setattr(loop, "training_plan", lambda seed, *more: honest(seed + 1, *more))
    events_of(config, Resume())
    found, wanted = contents(config.runtime.run_folder), contents(straight[0])
    assert found[LAST][1] != wanted[LAST][1] and found[EVALUATIONS] != wanted[EVALUATIONS]


def test_it_is_another_run_than_a_supernet_and_than_another_subnet(straight, run_settings, straight_run):
    folder, _ = straight
    for arch in ("000001000", "baseline"):
        with pytest.raises(NotTheSameRun, match="train.arch differs"):
            events_of(alone_of(run_settings, folder.parent, arch), Resume())
        with pytest.raises(EfnasError, match="train.arch cannot change"):
            events_of(alone_of(run_settings, folder.parent, arch), Resume(allow=["train.arch"]))
    with pytest.raises(NotTheSameRun, match="train.arch"):
        events_of(alone_of(run_settings, straight_run[-1].folder.parent, CODE), Resume(schedule="keep"))
    assert read_manifest(folder)["identity"]["train.arch"] == CODE


def test_a_code_is_kept_in_one_form_however_it_was_written(run_settings, tmp_path):
    for written in ("000001000", "0,0,0,0,0,1,0,0,0", "#27"):
        plan = prepare(alone_of(run_settings, tmp_path, written))
        assert plan.config.train.arch == plan.manifest["identity"]["train.arch"] == "0,0,0,0,0,1,0,0,0"
    assert prepare(alone_of(run_settings, tmp_path, "baseline")).manifest["identity"]["train.arch"] == "baseline"


def test_a_supernet_is_the_run_that_it_was_before_others_were_trained(run_settings, straight_run, tmp_path):
    """Neither its manifest nor its checkpoints need to say that they are of no subnet alone."""
    config = config_of(run_settings, copied(straight_run[-1].folder, tmp_path))
    assert "train.arch" not in manifest_of_config(config)["identity"]
    folder = config.runtime.run_folder
    assert not [key for key in read_manifest(folder)["identity"] if key.endswith("arch")]
    known = subnet_errors(config, "last", [ARCH], lambda done, total: None).epe
    for name in (BEST, LAST):
        seal = read_seal(folder / name)
        state = {key: value for key, value in seal.state.items() if key != "arch"}
        assert len(state) == len(seal.state) - 1
        write_seal(folder / name, state, seal.prefix.name.rsplit(".", 1)[1], seal.sha256)
    assert subnet_errors(config, "last", [ARCH], lambda done, total: None).epe == known
    assert [event.seconds for event in events_of(config, Resume())] == [0.0]  # it knows that it was finished
    longer = prepare(config_of(run_settings, tmp_path, "train.num_epochs=5"), Resume(schedule="extend"))
    assert check_resume(folder, longer.manifest, Resume(schedule="extend")).progress.step == 12


@pytest.fixture(scope="module")
def begun(run_settings, straight_run, tmp_path_factory):
    """A training of the subnet that begins with a supernet's weights, stopped before its first step."""
    source = straight_run[-1].folder
    config = alone_of(
        run_settings, tmp_path_factory.mktemp("begun"), CODE, f"train.init_from={source}", "train.num_epochs=1"
    )
    return config, source, stopped(config, evaluation=0)


def test_it_begins_with_the_weights_and_averages_of_a_supernet_and_adam_at_zero(begun):
    config, source, state = begun
    assert state["step"] == 0
    ours, theirs = checkpoint_of(config.runtime.run_folder), checkpoint_of(source, BEST)
    shapes = ours.get_variable_to_shape_map()
    for name in set(shapes) - {"beta1_power", "beta2_power"}:
        value = 0.0 if name.endswith(("/Adam", "/Adam_1")) else theirs.get_tensor(name)
        np.testing.assert_array_equal(ours.get_tensor(name), value, err_msg=name)
    assert any(name.endswith("moving_variance") for name in shapes)
    assert any(np.abs(theirs.get_tensor(name)).max() > 0 for name in shapes if name.endswith("/Adam"))


def test_its_start_is_recorded_with_the_error_that_the_subnet_has_in_the_supernet(begun, run_settings, tmp_path):
    config, source, _ = begun
    events = [event for event in events_of(config, Resume()) if isinstance(event, Evaluated)]
    assert [event.milestone.epoch for event in events] == [0, 1]
    in_supernet = subnet_errors(config_of(run_settings, source.parent), "best", [ARCH], lambda done, total: None)
    assert events[0].figures["mean"] == pytest.approx(in_supernet.epe[ARCH], rel=1e-6)
    again = alone_of(run_settings, tmp_path, CODE, f"train.init_from={config.runtime.run_folder}")
    assert prepare(again).beginning.network["arch"] == CODE


@pytest.mark.parametrize("arch, why", [
    ("baseline", "of a supernet, which has no E0/kernel: the baseline can begin with a run that trained it alone"),
    ("000000000", "arch is '1,2,0,2,1,0,1,2,1' there and '0,0,0,0,0,0,0,0,0' here"),
    ("", "arch is '1,2,0,2,1,0,1,2,1' there and None here")])  # fmt: skip
def test_what_it_cannot_begin_with_is_one_sentence(arch, why, straight, straight_run, run_settings, tmp_path):
    source = straight_run[-1].folder if arch == "baseline" else straight[0]
    config = alone_of(run_settings, tmp_path, arch or CODE, f"train.init_from={source}")
    if not arch:
        config = config_of(run_settings, tmp_path, f"train.init_from={source}")
    with pytest.raises(EfnasError, match=why):
        prepare(config)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arch", ["0,1,1,1,0", "baseline"])
def test_networks_of_a_second_space_are_trained_alone_too(arch, run_settings, tmp_path, monkeypatch):
    monkeypatch.setitem(supernet.SUPERNETS, SMALL.name, SMALL)
    config = alone_of(run_settings, tmp_path, arch, "network.name=small", "train.num_epochs=1")
    assert stopped(config, step=2)["arch"] == arch
    events = events_of(config, Resume())
    assert events[-1].steps == 3 and np.isfinite(events[-1].best)
    names = set(checkpoint_of(config.runtime.run_folder).get_variable_to_shape_map())
    assert set(supernet_variables(supernet_of(config), 4)) < names
    assert ("Fine/kernel" in names) == (arch == "baseline") == ("Fine/kernel1/kernel" not in names)


def test_the_error_of_the_baseline_cannot_decide_over_another_network(run_settings, tmp_path):
    with pytest.raises(EfnasError, match="best_metric: baseline"):
        prepare(alone_of(run_settings, tmp_path, CODE, "eval.best_metric=baseline"))
