"""Several trainings in processes of their own: the same runs as one by one, whatever was stopped on the way."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from dask_cluster import cluster  # noqa: F401

from efnas.config import as_tree
from efnas.config_files import load_config
from efnas.errors import EfnasError
from efnas.runs.lock import is_locked
from efnas.runs.run_files import LAST
from efnas.runs.seal import read_seal
from efnas.search.trainings import Part, is_finished, train_all

# One network alone, which is built in a third of the time that all together take.
ALONE = "train.arch='000001000'"


@pytest.fixture
def named(small_settings):
    """Configurations of small runs by name and seed."""
    return lambda name, seed, *more: load_config(
        assignments=[*small_settings, f"runtime.experiment_name={name}", f"runtime.seed={seed}", *more]
    )


def weights(config):
    return read_seal(config.runtime.run_folder / LAST).sha256


def test_they_are_the_runs_that_each_would_be_alone_and_are_trained_once(named, small_settings):
    two, seen = [named("one", 1, ALONE), named("two", 2, ALONE)], []
    assert not is_finished(two[0])
    train_all(two, jobs=2, progress=lambda done, total: seen.append((done, total)))
    assert seen[0] == (0, 2) and all(0 <= done <= 2 and total == 2 for done, total in seen)
    # A process as a user starts it: the sessions of tests leave their graphs as they are, which other bits come of.
    words = ["train", *(word for text in [*small_settings, ALONE] for word in ("--set", text)), "--seed", "1"]
    code = "import sys; from efnas.cli.entry import main; sys.argv[1:] = sys.argv[2:]; main()"
    subprocess.run([sys.executable, "-c", code, "", *words, "--experiment-name", "alone"], check=True)
    assert all(map(is_finished, two)) and weights(two[0]) == weights(named("alone", 1, ALONE)) != weights(two[1])
    before = (two[0].runtime.run_folder / LAST).with_suffix(".ckpt.json").stat().st_mtime_ns
    train_all(two)
    assert (two[0].runtime.run_folder / LAST).with_suffix(".ckpt.json").stat().st_mtime_ns == before


def test_work_that_was_left_goes_on_and_ends_with_the_same_bits(named):
    long = (ALONE, "train.num_epochs=100", "eval.eval_every_epoch=100")
    straight, left = named("straight", 3, *long), named("left", 3, *long)
    train_all([straight])
    told = []

    def interrupt(done, total):
        told.append(done)
        if done and len(told) == 2:
            os.kill(os.getpid(), signal.SIGINT)

    heard = signal.signal(signal.SIGINT, signal.default_int_handler)  # processes that share tests out ignore it
    try:
        with pytest.raises(KeyboardInterrupt):
            train_all([left], progress=interrupt)
    finally:
        signal.signal(signal.SIGINT, heard)
    stopped = read_seal(left.runtime.run_folder / LAST).state
    assert 0 < stopped["step"] < read_seal(straight.runtime.run_folder / LAST).state["step"]
    assert not is_finished(left) and not is_locked(left.runtime.run_folder)
    train_all([left])
    assert is_finished(left) and weights(left) == weights(straight)


def test_those_that_fail_are_named_with_their_folder_and_the_others_are_done(named, tmp_path):
    lacking = f"data.base_path={tmp_path / 'nowhere'}"
    bad = [named("bad", 1, lacking, f"runtime.output_root={tmp_path / folder}") for folder in ("5", "20")]
    good = named("good", 1, ALONE)
    said = f"2 of 3 trainings failed; the others are kept. 5/bad: .*{tmp_path}/nowhere.*; 20/bad: "
    with pytest.raises(EfnasError, match=said):
        train_all([*bad, good])
    assert is_finished(good) and not any(map(is_finished, bad))


def test_when_who_started_it_is_killed_a_training_saves_and_ends(named):
    config = named("orphan", 4, ALONE, "train.num_epochs=5000")
    code = f"""if True:
        import json
        from efnas.config import Config
        from efnas.search.trainings import train_all
        train_all([Config.model_validate(json.loads({json.dumps(as_tree(config))!r}))], progress=lambda done, total: print(done, flush=True))
    """
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert float(parent.stdout.readline()) == 0 < float(parent.stdout.readline())
    assert is_locked(config.runtime.run_folder)
    os.kill(parent.pid, signal.SIGKILL)
    parent.communicate()
    for _ in range(300):
        if not is_locked(config.runtime.run_folder):
            break
        time.sleep(0.1)
    assert not is_locked(config.runtime.run_folder)
    assert read_seal(config.runtime.run_folder / LAST).state["step"] > 0


def test_on_a_cluster_a_worker_dies_and_the_training_goes_on_with_the_same_bits(cluster, named, monkeypatch):  # noqa: F811
    """The paths are those of the folder that the work was begun in, which no worker knows."""
    long = (
        ALONE,
        "train.num_epochs=2",
        "eval.eval_every_epoch=2",
        "train.epoch_mode=fixed_steps",
        "train.steps_per_epoch=300",
    )
    straight = named("straight", 5, *long)
    train_all([straight])
    monkeypatch.chdir(straight.runtime.output_root.parent)
    config = named("spread", 5, *long, f"runtime.output_root={straight.runtime.output_root.name}")
    worker, seen = cluster.worker(), []

    def watch():
        for _ in range(1200):
            if is_locked(config.runtime.run_folder):
                break
            time.sleep(0.05)
        time.sleep(2)
        os.kill(worker.pid, signal.SIGKILL)
        cluster.worker()

    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(watch)
        train_all([config], dask=cluster.address, progress=lambda *told: seen.append(told))
        watching.result()
    assert seen == [(0, 1), (1, 1)] and is_finished(config) and weights(config) == weights(straight)
    assert "resumed at step" in (config.runtime.run_folder / "train.log").read_text()


def test_parts_are_all_of_the_work_once():
    work = list(range(10))
    parts = [Part.of_text(f"{number}/4").of(work) for number in range(1, 5)]
    assert sorted(sum(parts, [])) == work and {len(part) for part in parts} == {2, 3}
    for text in ("0/4", "5/4", "2", "2/", "/2", "a/b", "-1/2", "1/0", "1/2/3"):
        with pytest.raises(EfnasError, match="--part must be as in 2/8"):
            Part.of_text(text)
