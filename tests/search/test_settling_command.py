"""`efnas fidelity --settling` on a run of the second space that kept checkpoints."""

import json
import shutil

import numpy as np
import pytest
from command import answer, is_refused_in_a_sentence
from conftest import events_of
from scipy import stats
from small_supernet import SMALL, SPACE, run_of_small

from efnas.config_files import load_config
from efnas.core import supernet
from efnas.evaluation import space_errors
from efnas.runs.run_files import KEPT, LAST
from efnas.search import compute
from efnas.search.compute import compute_errors
from efnas.search.settling_folder import checkpoints_along


@pytest.fixture(scope="module", autouse=True)
def _small_supernet():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(supernet.SUPERNETS, SMALL.name, SMALL)
        patch.setattr(compute, "opened_within", lambda *size: [block.name for block in SPACE.blocks[-3:]])
        yield


@pytest.fixture(scope="module")
def trained(small_chairs, tmp_path_factory):
    """A run of five epochs of three steps that kept the second and the fourth: its configuration, and its folder."""
    root = tmp_path_factory.mktemp("run")
    config = load_config(assignments=run_of_small(
        small_chairs, root, "data.input_height=36", "data.input_width=48", "train.num_epochs=5", "train.lr=0.02",
        "eval.bn_recal_batches=2", "eval.eval_every_epoch=5", "checkpoint.keep_every=2",
    ))  # fmt: skip
    events_of(config)
    return config, config.runtime.run_folder


def words(run, out, *more):
    return ["fidelity", "--settling", "--output-root", run.parent, "--experiment-name", run.name, "--out", out, *more]


@pytest.fixture(scope="module")
def told(trained, tmp_path_factory):
    out = tmp_path_factory.mktemp("told") / "out"
    code, printed, said = answer(words(trained[1], out, "--pairs", 5, "--json"))
    assert code == 0, said
    return out, json.loads(printed)


def test_the_command_compares_what_was_kept_and_the_last(trained, told, tmp_path):
    out, content = told
    assert [(each["epoch"], each["step"]) for each in content["moments"]] == [(2, 6), (4, 12), (5, 15)]
    assert (content["subnets"], content["pairs"], content["scenes"]) == (32, 5, 5)
    means = [compute_errors(trained[0], str(path), tmp_path / str(number), pairs=5).errors.mean(axis=1, dtype=np.float64)
             for number, path in enumerate([trained[1] / KEPT.format(4), trained[1] / LAST])]  # fmt: skip
    last = content["moments"][-1]
    assert last["tau"]["value"] == pytest.approx(stats.kendalltau(*means).correlation)
    assert last["mean"] == pytest.approx(means[1].mean()) and last["tau"]["value"] < 1
    assert 0 <= last["recalibrations"] <= 1
    assert sorted(path.name for path in out.iterdir() if path.is_file() and path.suffix != ".lock") == [
        "settling.csv", "settling.json", "settling.md", "settling.png"]  # fmt: skip


def test_a_second_call_computes_nothing_and_shows_the_same(trained, told, monkeypatch):
    out, content = told
    monkeypatch.setattr(space_errors.SpaceEvaluator, "recalibrate", None)
    code, printed, said = answer(words(trained[1], out, "--pairs", 5))
    assert code == 0, said
    assert content["verdict"] in printed and "All 32 subnets on 5 pairs" in printed
    rows = [line.split() for line in printed.splitlines()]
    assert [row[1] for row in rows if row and row[0] == "4"] == ["12", "12"]


def test_a_last_checkpoint_that_was_kept_counts_once_and_one_of_a_later_step_not_at_all(trained, tmp_path):
    config, run = trained
    copied = config.changed("runtime", output_root=tmp_path)
    shutil.copytree(run, tmp_path / run.name)
    for file in run.glob(f"{LAST}.*"):
        shutil.copy(file, tmp_path / run.name / file.name.replace(LAST, KEPT.format(5)))
    found = checkpoints_along(copied)
    assert [path.name for path, _ in found] == [KEPT.format(epoch) for epoch in (2, 4, 5)]
    for file in (tmp_path / run.name).glob("supernet_last*"):
        file.unlink()
    for file in [*run.glob(f"{KEPT.format(4)}.*")]:  # as where a run goes on from its fourth epoch
        shutil.copy(file, tmp_path / run.name / file.name.replace(KEPT.format(4), LAST))
    assert [path.name for path, _ in checkpoints_along(copied)] == [KEPT.format(epoch) for epoch in (2, 4)]


def test_wrong_input_is_one_sentence_and_writes_nothing(trained, told, tmp_path):
    run, out = tmp_path / "run", tmp_path / "out"
    shutil.copytree(trained[1], run)
    for more, why in ((["--pairs", "few"], "a number or all"), (["--pairs", "0"], "a number or all"),
                      (["--dask", "nonsense"], "missing port")):  # fmt: skip
        ended = answer(words(run, out, *more))
        assert is_refused_in_a_sentence(*ended) and why in ended[2]
    (run / f"{KEPT.format(4)}.json").write_text("{}")
    ended = answer(words(run, out))
    assert is_refused_in_a_sentence(*ended) and "supernet_epoch_0004.ckpt is damaged" in ended[2]
    for file in run.glob("supernet_epoch_*"):
        file.unlink()
    ended = answer(words(run, out))
    assert is_refused_in_a_sentence(*ended) and "train with --set checkpoint.keep_every=N" in ended[2]
    assert not out.exists()
    ended = answer(words(trained[1], told[0], "--pairs", "4"))
    assert is_refused_in_a_sentence(*ended) and "holds errors of something else: pairs was 5 of them" in ended[2]
