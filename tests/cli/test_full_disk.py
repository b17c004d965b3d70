"""A disk that takes no more: one sentence, and neither a part of a file nor half of what belongs together is left.

The limit of the size of a file stands for the size of a disk: any user may set it.
"""

import os
import resource
import subprocess

import numpy as np
import pytest
from command import EFNAS
from PIL import Image
from vela_stand_in import stand_in_program

SMALL = ["--height", "32", "--width", "48", "--base-width", "4"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Three frames, a compiler, a place for the temporary files, and a network."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "frames").mkdir()
    (folder / "temporary").mkdir()
    draw = np.random.RandomState(0)
    for number in range(3):
        Image.fromarray(draw.randint(0, 255, (32, 48, 3), dtype=np.uint8)).save(folder / "frames" / f"{number}.png")
    stand_in_program(folder)
    assert limited(
        folder, 10**9, "export", "--arch", "000001000", "--skip-checkpoint", "--out", "net.tflite", *SMALL
    ) == (0, "")
    return folder


def limited(folder, size, *words):
    """Exit code and standard error of a command no file of which may be larger."""
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))  # noqa: E731
    environment = {**os.environ, "TMPDIR": str(folder / "temporary")}
    done = subprocess.run([*EFNAS, *words], capture_output=True, text=True, cwd=folder,
                          preexec_fn=limit, env=environment)  # fmt: skip
    return done.returncode, done.stderr


@pytest.mark.parametrize("size, words, what", [
    (20_000, ["export", "--arch", "111111111", "--skip-checkpoint", "--out", "net.tflite", *SMALL], "net.tflite"),
    (2_000, ["infer", "frames/0.png", "frames/1.png", "--tflite", "net.tflite", "--out", "flow.png"], "flow.png"),
    (2_000, ["infer", "frames/0.png", "frames/1.png", "--tflite", "net.tflite", "--out", "flow.flo"], "flow.flo"),
    (1_000_000, ["sweep", *SMALL, "--vela", "vela", "--verify", "4", "--method", "additive", "--out", "frames"], "frames/table.csv"),
    (20_000, ["vela-compare", "--arch", "000001000", *SMALL, "--vela", "vela", "--no-cache"], "temporary files to {}/temporary"),
    (20_000, ["sweep", *SMALL, "--vela", "vela", "--verify", "4", "--no-cache", "--out", "frames"], "temporary files to {}/temporary"),
], ids=lambda value: value[0] if isinstance(value, list) else "")  # fmt: skip
def test_it_is_said_and_nothing_is_left_half(place, size, words, what):
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file() and path.name != "runs"}
    code, said = limited(place, size, *words)
    assert (code, said.count("\n")) == (2, 1), said
    assert said.startswith(f"Error: Cannot write {what.format(place)}: File too large")
    after = {path: path.read_bytes() for path in place.rglob("*") if path.is_file() and path.name != "runs"}
    assert after == before
