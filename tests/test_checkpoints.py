"""Checkpoints: whole or not there, and never of another network."""

import json

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from efnas.core import checkpoints
from efnas.core.checkpoints import Checkpointer, read_state, restore
from efnas.errors import EfnasError


@pytest.fixture
def saved(graph, tmp_path):
    """A checkpoint of two variables, its path, and the open session."""
    a = tf.get_variable("a", initializer=np.arange(6, dtype="f"), use_resource=True)
    b = tf.get_variable("b/kernel", initializer=np.ones((2, 2), "f"), use_resource=True)
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    path = tmp_path / "run.ckpt"
    checkpointer = Checkpointer([a, b])
    checkpointer.save(session, path, {"epoch": 3, "base_width": 4})
    return path, session, [a, b], checkpointer


def test_what_was_saved_is_restored(saved):
    path, session, (a, b), _ = saved
    session.run([a.assign(tf.zeros([6])), b.assign(tf.zeros([2, 2]))])
    assert restore(session, [a, b], path, {"base_width": 4})["epoch"] == 3
    np.testing.assert_array_equal(session.run(a), np.arange(6))
    np.testing.assert_array_equal(session.run(b), np.ones((2, 2)))


@pytest.mark.parametrize("ending", [".index", ".data-00000-of-00001"])
def test_a_flipped_byte_is_found_and_named(saved, ending):
    path = saved[0]
    file = path.with_name(path.name + ending)
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(bytes(raw))
    with pytest.raises(EfnasError, match="damaged: run.ckpt" + ending):
        read_state(path)


def test_missing_parts_are_named(saved):
    path = saved[0]
    path.with_name("run.ckpt.index").unlink()
    with pytest.raises(EfnasError, match="run.ckpt.index is missing"):
        read_state(path)
    with pytest.raises(EfnasError, match="no checkpoint"):
        read_state(path.with_name("other.ckpt"))
    path.with_name("run.ckpt.json").write_text("{")
    with pytest.raises(EfnasError, match="cannot be read"):
        read_state(path)


def test_a_checkpoint_of_another_network_is_refused_with_the_difference(saved):
    path, session, variables, _ = saved
    with pytest.raises(EfnasError, match="base_width is 4 there and 8 here"):
        restore(session, variables, path, {"base_width": 8})
    other = tf.get_variable("c", initializer=np.zeros(2, "f"), use_resource=True)
    with pytest.raises(EfnasError, match="does not hold c"):
        restore(session, [*variables, other], path, {})


@pytest.mark.parametrize("broken", ["_sha256", "_sync", "_require_variables"])
def test_a_failing_save_leaves_the_old_checkpoint(saved, monkeypatch, broken):
    path, session, (a, b), checkpointer = saved

    def fail(*_):
        raise OSError(28, "No space left on device")

    session.run(a.assign(tf.zeros([6])))
    monkeypatch.setattr(checkpoints, broken, fail)
    with pytest.raises(EfnasError, match="No space left"):
        checkpointer.save(session, path, {"epoch": 4, "base_width": 4})
    monkeypatch.undo()
    assert restore(session, [a, b], path, {})["epoch"] == 3
    np.testing.assert_array_equal(session.run(a), np.arange(6))
    assert sorted(file.name for file in path.parent.iterdir()) == [
        "run.ckpt.data-00000-of-00001", "run.ckpt.index", "run.ckpt.json"]  # fmt: skip


def test_the_seal_says_what_the_checkpoint_holds(saved):
    seal = json.loads(saved[0].with_name("run.ckpt.json").read_text())
    assert seal["state"] == {"epoch": 3, "base_width": 4}
    assert set(seal["sha256"]) == {".index", ".data-00000-of-00001"}
