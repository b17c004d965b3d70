"""An exported file in TensorFlow Lite Micro, the runtime of the board: what it computes, and where there is none."""

import numpy as np
import pytest
from micro_stand_in import real_micro, stand_in

from efnas.core.supernet import EDGEFLOW
from efnas.errors import CheckFailed, EfnasError
from efnas.export.converter import convert
from efnas.export.host import FORMS, Interpreter
from efnas.export.micro import Beside, Micro, examine_micro, micro_at_hand
from efnas.export.networks import subnet_network
from efnas.export.weights import random_weights
from efnas.machine import NOTE

HEIGHT, WIDTH = 36, 48


@pytest.fixture(scope="module")
def files():
    """A subnet with all depths and kernels, of random weights."""
    network = subnet_network(EDGEFLOW, EDGEFLOW.space.parse("012012012"), 4)
    return {form: convert(network, random_weights(network.variables(), HEIGHT, WIDTH, 1), HEIGHT, WIDTH, form)
            for form in FORMS}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_the_board_computes_what_the_reference_kernels_do_bit_by_bit(files, form, rng):
    micro, interpreter = real_micro(), Interpreter(files[form])
    try:
        beside = Beside(micro, files[form])
        for _ in range(2):
            stored = interpreter.stored(rng.uniform(-1, 1, (HEIGHT, WIDTH, 6)))
            beside.begin(stored)
            beside.compare(interpreter.run(stored))
    finally:
        micro.close()
    values = {
        "accumulated": 48 * 48 * 2,
        "two-scale": (48 * 48 + 24 * 24) * 2,
        "packed": 19 * 24 * 8 + 19 * 24 * 2 + 12 * 12 * 2,
    }[form]
    assert beside.found[2:] == (2 * values, 0, 0)
    # Two maps of 48x48 with the channels of the last feature are there at once, and not all maps.
    assert 48 * 48 * 4 < beside.found.arena_bytes < 400_000


def test_each_value_that_differs_is_counted(files):
    maps = np.arange(24, dtype=np.int8).reshape(1, 3, 4, 2)
    other = maps.copy()
    other[0, 0, 0] += np.array([1, -3], np.int8)
    beside = Beside(stand_in(other), files["accumulated"])
    for _ in range(2):
        beside.compare([maps])
    assert beside.found[2:] == (48, 4, 3)
    with pytest.raises(CheckFailed, match="4 of 48 values differ, by up to 3 LSB"):
        beside.found.require_equal()


def test_without_the_runtime_one_line_says_so(monkeypatch):
    monkeypatch.setenv("EFNAS_TFLM", "/nowhere/python")
    said = []
    with micro_at_hand(True, said.append) as micro:
        assert micro is None
    with micro_at_hand(False, said.append) as micro:
        assert micro is None
    assert len(said) == 1 and said[0].startswith("TensorFlow Lite Micro is not at hand (looked at $EFNAS_TFLM")
    assert examine_micro().state == NOTE


def test_a_python_without_it_and_a_file_that_it_cannot_run_are_told(tmp_path, files):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    with pytest.raises(EfnasError, match=f"{python} has no TensorFlow Lite Micro"):
        Micro(python)
    python.write_text("#!/bin/sh\necho ready 1.0\necho no such operator >&2\n")
    micro = Micro(python)
    with pytest.raises(CheckFailed, match=r"TensorFlow Lite Micro 1\.0 cannot run the file: no such operator\."):
        micro.load(files["accumulated"], [(1, 48, 48, 2)])
    micro.close()
