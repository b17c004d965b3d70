"""Every block of the README that is marked runnable is run, in its order, in one folder; outputs are as printed there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PROJECT
from vela_stand_in import real_vela

README = PROJECT / "README.md"
BLOCK = re.compile(r"^```(?P<kind>sh|text) runnable\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)


def commands(kind: str, body: str) -> list:
    """(command, lines that it prints) of a block; None where the block shows no output."""
    lines = body.splitlines()
    if kind == "sh":
        return [(line.split("  #")[0].strip(), None) for line in lines if line.strip()]
    found = []
    for line in lines:
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif line.strip():
            found[-1][1].append(line.rstrip())
    return found


BLOCKS = [commands(match["kind"], match["body"]) for match in BLOCK.finditer(README.read_text())]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reader")
    (folder / "configs").symlink_to(PROJECT / "configs")
    return folder


def test_there_are_such_blocks():
    run = [command for block in BLOCKS for command, _ in block]
    assert len(run) >= 12 and all(command.startswith("efnas ") for command in run)


@pytest.mark.parametrize("number", range(len(BLOCKS)), ids=lambda number: BLOCKS[number][0][0][:40])
def test_a_block_runs_and_prints_what_it_says(place, number):
    real_vela()
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for command, expected in BLOCKS[number]:
        done = subprocess.run(command, shell=True, cwd=place, env={**os.environ, "PATH": path}, text=True,
                              capture_output=True, timeout=300)  # fmt: skip
        assert done.returncode == 0, command + done.stdout + done.stderr
        if expected is not None:
            assert [line.rstrip() for line in done.stdout.splitlines() if line.strip()] == expected, command
