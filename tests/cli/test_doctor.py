"""What the doctor finds, on this machine and on ones that lack something."""

import json
import platform
import shutil

import pytest
from command import efnas

from efnas import machine
from efnas.backend import tensorflow_series
from efnas.config_files import load_config
from efnas.machine import FINE, NOTE, PROBLEM, examine_machine
from efnas.training.readiness import examine_data, examine_disk
from efnas.vela import installed


def findings(config=None, wants_data=False):
    found = {}
    config = config or load_config()
    findings = [
        *examine_machine(config.runtime.threads),
        *installed.examine_velas(),
        *examine_data(config, wants_data),
        examine_disk(config),
    ]
    for finding in findings:
        found.setdefault(finding.what, finding)
    return found


def test_it_finds_what_this_machine_has(small_settings):
    found = findings(load_config(assignments=small_settings), wants_data=True)
    assert found["Python"].state == FINE and found["Python"].said == platform.python_version()
    assert tensorflow_series() in found["TensorFlow"].said
    assert found["train pairs"].said.startswith("12 in ") and found["val pairs"].said.startswith("6 in ")
    assert found["disk"].state == found["memory"].state == FINE


def test_a_missing_data_set_is_a_problem_of_the_configuration_that_names_it():
    assert findings()["train pairs"].state == NOTE
    found = findings(wants_data=True)["train pairs"]
    assert found.state == PROBLEM and "datasets/FlyingChairs2" in found.said and "data.base_path" in found.to_do


def test_synthetic_data_is_made_by_the_first_run(tmp_path):
    config = load_config(assignments=["data.dataset=synthetic", f"data.base_path={tmp_path / 'made'}",
                                      "data.synthetic.train_pairs=4"])  # fmt: skip
    assert "made by the first run" in findings(config, True)["data set"].said


def test_each_compiler_is_named_with_its_version(tmp_path, monkeypatch):
    from vela_stand_in import stand_in_program

    old = tmp_path / "old"
    old.mkdir()
    monkeypatch.setenv("EFNAS_VELA", str(stand_in_program(old, version="3.8.0")))
    found = findings()["Vela"]
    assert found.state == NOTE and found.said.startswith("3.8.0 (used), with other figures")
    broken = tmp_path / "vela"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("EFNAS_VELA", str(broken))
    assert "failed with code 1" in findings()["Vela"].said


def test_no_compiler_is_a_note(monkeypatch):
    monkeypatch.setattr(installed, "installed_velas", list)
    found = findings()["Vela"]
    assert found.state == NOTE and found.to_do == "make setup installs it"


def test_a_gpu_that_tensorflow_cannot_use_is_told(tmp_path, monkeypatch):
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho Tesla V100\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    found = findings()["GPU"]
    assert found.state == NOTE and "Tesla V100, which this TensorFlow cannot use" in found.said
    assert "CUDA" in found.to_do


@pytest.mark.parametrize("free, state", [(100e9, FINE), (1e9, NOTE), (0.1e9, "problem")])
def test_a_full_disk_is_told(monkeypatch, free, state):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: type("Usage", (), {"free": free}))
    assert findings()["disk"].state == state


def test_little_memory_and_too_many_threads_are_told(monkeypatch):
    monkeypatch.setattr(machine, "available_memory_gb", lambda: 1.5)
    found = findings(load_config(assignments=["runtime.threads=999"]))
    assert "micro_batch_size" in found["memory"].to_do
    assert found["threads"].state == NOTE


def test_the_command_exits_with_1_when_no_training_can_run(tmp_path):
    answer = json.loads(efnas("doctor", "--json").stdout)
    assert answer["can_train"] is True
    assert "TensorFlow Lite Micro" in [finding["what"] for finding in answer["findings"]]
    config = tmp_path / "absent.yaml"
    config.write_text("data: {base_path: /nowhere}\n")
    ended = efnas("doctor", "--config", config, code=1)
    assert "No training can run here: train pairs" in ended.stderr.replace("\n", " ")
