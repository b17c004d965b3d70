"""One place opens sessions, and each computes with the threads that it was asked for, whatever ran before it."""

import json
import os
import subprocess
import sys

import pytest
from conftest import PROJECT

# In how many pieces a million numbers are added up, and so the last bits of their sum, depends on the threads.
PROGRAM = """
import json, sys
from efnas.backend import open_session, select_device, tf

def last_bits(threads):
    with tf.Graph().as_default(), open_session(select_device(-1, threads)) as session:
        total = tf.reduce_sum(tf.random.stateless_uniform([1_000_003], [1, 2]))
        return float.hex(float(session.run(total)))

print(json.dumps([last_bits(int(text)) for text in sys.argv[1:]]))
"""


def sums(*threads, **environment):
    words = [sys.executable, "-c", PROGRAM, *map(str, threads)]
    done = subprocess.run(words, stdout=subprocess.PIPE, check=True, text=True, env={**os.environ, **environment})
    return json.loads(done.stdout)


def test_a_session_has_its_own_threads_whatever_ran_before():
    (one,), (four,) = sums(1), sums(4)
    if one == four:
        pytest.skip("with any number of threads this TensorFlow adds up in the same pieces")
    assert sums(4, 1, 4) == [four, one, four]
    # Control: with the pool of the process, which TensorFlow 1.15 has by default, the first session decides.
    assert sums(4, 1, TF_OVERRIDE_GLOBAL_THREADPOOL="0") == [four, four]


def test_nothing_else_opens_a_session():
    """But the one that carries messages between ranks, which computes nothing."""
    opening = {path.name for path in (PROJECT / "efnas").rglob("*.py") if "Session(" in path.read_text()}
    assert opening == {"backend.py", "ranks.py"}
