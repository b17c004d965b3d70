"""Saving: killed, refused and failing at every step of it, and each time a whole checkpoint stands."""

import builtins
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from efnas.errors import EfnasError
from efnas.runs.checkpoints import Checkpointer, restore
from efnas.runs.seal import files_of, read_seal, read_whole

KILLS = 60
VALUES = 100_000


class Counter:
    """A "training" of one variable that holds its step everywhere, so that a mixed checkpoint shows."""

    def __init__(self, path: Path):
        self.path = path
        self.variable = tf.get_variable("weights", [VALUES], tf.float32, tf.zeros_initializer(), use_resource=True)
        self.checkpointer = Checkpointer([self.variable])
        self.value = tf.placeholder(tf.float32, [])
        self.assign = self.variable.assign(tf.fill([VALUES], self.value))

    def train(self, session, step: int) -> None:
        session.run(self.assign, {self.value: float(step)})

    def save(self, session, step: int) -> None:
        self.train(session, step)
        self.write(session, step)

    def write(self, session, step: int) -> None:
        self.checkpointer.save(session, self.path, {"step": step})

    def resume(self, session) -> int:
        return restore(session, [self.variable], self.path, {}).state["step"]


def stored(path: Path) -> np.ndarray:
    return tf.train.load_checkpoint(str(read_seal(path).prefix)).get_tensor("weights")


def train_until_killed(path: Path) -> None:
    """Go on from the checkpoint and save after every step, for ever. Runs in a process of its own."""
    try:
        with tf.Graph().as_default(), tf.Session() as session:
            counter = Counter(path)
            session.run(tf.global_variables_initializer())
            step = counter.resume(session) if path.with_name(path.name + ".json").exists() else 0
            while True:
                step += 1
                counter.save(session, step)
    finally:
        os._exit(1)


def kill_again_and_again(path: Path) -> int:
    """kill -9 at random times; each process goes on from what the one before left. Returns how many kills left traces
    of a save under way. Runs in a process of its own: one that has computed with TensorFlow cannot fork."""
    draw = random.Random(5)
    last = inside = 0
    for _ in range(KILLS):
        process = os.fork()
        if process == 0:
            train_until_killed(path)
        while not path.with_name("run.ckpt.json").exists() or read_seal(path).state["step"] <= last:
            assert os.waitpid(process, os.WNOHANG) == (0, 0), "the process ended by itself"
            time.sleep(0.001)
        time.sleep(draw.uniform(0, 0.03))
        os.kill(process, signal.SIGKILL)
        assert os.waitpid(process, 0)[1] == signal.SIGKILL
        inside += path.with_name(".run.ckpt.partial").exists() or len(files_of(path)) > 2
        step = read_whole(path).state["step"]
        assert step > last
        np.testing.assert_array_equal(stored(path), np.full(VALUES, step, "f"))
        last = step
    return inside


def test_killed_at_any_time_a_whole_checkpoint_stands_and_the_next_process_goes_on(tmp_path):
    program = f"""
import sys
from pathlib import Path
sys.path.insert(0, {os.path.dirname(__file__)!r})
from test_saving import kill_again_and_again
print(kill_again_and_again(Path({str(tmp_path / "run.ckpt")!r})))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    # The test is one of kills inside a save: most must have left traces of one.
    assert int(done.stdout) > KILLS / 2


@pytest.fixture
def saved(tmp_path):
    """A checkpoint of step 1, and the session that may save step 2 over it."""
    with tf.Graph().as_default(), tf.Session() as session:
        counter = Counter(tmp_path / "run.ckpt")
        counter.save(session, 1)
        yield counter, session


# Whatever a save does to the disk goes through one of these.
OPERATIONS = [(os, "replace"), (os, "fsync"), (os, "open"), (builtins, "open"), (Path, "mkdir"), (Path, "unlink"),
              (Path, "write_bytes"), (tf.Session, "run")]  # fmt: skip


class Disk:
    """Counts the operations of a save, and refuses one of them."""

    def __init__(self, patch, refused=None, error=None):
        self.count = 0
        for place, name in OPERATIONS:
            patch.setattr(place, name, self._counting(getattr(place, name), refused, error))

    def _counting(self, honest, refused, error):
        def operation(*arguments, **named):
            self.count += 1
            if self.count == refused:
                raise error
            return honest(*arguments, **named)

        return operation


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), OSError(5, "Input/output error")])
def test_a_fault_at_any_operation_of_a_save_loses_nothing(saved, error):
    counter, session = saved
    counter.train(session, 2)
    with pytest.MonkeyPatch.context() as patch:
        operations = Disk(patch)
        counter.write(session, 2)
    assert operations.count > 10
    step, told = 2, 0
    for refused in range(1, operations.count + 1):
        step += 1
        counter.train(session, step)
        with pytest.MonkeyPatch.context() as patch:
            Disk(patch, refused, error)
            try:
                counter.write(session, step)
            except EfnasError as refusal:
                assert error.strerror in str(refusal)
                told += 1
        found = read_whole(counter.path).state["step"]
        assert found in (step - 1, step), f"operation {refused}"
        np.testing.assert_array_equal(stored(counter.path), np.full(VALUES, found, "f"))
        step += 1
        counter.save(session, step)
        assert read_whole(counter.path).state["step"] == step
        assert len(list(counter.path.parent.iterdir())) == 3  # nothing of a failed save is left
    assert told > operations.count / 2


def test_a_full_disk_is_one_sentence_and_the_old_checkpoint_stays(tmp_path):
    """A disk of 1 MB: one checkpoint of 0.4 MB and the next fit, a third file does not."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(disk)], stderr=subprocess.DEVNULL
    )
    if not mounted or mounted.returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        with tf.Graph().as_default(), tf.Session() as session:
            counter = Counter(disk / "run.ckpt")
            counter.save(session, 1)
            counter.save(session, 2)
            (disk / "other").write_bytes(bytes(300_000))
            with pytest.raises(EfnasError, match="Cannot save the checkpoint"):
                counter.save(session, 3)
            assert read_whole(counter.path).state["step"] == 2
            np.testing.assert_array_equal(stored(counter.path), np.full(VALUES, 2, "f"))
            (disk / "other").unlink()
            counter.save(session, 4)
            assert read_whole(counter.path).state["step"] == 4
    finally:
        subprocess.run(["umount", str(disk)], check=True)
