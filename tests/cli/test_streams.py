"""Where the answer goes: a full disk and a closed stream end in a sentence or in nothing, never in a traceback."""

import os
import subprocess

import pytest
from command import EFNAS


def run(words, stdout=None, closed=()):
    """Exit code and standard error of a command, some of whose streams are closed."""
    close = lambda: [os.close(number) for number in closed]  # noqa: E731
    done = subprocess.run([*EFNAS, *words], stdout=stdout, stderr=subprocess.PIPE, text=True, preexec_fn=close)
    return done.returncode, done.stderr


COMMANDS = [
    ["codec", "show", "000001000"],
    ["codec", "show", "000001000", "--json"],
    ["--help"],
    ["codec", "encode", "EB0=2"],
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_full_disk_is_one_sentence(words):
    with open("/dev/full", "w") as full:
        assert run(words, full) == (2, "Error: Cannot write the answer: No space left on device.\n")


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_closed_streams_are_streams_to_nowhere(words):
    assert run(words, closed=[1]) == (0, "")
    assert run(words, subprocess.DEVNULL, closed=[1, 2]) == (0, "")
    assert run(["codec", "show", "9"], subprocess.DEVNULL, closed=[0, 1, 2])[0] == 2
