"""The pages that users read: every block marked runnable is run and prints what it says, links lead somewhere, and what
is made from the program is current."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PROJECT
from vela_stand_in import real_vela

from efnas.backend import tensorflow_series

PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(?P<kind>sh|text) runnable\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!http)([^)#]+)")


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


BLOCKS = [(page.stem, commands(match["kind"], match["body"]))
          for page in PAGES for match in BLOCK.finditer(page.read_text())]  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """One folder for all blocks: later ones use what earlier ones made."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / "configs").symlink_to(PROJECT / "configs")
    return folder


def test_there_are_such_blocks():
    run = [command for _, block in BLOCKS for command, _ in block]
    assert len(run) >= 12 and all(command.startswith("efnas ") for command in run)
    assert {"README", "commands"} <= {page for page, _ in BLOCKS}


@pytest.mark.parametrize(
    "number", range(len(BLOCKS)), ids=lambda number: f"{BLOCKS[number][0]}: {BLOCKS[number][1][0][0][:40]}"
)
def test_a_block_runs_and_prints_what_it_says(place, number):
    real_vela()
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for command, expected in BLOCKS[number][1]:
        done = subprocess.run(command, shell=True, cwd=place, env={**os.environ, "PATH": path}, text=True,
                              capture_output=True, timeout=300)  # fmt: skip
        assert done.returncode == 0, command + done.stdout + done.stderr
        # The converter of another TensorFlow writes files of another size.
        if expected is not None and (tensorflow_series() == "1.15" or " export " not in command):
            assert [line.rstrip() for line in done.stdout.splitlines() if line.strip()] == expected, command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_and_the_files_that_are_named_are_there(page):
    text = page.read_text()
    for link in LINK.findall(text):
        assert (page.parent / link).exists(), link
    for name in re.findall(r"`((?:efnas|tests|configs|docs)/[\w/.-]+)`", text):
        assert (PROJECT / name).exists(), name


def test_the_page_of_the_configuration_is_what_the_configuration_says_of_itself():
    """`make generated` writes it."""
    page = runpy.run_path(str(PROJECT / "docs" / "make_configuration.py"))["page"]()
    assert (PROJECT / "docs" / "configuration.md").read_text() == page


def test_every_command_has_its_place():
    from efnas.cli.app import COMMANDS

    told, table = (PROJECT / "docs" / "commands.md").read_text(), (PROJECT / "README.md").read_text()
    for name in COMMANDS:
        assert re.search(rf"^## .*efnas {name}\b", told, re.MULTILINE), name
        assert re.search(rf"`(efnas )?{name}\b", table), name
