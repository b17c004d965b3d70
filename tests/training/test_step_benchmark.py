"""efnas bench: which settings are timed, what is advised, and that one which fails is a row that says so."""

import json

import pytest
from command import answer, is_refused_in_a_sentence

from efnas.config import MIXED
from efnas.config_files import load_config
from efnas.errors import EfnasError
from efnas.training import benchmark
from efnas.training.benchmark import OWN, TENSORFLOW, Row, Setting, run_benchmark, settings_beside

PLAIN = Setting("float32", False, OWN, None)
ON_GPU = PLAIN._replace(gradients=TENSORFLOW)


def row(setting=PLAIN, step=1.0, memory=None, **more):
    times = [step * part for part in (0.99, 1.0, 1.01)]
    return Row(setting, times if memory is None else [memory] * 3, times, 100.0, **more)


def advised(rows, *assignments, packed=False):
    return benchmark._advice(load_config(assignments=assignments), rows, packed)


def test_on_a_gpu_precision_and_xla_are_crossed_and_on_a_cpu_only_on_demand():
    kinds = {(each.precision, each.xla) for each in settings_beside(ON_GPU, 8, True, False)}
    assert kinds == {("float32", False), ("float32", True), (MIXED, False), (MIXED, True)}
    assert {each.gradients for each in settings_beside(ON_GPU, 8, True, False)} == {TENSORFLOW}
    on_cpu = settings_beside(PLAIN, 8, False, False)
    assert on_cpu == [ON_GPU, PLAIN._replace(micro_batch_size=4), PLAIN._replace(micro_batch_size=2)]
    assert len(settings_beside(PLAIN, 8, False, True)) == 7 + 2
    assert settings_beside(PLAIN, 1, False, False) == [ON_GPU]
    micro = PLAIN._replace(micro_batch_size=6)
    assert [each.micro_batch_size for each in settings_beside(micro, 24, False, False)] == [6, 3, 1]


def test_the_fastest_that_is_told_from_the_configurations_own_is_advised():
    fast = row(ON_GPU._replace(precision=MIXED, xla=True), 0.5)
    words, said = advised([row(ON_GPU), fast, row(ON_GPU._replace(xla=True), 0.7)], "train.batch_size=4")
    assert words == ["--set train.precision=mixed", "--set train.xla=true"]
    assert "8.0 samples a second, 2.00 times the configuration's own" in said[0] and "begin a new one" in said[1]
    assert advised([fast, row(ON_GPU)])[0] == [] and "is the fastest" in advised([fast, row(ON_GPU)])[1][0]
    words, said = advised([row(), row(ON_GPU._replace(xla=True), 0.995)])
    assert words == [] and "No setting is told" in said[0]


def test_micro_batches_are_advised_where_nothing_else_fits():
    half = PLAIN._replace(micro_batch_size=16)
    assert advised([row(), row(half, 0.5)])[0] == []  # another micro batch has other statistics
    words, said = advised([Row(PLAIN, failed="out of memory"), row(half)])
    assert words == ["--set train.micro_batch_size=16"] and "micro batches of 16" in said[0]
    assert advised([Row(PLAIN, failed="out of memory")]) == ([], ["No setting could be measured."])


def test_waiting_for_data_is_said_with_what_helps():
    assert row(memory=0.8).waiting == pytest.approx(0.2) and row(memory=1.2).waiting == 0.0
    assert "20% of a step goes to reading data: efnas data pack" in advised([row(memory=0.8)])[1][-1]
    assert "more cores" in advised([row(memory=0.8)], packed=True)[1][-1]
    assert len(advised([row(memory=0.99)])[1]) == 1


@pytest.fixture
def tiny(small_chairs, tmp_path):
    return ["--base-path", small_chairs, "--gpu-device", "-1", "--output-root", tmp_path / "runs",
            *(word for each in ("train.arch=baseline", "network.base_width=2", "data.input_height=32",
                                "data.input_width=48", "train.batch_size=1", "runtime.threads=1")
              for word in ("--set", each))]  # fmt: skip


def test_the_command_times_each_setting_in_a_process_of_its_own(tiny, tmp_path):
    code, out, err = answer(
        ["bench", *tiny, "--rounds", "2", "--steps", "2", "--json", "--out", tmp_path / "bench.json"]
    )
    found = json.loads(out)
    assert code == 0 and err == "" and found == json.loads((tmp_path / "bench.json").read_text())
    assert {(one["gradients"], one["failed"]) for one in found["rows"]} == {(OWN, None), (TENSORFLOW, None)}
    for one in found["rows"]:
        assert one["steps"] == 4 and 0 < one["interval_s"][0] <= one["step_s"] <= one["interval_s"][1]
        assert one["samples_per_s"] == 1 / one["step_s"] and 0 <= one["waiting"] < 1 and one["peak_mb"] > 50
    assert found["device"] == "CPU, 1 thread" and found["said"]
    assert not (tmp_path / "runs").exists()


def serving(monkeypatch, *lines):
    """Processes that say they are there, and then do as these lines of a program say."""
    said = json.dumps({"device": "CPU", "gpu": False, "own_gradients": True, "packed": False, "peak_mb": 1.0})
    told = [f"asked = json.loads(sys.stdin.readline()); print({said!r}, flush=True)", *lines]
    monkeypatch.setattr(benchmark, "START", "\n".join(["import json, os, sys, time", *told]))


def test_a_setting_that_fails_is_a_row_that_says_why(monkeypatch):
    times = json.dumps({"seconds": {"memory": [0.1], "data": [0.2]}, "peak_mb": 1.0})
    serving(
        monkeypatch,
        "own, micro = asked['runtime.convolution_gradients'] != 'tensorflow', asked['train.micro_batch_size']",
        f"for line in sys.stdin:\n  if own and not micro: print({times!r}, flush=True)",
        "  elif micro == 2: time.sleep(60)",
        "  elif micro == 1: print(json.dumps({'error': 'out of memory'}), flush=True)",
        "  else: print('no kernel', file=sys.stderr); sys.stderr.flush(); os.abort()",
    )
    found = run_benchmark(load_config(assignments=["train.batch_size=4"]), 3, 1, 1.0, False)
    assert [each.failed for each in found.rows] == [
        None, "its process ended with signal SIGABRT: no kernel", "took longer than 1 s", "out of memory"
    ]  # fmt: skip
    assert found.rows[0].data == [0.2] * 3 and found.rows[0].waiting == 0.5


def test_what_no_setting_could_help_is_one_sentence(tiny, monkeypatch, tmp_path):
    assert is_refused_in_a_sentence(*answer(["bench", "--base-path", tmp_path / "none"]))
    assert is_refused_in_a_sentence(*answer(["bench", *tiny, "--out", tmp_path / "none" / "x.json"]))
    monkeypatch.setattr(benchmark, "START", 'print(\'{"error": "TensorFlow sees no GPU number 7"}\')')
    with pytest.raises(EfnasError, match="no GPU number 7"):
        run_benchmark(load_config(), 1, 1, 5.0, False)
