"""Several processes that train one run: how they share the work, and, where Horovod is there, two real ones."""

import json
import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from socket import gethostname

import numpy as np
import pytest
from command import EFNAS_WITH_SMALL
from conftest import PROJECT, events_of
from hypothesis import given
from hypothesis import strategies as st
from interruption import contents, copied
from ranks_at_work import measured, opened_within, settings

from efnas import ranks
from efnas.backend import select_device
from efnas.config_files import load_config
from efnas.errors import EfnasError
from efnas.ranks import ALONE, Ranks, join, launched
from efnas.runs.lock import is_locked
from efnas.runs.manifest import RANKS, read_manifest
from efnas.runs.resume import Resume
from efnas.runs.run_files import LAST
from efnas.runs.seal import read_whole
from efnas.search import compute
from efnas.search.errors import ERRORS, read_errors
from efnas.training.events import Finished
from efnas.training.plan import prepare

needs_horovod = pytest.mark.skipif(find_spec("horovod") is None, reason="Horovod is not installed: make horovod")


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 1000))
def test_ranks_read_every_sample_of_a_batch_once_as_evenly_as_it_goes(size, count, begin):
    parts = [Ranks(rank, size).part(begin, begin + count) for rank in range(size)]
    own = [np.arange(begin + count)[part.where] for part in parts if part.share]
    assert np.concatenate(own).tolist() == list(range(begin, begin + count))
    assert [len(each) for each in own] == [round(part.share * count) for part in parts if part.share]
    assert max(map(len, own)) - (min(map(len, own)) if count >= size else 1) <= (count >= size)
    assert sum(part.share for part in parts) == pytest.approx(1)


@given(st.integers(1, 12), st.integers(1, 40), st.data())
def test_a_rank_without_a_sample_reads_one_and_a_last_batch_is_no_larger_than_the_others(size, batch_size, data):
    count = data.draw(st.integers(1, batch_size))
    for rank in range(size):
        last, full = Ranks(rank, size).part(0, count), Ranks(rank, size).part(0, batch_size)
        assert 1 <= last.samples <= full.samples
        assert 0 <= last.where.start < last.where.stop <= count


