"""Checkpoints that are kept along a training, in a run with slices a lane and independent first values."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from conftest import events_of
from interruption import config_of, contents, stopped

from efnas.runs.manifest import read_manifest
from efnas.runs.resume import Resume
from efnas.runs.run_files import LAST, checkpoint_bytes, kept_checkpoints
from efnas.runs.seal import read_whole
from efnas.runs.supernet import supernet_of
from efnas.training.plan import prepare

SETTINGS = ["checkpoint.keep_every=2", "train.lane_batches=different", "train.first_values=independent"]


@pytest.fixture(scope="module")
def config(quick_settings, second_space, tmp_path_factory):
    return config_of([*quick_settings, *SETTINGS], tmp_path_factory.mktemp("kept"))


@pytest.fixture(scope="module")
def folder(config):
    return events_of(config)[-1].folder


def values_of(path):
    reader = tf.train.NewCheckpointReader(str(read_whole(path).prefix))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def test_they_are_of_the_epochs_asked_for(folder, quick_run):
    kept = kept_checkpoints(folder)
    assert [path.name for path in kept] == ["supernet_epoch_0002.ckpt", "supernet_epoch_0004.ckpt"]
    states = [read_whole(path).state for path in kept]
    assert [(state["epoch"], state["step"]) for state in states] == [(2, 6), (4, 12)]
    assert kept_checkpoints(quick_run[-1].folder) == []


def test_they_are_told_apart_by_their_numbers_and_not_as_text(tmp_path):
    for epoch in ("10000", "0020", "9000"):
        (tmp_path / f"supernet_epoch_{epoch}.ckpt.json").write_text("{}")
    assert [path.stem[15:] for path in kept_checkpoints(tmp_path)] == ["0020", "9000", "10000"]


def test_they_hold_the_weights_and_moving_averages_of_their_epoch_and_nothing_of_the_optimiser(folder):
    early, late = map(values_of, kept_checkpoints(folder))
    last = values_of(folder / LAST)
    assert set(early) == set(late) < set(last)
    assert {"Stem/conv/kernel", "Stem/bn/gamma", "Stem/bn/moving_variance"} < set(late)
    for name, value in late.items():
        np.testing.assert_array_equal(value, last[name], err_msg=name)
    assert np.abs(early["Stem/conv/kernel"] - late["Stem/conv/kernel"]).max() > 1e-3


def test_the_disk_that_they_need_is_counted(config):
    more, less = (checkpoint_bytes(each, supernet_of(each))
                  for each in (config, config.changed("checkpoint", keep_every=0)))  # fmt: skip
    assert more - less == 2 / 9 * less


def test_an_interrupted_run_ends_in_the_same_weights_and_keeps_the_same(folder, quick_settings, tmp_path):
    config = config_of([*quick_settings, *SETTINGS], tmp_path)
    stopped(config, step=7)
    again = events_of(config, Resume())[-1].folder
    assert contents(again) == contents(folder)
    names = [[read_whole(path).data_sha256 for path in kept_checkpoints(each)] for each in (again, folder)]
    assert names[0] == names[1] and len(set(names[0])) == 2


def test_a_training_can_begin_with_one(folder, config, tmp_path):
    other = config.changed("runtime", output_root=tmp_path)
    begun = prepare(other.changed("train", init_from=kept_checkpoints(folder)[0]))
    assert begun.beginning.sha256 == read_whole(kept_checkpoints(folder)[0]).data_sha256


def test_a_manifest_says_slices_and_first_values_only_where_they_are_not_as_ever(folder, quick_run):
    keys = {"train.lane_batches": "different", "train.first_values": "independent"}
    identity, usual = (read_manifest(each)["identity"] for each in (folder, quick_run[-1].folder))
    assert keys.items() <= identity.items() and not keys.keys() & usual.keys()
