"""Checkpoints: whole or not there, and never of another network."""

import json

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from efnas.errors import EfnasError
from efnas.runs.checkpoints import Checkpointer, restore
from efnas.runs.seal import checkpoint_of, read_seal, read_whole, with_ending


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
    assert restore(session, [a, b], path, {"base_width": 4}).state["epoch"] == 3
    np.testing.assert_array_equal(session.run(a), np.arange(6))
    np.testing.assert_array_equal(session.run(b), np.ones((2, 2)))


@pytest.mark.parametrize("ending", [".index", ".data-00000-of-00001"])
def test_a_flipped_byte_is_found_and_named(saved, ending):
    path = saved[0]
    file = with_ending(read_seal(path).prefix, ending)
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(bytes(raw))
    with pytest.raises(EfnasError, match=f"damaged: {file.name}"):
        read_whole(path)


def test_missing_parts_are_named(saved):
    path = saved[0]
    with_ending(read_seal(path).prefix, ".index").unlink()
    with pytest.raises(EfnasError, match="index is missing"):
        read_whole(path)
    with pytest.raises(EfnasError, match="no checkpoint"):
        read_whole(path.with_name("other.ckpt"))
    path.with_name("run.ckpt.json").write_text("{")
    with pytest.raises(EfnasError, match="its seal run.ckpt.json is not as it was written"):
        read_whole(path)


def test_a_checkpoint_of_another_network_is_refused_with_the_difference(saved):
    path, session, variables, _ = saved
    with pytest.raises(EfnasError, match="base_width is 4 there and 8 here"):
        restore(session, variables, path, {"base_width": 8})
    other = tf.get_variable("c", initializer=np.zeros(2, "f"), use_resource=True)
    with pytest.raises(EfnasError, match="does not hold c"):
        restore(session, [*variables, other], path, {})


def test_the_seal_says_what_the_checkpoint_holds(saved):
    seal = json.loads(saved[0].with_name("run.ckpt.json").read_text())
    assert seal["state"] == {"epoch": 3, "base_width": 4}
    assert set(seal["sha256"]) == {".index", ".data-00000-of-00001"}


def test_any_file_of_a_checkpoint_names_it(saved):
    path = saved[0]
    assert {checkpoint_of(file) for file in path.parent.iterdir()} == {path}
    assert checkpoint_of(path) == path


def test_a_changed_state_is_found(saved):
    seal = saved[0].with_name("run.ckpt.json")
    seal.write_text(seal.read_text().replace('"epoch": 3', '"epoch": 4'))
    with pytest.raises(EfnasError, match="not as it was written"):
        read_whole(saved[0])