def test_what_is_dealt_out_comes_back_in_order():
    items, dealt = list(range(11)), [Ranks(rank, 3).dealt(list(range(11))) for rank in range(3)]
    assert [dealt[place % 3][place // 3] for place in range(11)] == items


def test_a_process_alone_adds_nothing_to_a_graph_and_says_nothing():
    tensors = [object()]
    assert ALONE.sum(tensors) == tensors and ALONE.gathered(3) == [3] and ALONE.any(None) is None
    with pytest.raises(EfnasError, match="^as it is$"), ALONE.together():
        raise EfnasError("as it is")


@pytest.mark.parametrize("environment, found", [
    ({}, (0, 1, 0)), ({"SLURM_NTASKS": "4", "SLURM_PROCID": "2"}, (0, 1, 0)),
    ({"HOROVOD_RANK": "5", "HOROVOD_SIZE": "8", "HOROVOD_LOCAL_RANK": "1"}, (5, 8, 1)),
    ({"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_LOCAL_RANK": "0"}, (1, 2, 0)),
])  # fmt: skip
def test_launchers_are_known_by_their_variables(environment, found):
    assert launched(environment) == found


def test_a_launcher_without_horovod_gets_one_sentence(monkeypatch):
    monkeypatch.setattr(ranks, "launched", lambda: (0, 2, 0))
    monkeypatch.setitem(sys.modules, "horovod.tensorflow", None)
    with pytest.raises(EfnasError, match="make horovod"):
        join()


@pytest.mark.parametrize("seen, local_rank, taken", [
    (None, 2, "2"), ("4,5,6", 1, "5"), ("3", 1, "3"), ("-1", 1, "-1"), ("4,5", 2, None),
])  # fmt: skip
def test_each_rank_of_a_machine_takes_a_gpu_of_its_own(seen, local_rank, taken, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", seen or "")
    if taken is None:
        with pytest.raises(EfnasError, match="2 GPUs are too few"):
            select_device(None, 1, local_rank)
    else:
        assert select_device(None, 1, local_rank).threads == 1
        assert os.environ["CUDA_VISIBLE_DEVICES"] == taken


@pytest.mark.parametrize("setting, message", [
    ("train.batch_size=2", "train.batch_size: 2 is fewer pairs than there are ranks, 3"),
    ("runtime.gpu_device=0", "each rank takes its own"),
])  # fmt: skip
def test_ranks_that_cannot_share_the_work_are_refused(setting, message, small_settings):
    with pytest.raises(EfnasError, match=message):
        prepare(load_config(assignments=[*small_settings, setting]), ranks=Ranks(0, 3))


def launch(count, *command):
    """Popen of so many ranks on this machine."""
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    environment["PYTHONPATH"] = str(PROJECT)
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    words = [
        sys.executable,
        "-m",
        "horovod.runner.launch",
        "-np",
        count,
        "--gloo",
        "-H",
        f"localhost:{count}",
        *command,
    ]
    return subprocess.Popen(list(map(str, words)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            env=environment)  # fmt: skip


@pytest.fixture(scope="module")
def two(small_chairs, tmp_path_factory):
    """What each of two ranks found, and the folder that they worked in."""
    if find_spec("horovod") is None:
        pytest.skip("Horovod is not installed: make horovod")
    out = tmp_path_factory.mktemp("ranks")
    process = launch(2, sys.executable, PROJECT / "tests" / "training" / "ranks_at_work.py", small_chairs, out)
    said = process.communicate(timeout=600)[0]
    assert process.returncode == 0, said
    return [json.loads((out / f"found{rank}.json").read_text()) for rank in range(2)], out


def test_the_gradient_of_two_ranks_is_that_of_the_whole_batch(two):
    for rank in two[0]:
        shared, own = rank["gradient"]["apart"]
        assert shared < 1e-5 < 1e-2 < own
        assert rank["gradient"]["losses"][1] == pytest.approx(rank["gradient"]["losses"][0], rel=1e-6)
    assert two[0][0]["gradient"]["losses"][1] == two[0][1]["gradient"]["losses"][1]


def test_the_first_rank_alone_writes(two):
    assert [rank["straight"] for rank in two[0]] == [6, 6]
    assert (two[1] / "straight0" / "supernet" / "train.log").exists()
    assert not (two[1] / "straight1").exists()


def test_two_ranks_are_one_process_with_micro_batches_to_the_bit(two, small_chairs, second_space, tmp_path):
    alone = load_config(assignments=settings(small_chairs, tmp_path, "train.micro_batch_size=2"))
    events_of(alone)
    assert contents(two[1] / "straight0" / "supernet") == contents(tmp_path / "supernet")


def test_a_signal_to_one_rank_stops_both_at_one_step_and_they_go_on_as_if_they_had_not(two):
    found, out = two
    assert found[0]["stops"] == found[1]["stops"] == [["Stopped", signal.SIGTERM, 2], ["Stopped", signal.SIGTERM, 6]]
    assert [rank["end"] for rank in found] == ["Finished"] * 2
    assert contents(out / "stopped" / "supernet") == contents(out / "straight0" / "supernet")


def test_one_process_goes_on_with_what_two_ranks_left(two, small_chairs, second_space, tmp_path):
    config = load_config(assignments=settings(small_chairs, copied(two[1] / "left" / "supernet", tmp_path)))
    began, *_, ended = events_of(config, Resume())
    assert [(each.key, each.left, each.right) for each in began.resumption.found if each.counts] == [(RANKS, 2, 1)]
    assert isinstance(ended, Finished) and ended.steps == 6
    assert RANKS not in read_manifest(config.runtime.run_folder)["tuning"]


def test_what_one_rank_refuses_all_do_and_the_first_says_who(two):
    seeds = ["The ranks do not see the same: runtime.seed is 0 on rank 0 and 1 on rank 1.", 2]
    for rank in two[0]:
        assert rank["another run"] == seeds
        assert rank["on one"] == [f"On {gethostname()}, rank 1: It is not here.", 2]


def test_errors_that_two_ranks_share_out_are_those_of_one_process_to_the_bit(
    two, small_chairs, second_space, tmp_path, monkeypatch
):
    found, out = two
    monkeypatch.setattr(compute, "opened_within", opened_within)
    config = load_config(assignments=settings(small_chairs, copied(out / "stopped" / "supernet", tmp_path)))
    assert found[0]["ranking"] == measured(config, tmp_path) and found[1]["ranking"] is None
    assert (out / "errors" / ERRORS).read_bytes() == (tmp_path / "errors" / ERRORS).read_bytes()
    assert read_errors(out / "errors").about["second_recalibration"]["subnets"] == 16


def said_by_ranks(output):
    return [line for line in output.splitlines() if line.startswith("[")]


@needs_horovod
def test_a_rank_that_dies_ends_the_run_in_a_sentence_and_the_checkpoint_is_whole(small_chairs, tmp_path):
    words = [word for each in settings(small_chairs, tmp_path, "eval.full_every=0") for word in ("--set", each)]
    last = tmp_path / "supernet" / LAST
    process = launch(2, *EFNAS_WITH_SMALL, "train", *words, "--set", "train.num_epochs=9999", "--quiet")
    while not last.with_name(last.name + ".json").exists() and process.poll() is None:
        time.sleep(0.05)
    os.kill(process_of_rank(1, process), signal.SIGKILL)
    output = process.communicate(timeout=120)[0]
    assert process.returncode != 0
    errors = [line for line in said_by_ranks(output) if "Killed" not in line]
    assert len(errors) == 1 and errors[0].startswith("[0]<stderr>:Error: Another rank ended before its time"), output
    assert read_whole(last).state["step"] > 0
    assert not is_locked(last.parent)


def process_of_rank(rank, launcher):
    import psutil

    for process in psutil.Process(launcher.pid).children(recursive=True):
        if "python" in process.name() and process.environ().get("HOROVOD_RANK") == str(rank):
            return process.pid
    raise AssertionError(launcher.communicate()[0])


@needs_horovod
def test_a_refusal_is_said_once_with_exit_code_2(tmp_path):
    process = launch(2, *EFNAS_WITH_SMALL, "train", "--base-path", tmp_path / "none", "--output-root", tmp_path)
    output = process.communicate(timeout=120)[0]
    said = said_by_ranks(output)
    assert len(said) == 1, output
    assert said[0].startswith("[0]<stderr>:Error: There is no data set")
    assert "Process 0 exit with status code 2." in output and "Process 1 exit with status code 2." in output
