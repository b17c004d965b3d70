"""Whose gradients of convolutions a training takes: as it is set, or as was measured, once."""

import pytest

from efnas.backend import Device, select_device
from efnas.cache import Cache
from efnas.training import gradients
from efnas.training.gradients import as_convolutions, measured_seconds

CPU, GPU = Device("CPU, 1 thread", False, 1), Device("GPU 0", True, 1)


@pytest.fixture
def measured(monkeypatch):
    """What is measured, and how often it was."""
    seconds, calls = {"own": 1.0, "tensorflow": 2.0}, []
    monkeypatch.setattr(gradients, "measured_seconds", lambda device: calls.append(device) or seconds)
    return seconds, calls


@pytest.mark.parametrize("device", [CPU, GPU])
def test_what_is_set_is_taken_without_a_look(device, measured):
    assert as_convolutions("own", device, Cache(None))
    assert not as_convolutions("tensorflow", device, Cache(None))
    assert not measured[1]


def test_a_gpu_takes_tensorflows(measured):
    assert not as_convolutions("auto", GPU, Cache(None))
    assert not measured[1]


def test_the_faster_ones_are_taken_and_measured_once(measured, tmp_path):
    seconds, calls = measured
    assert as_convolutions("auto", CPU, Cache(tmp_path))
    seconds["own"] = 3.0
    assert as_convolutions("auto", CPU, Cache(tmp_path))
    assert calls == [CPU]
    assert not as_convolutions("auto", CPU._replace(threads=2), Cache(tmp_path))
    assert not as_convolutions("auto", CPU._replace(threads=2), Cache(tmp_path))
    assert len(calls) == 2


def test_both_are_timed():
    assert all(value > 1e-3 for value in measured_seconds(select_device(-1, 1)).values())
