"""A training that begins with another run's weights (`train.init_from`)."""

import csv
import shutil

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from conftest import events_of
from interruption import config_of, contents, copied, stopped

from efnas.errors import EfnasError
from efnas.runs.history import PER_ARCH
from efnas.runs.listing import read_run
from efnas.runs.manifest import read_manifest
from efnas.runs.resume import NotTheSameRun, Resume
from efnas.runs.run_files import BEST, EVALUATIONS, LAST
from efnas.runs.seal import read_seal
from efnas.training.events import Evaluated
from efnas.training.loop import run_training
from efnas.training.plan import prepare


@pytest.fixture(scope="module")
def source(quick_run):
    """The folder of a finished run."""
    return quick_run[-1].folder


def tuned(quick_settings, source, root, *more):
    """A training of one epoch with that run's weights, on the same data."""
    return config_of(quick_settings, root, f"train.init_from={source}", "train.num_epochs=1", "train.lr=1e-9",
                     "train.weight_decay=0", "eval.full_every=0", *more)  # fmt: skip


@pytest.fixture(scope="module")
def begun(quick_settings, source, tmp_path_factory):
    config = tuned(quick_settings, source, tmp_path_factory.mktemp("begun"))
    return config, events_of(config)


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_the_start_is_evaluated_and_recorded_as_epoch_0(begun, source):
    """Its errors are those that the other run's best checkpoint had: weights and recalibration are the same."""
    config, events = begun
    folder, best = config.runtime.run_folder, read_seal(source / BEST).state
    start, end = (event for event in events if isinstance(event, Evaluated))
    assert (start.milestone.epoch, start.milestone.step, end.milestone.epoch) == (0, 0, 1)
    assert start.figures["mean"] == best["best"]
    assert [row["epoch"] for row in rows_of(folder / EVALUATIONS)] == ["0", "1"]
    of_source = {
        row["arch"]: row["epe"]
        for row in rows_of(source / PER_ARCH)
        if int(row["epoch"]) == best["epoch"] and row["kind"] == "quick"
    }
    assert "begun with the weights of" in (folder / "train.log").read_text()
    assert {row["arch"]: row["epe"] for row in rows_of(folder / PER_ARCH) if row["epoch"] == "0"} == of_source


def test_weights_and_moving_averages_are_taken_and_adam_begins_at_zero(quick_settings, source, tmp_path):
    """As the checkpoint says that the run saves after its start was evaluated."""
    config = tuned(quick_settings, source, tmp_path)
    stopped(config, evaluation=0)
    ours, theirs = (tf.train.load_checkpoint(str(read_seal(path).prefix))
                    for path in (config.runtime.run_folder / LAST, source / BEST))  # fmt: skip
    names = set(ours.get_variable_to_shape_map())
    slots = {name for name in names if name.endswith(("/Adam", "/Adam_1"))}
    assert slots and any("moving_variance" in name for name in names)
    for name in names - {"beta1_power", "beta2_power"}:
        value = ours.get_tensor(name)
        np.testing.assert_array_equal(value, 0.0 if name in slots else theirs.get_tensor(name), err_msg=name)
    assert any(np.abs(theirs.get_tensor(name)).max() > 0 for name in slots)


def test_a_stop_at_the_start_and_a_source_that_is_gone_change_nothing(quick_settings, source, begun, tmp_path):
    moved = copied(source, tmp_path) / source.name
    config = tuned(quick_settings, moved, tmp_path / "runs")
    assert stopped(config, evaluation=0)["step"] == 0
    shutil.rmtree(moved)
    assert events_of(config, Resume())[-1].steps == 3
    assert contents(config.runtime.run_folder) == contents(begun[0].runtime.run_folder)


def test_the_weights_are_part_of_what_the_run_is(quick_settings, source, begun):
    config, _ = begun
    manifest = read_manifest(config.runtime.run_folder)
    assert manifest["identity"]["train.init_from_sha256"] == read_seal(source / BEST).data_sha256
    assert manifest["place"]["train.init_from"] == str(source)
    without = config_of(quick_settings, config.runtime.output_root, "train.num_epochs=1", "train.lr=1e-9",
                        "train.weight_decay=0", "eval.full_every=0")  # fmt: skip
    with pytest.raises(NotTheSameRun, match="init_from_sha256 differs"):
        events_of(without, Resume())


def test_a_start_that_stays_the_best_is_shown_as_such(quick_settings, source, tmp_path):
    config = tuned(quick_settings, source, tmp_path, "train.lr=0.5", "train.grad_clip_global_norm=0")
    end = events_of(config)[-1]
    assert end.best_epoch == 0
    told = read_run(config.runtime.run_folder).as_dict()
    assert (told["best_epe"], told["best_epoch"]) == (end.best, 0)


def test_a_run_is_not_replaced_by_one_that_begins_with_it(quick_settings, source, tmp_path):
    root = copied(source, tmp_path)
    with pytest.raises(EfnasError, match="which the run would replace"):
        events_of(tuned(quick_settings, root / "supernet", root), overwrite=True)
    assert contents(root / "supernet") == contents(source)


def test_a_source_that_changes_before_the_first_step_is_noticed(quick_settings, source, begun, tmp_path):
    """Else the run would say that it began with other weights than it did."""
    moved, other = copied(source, tmp_path) / source.name, begun[0].runtime.run_folder
    plan = prepare(tuned(quick_settings, moved, tmp_path / "runs"))
    assert read_seal(other / LAST).data_sha256 != read_seal(moved / BEST).data_sha256
    for file in other.glob("supernet_last*"):
        shutil.copy(file, moved / file.name.replace("_last", "_best"))
    with pytest.raises(EfnasError, match="has changed since"):
        list(run_training(plan))


def test_what_cannot_be_begun_with_is_one_sentence(quick_settings, source, tmp_path):
    (tmp_path / "empty").mkdir()
    for named, more, message in ((tmp_path / "absent", (), "absent"), (tmp_path / "empty", (), "no checkpoint in"),
                                 (source, ("network.base_width=6",), "base_width is 4 there and 6 here")):  # fmt: skip
        with pytest.raises(EfnasError, match=message):
            prepare(tuned(quick_settings, named, tmp_path / "runs", *more))
    assert not (tmp_path / "runs").exists()
