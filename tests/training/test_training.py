"""Whole runs: what they write, that they repeat to the bit, and that they stop when they must."""

import csv
import json
import math
import shutil
from itertools import count

import numpy as np
import pytest
from conftest import events_of
from small_supernet import SPACE

from efnas.config_files import load_config
from efnas.errors import EfnasError, TrainingDiverged
from efnas.runs.seal import ENDINGS, read_seal, with_ending
from efnas.training import loop
from efnas.training.events import Began, EpochTrained, Evaluated, Evaluating, Finished, Saved, Stepped
from efnas.training.fair_step import FairStep
from efnas.training.plan import prepare
from efnas.training.step import StepResult


@pytest.fixture
def small_settings(small_settings, second_space):
    return [*small_settings, "network.name=small"]


def run(settings, *more, **kwargs):
    return events_of(load_config(assignments=[*settings, *more]), **kwargs)


def of_kind(events, kind):
    return [event for event in events if isinstance(event, kind)]


def table(folder, name):
    with open(folder / name, newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_writes_its_files(quick_run):
    folder = quick_run[-1].folder
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "supernet_best.ckpt.json", "supernet_last.ckpt.json", "train_manifest.json", "fairness_counts.json",
        "eval_pool_6.json", "eval_epe_history.csv", "per_arch_epe.csv", "train.log", "tensorboard",
        "supernet_training_report.md", "training_curves.png",
        *(with_ending(read_seal(folder / f"supernet_{which}.ckpt").prefix, ending).name
          for which in ("best", "last") for ending in ENDINGS)}  # fmt: skip
    assert len(list((folder / "tensorboard").iterdir())) == 1


def test_what_happens_comes_in_its_order(quick_run):
    assert isinstance(quick_run[0], Began) and quick_run[0].resumption is None
    assert isinstance(quick_run[-1], Finished)
    of_an_epoch = [type(event) for event in quick_run if getattr(event, "epoch", None) == 2]
    assert of_an_epoch == [Stepped] * 3 + [EpochTrained] + [Evaluating] * 3
    place = next(place for place, event in enumerate(quick_run) if isinstance(event, Evaluated))
    assert [event.name for event in quick_run[place + 1 : place + 3]] == ["supernet_best.ckpt", "supernet_last.ckpt"]
    assert len(of_kind(quick_run, Saved)) == 4 + sum(event.best for event in of_kind(quick_run, Evaluated))


def test_an_event_is_written_down_before_it_is_told(quick_settings, tmp_path):
    rows = []

    def watch(event):
        if isinstance(event, Evaluated):
            rows.append(len(table(tmp_path / "supernet", "eval_epe_history.csv")))

    run(quick_settings, f"runtime.output_root={tmp_path}", "train.num_epochs=2", watch=watch)
    assert rows == [1, 2]


def test_another_seed_gives_other_weights(quick_run, quick_settings, tmp_path):
    """That an interrupted run ends in the same weights, as the tests of resume say, is not because all runs do."""
    other = run(quick_settings, f"runtime.output_root={tmp_path}", "runtime.seed=43")[-1]
    ours, theirs = (read_seal(end.folder / "supernet_last.ckpt").data_sha256 for end in (other, quick_run[-1]))
    assert ours != theirs


def test_histories_hold_what_happened(quick_run):
    folder = quick_run[-1].folder
    steps, evaluations = of_kind(quick_run, Stepped), of_kind(quick_run, Evaluated)
    assert [event.samples for event in steps] == [5, 5, 2] * 4
    rows = table(folder, "eval_epe_history.csv")
    assert [(row["epoch"], row["kind"]) for row in rows] == [
        *((epoch, "quick") for epoch in "1234"), ("4", "full")]  # fmt: skip
    assert [row["samples_seen"] for row in rows] == ["12", "24", "36", "48", "48"]
    assert [row["val_samples"] for row in rows] == ["5", "5", "5", "5", "6"]
    assert {row["coverage"] for row in rows} == {"1"}
    assert float(rows[1]["mean_epe_6"]) == pytest.approx(evaluations[1].figures["mean"], rel=1e-4)
    losses = [event.result.loss for event in steps if event.epoch == 2]
    assert float(rows[1]["train_loss"]) == pytest.approx(np.mean(losses), rel=1e-4)
    archs = table(folder, "per_arch_epe.csv")
    assert len(archs) == 5 * 6
    counts = json.loads((folder / "fairness_counts.json").read_text())
    assert counts["gap"] == 0
    assert set(map(tuple, counts["counts"].values())) == {(12, 12)}


def test_the_best_checkpoint_is_that_of_the_best_evaluation(quick_run):
    outcome = quick_run[-1]
    best = min(event.figures["mean"] for event in of_kind(quick_run, Evaluated))
    state = json.loads((outcome.folder / "supernet_best.ckpt.json").read_text())["state"]
    assert state["best"] == outcome.best == best
    assert state["epoch"] == outcome.best_epoch


def test_the_report_names_the_figures_and_the_picture(quick_run):
    outcome = quick_run[-1]
    report = (outcome.folder / "supernet_training_report.md").read_text()
    assert f"{outcome.best:.4f}" in report
    assert "training_curves.png" in report
    assert (outcome.folder / "training_curves.png").stat().st_size > 10_000


def test_the_report_and_the_history_share_ranks_as_chance_does(quick_run):
    """The last rows of the history, the table of the report and the event say the same."""
    folder, errors = quick_run[-1].folder, of_kind(quick_run, Evaluated)[-1].errors
    report = (folder / "supernet_training_report.md").read_text()
    for arch, place in errors.places.items():
        assert f"| {place.rank} | {arch} | {errors.epe[arch]:.4f} | {place.worse_by} |" in report
    assert errors.chance() in report
    with open(folder / "per_arch_epe.csv", newline="") as file:
        last = [row for row in csv.DictReader(file) if row["kind"] == "quick"][-len(errors.epe) :]
    assert [int(row["rank"]) for row in last] == [errors.places[arch].rank for arch in errors.ranking()]


def test_a_run_is_not_overwritten_unless_asked(quick_run, small_settings):
    folder = quick_run[-1].folder
    before = (folder / "supernet_last.ckpt.json").read_bytes()
    with pytest.raises(EfnasError, match="already holds a run"):
        run(small_settings, f"runtime.output_root={folder.parent}")
    assert (folder / "supernet_last.ckpt.json").read_bytes() == before


def test_a_folder_of_something_else_is_never_overwritten(small_settings, tmp_path):
    folder = tmp_path / "runs" / "supernet"
    folder.mkdir(parents=True)
    (folder / "thesis.tex").write_text("years of work")
    with pytest.raises(EfnasError, match="not of a run"):
        run(small_settings, overwrite=True)
    assert (folder / "thesis.tex").read_text() == "years of work"


def test_a_loss_that_is_not_finite_stops_the_run_and_saves_nothing_after_it(small_settings, tmp_path, monkeypatch):
    honest = FairStep.run

    def diverge(self, session, *arguments):
        result = honest(self, session, *arguments)
        self.calls = getattr(self, "calls", 0) + 1
        return StepResult(math.nan, math.nan, 1.0) if self.calls == 5 else result

    monkeypatch.setattr(FairStep, "run", diverge)
    with pytest.raises(TrainingDiverged, match="step 4 .subnets 10001, .* is not finite"):
        run(small_settings)
    folder = tmp_path / "runs" / "supernet"
    assert json.loads((folder / "supernet_last.ckpt.json").read_text())["state"]["step"] == 3
    log = (folder / "train.log").read_text()
    assert "codes [[" in log
    assert "samples 000" in log


# What the pool's six subnets score, evaluation by evaluation, the baseline first: each metric is best in another one.
EPES = [[9.0, 45, 45, 45, 45, 45], [8.0, 38, 38, 38, 38, 60], [7.0, 30, 30, 30, 70, 80], [6.0, 40, 40, 40, 70, 80],
        [5.0, 50, 50, 50, 50, 50], [4.0, 50, 50, 50, 50, 50], [3.0, 50, 50, 50, 50, 50]]  # fmt: skip


@pytest.mark.parametrize(
    "metric, evaluations, best_epoch", [("mean", 4, 2), ("median", 5, 3), ("p90", 3, 1), ("baseline", 7, 7)]
)
def test_early_stop_and_the_best_checkpoint_follow_the_chosen_metric(
    small_settings, monkeypatch, metric, evaluations, best_epoch
):
    """With a patience of two evaluations."""
    honest, numbers = loop.PoolEvaluation.errors, count()

    def errors(self, session, archs, whole=False):
        found = yield from honest(self, session, archs, whole)
        baseline, *others = EPES[next(numbers)]
        epe = {arch: baseline if arch == SPACE.baseline else float(others.pop()) for arch in archs}
        return found._replace(epe=epe)

    monkeypatch.setattr(loop.PoolEvaluation, "errors", errors)
    outcome = run(small_settings, "train.num_epochs=7", "train.batch_size=12", "eval.early_stop_patience=2",
                  f"eval.best_metric={metric}", "eval.bn_recal_batches=1", "eval.eval_batches_per_arch=1")[-1]  # fmt: skip
    assert (outcome.steps, outcome.best_epoch) == (evaluations, best_epoch)
    assert outcome.stopped_early == (evaluations < 7)


def test_a_sample_that_breaks_under_way_is_named(small_settings, small_chairs, tmp_path):
    chairs = shutil.copytree(small_chairs, tmp_path / "chairs")
    flow = chairs / "train" / "0000007-flow_01.flo"
    flow.write_bytes(flow.read_bytes()[:-8])
    with pytest.raises(EfnasError, match="0000007-flow_01.flo is truncated"):
        run(small_settings, f"data.base_path={chairs}")


@pytest.mark.parametrize("setting, message", [
    ("data.base_path=/nowhere", "no data set at /nowhere"), ("data.val_dir=nothing", "no folder"),
    ("data.train_list=absent.txt", "absent.txt"), ("runtime.gpu_device=7", "no GPU number 7"),
    ("runtime.output_root=/proc/efnas", "/proc"), ("eval.eval_pool_size=30000", "multiple of 3"),
    ("eval.eval_pool_size=10", "multiple of 3"), ("data.input_height=182", "multiple of 4"),
    ("network.base_width=7", "even"), ("network.name=other", "no network 'other'"),
])  # fmt: skip
def test_a_run_that_cannot_work_says_so_before_it_writes(small_settings, tmp_path, monkeypatch, setting, message):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    with pytest.raises(EfnasError, match=message):
        prepare(load_config(assignments=[*small_settings, "network.name=edgeflow-bilinear", setting]))
    assert not (tmp_path / "runs").exists()


def test_synthetic_data_is_written_on_first_use_and_another_is_not_taken_for_it(small_settings, tmp_path):
    settings = [*small_settings, "data.dataset=synthetic", f"data.base_path={tmp_path / 'made'}",
                "data.synthetic.height=40", "data.synthetic.width=56", "data.synthetic.train_pairs=3",
                "data.synthetic.val_pairs=2"]  # fmt: skip
    plan = prepare(load_config(assignments=settings))
    assert (len(plan.sets.train), len(plan.sets.val)) == (3, 2)
    assert len(prepare(load_config(assignments=settings)).sets.train) == 3
    with pytest.raises(EfnasError, match="not the synthetic data set of this configuration"):
        prepare(load_config(assignments=[*settings, "data.synthetic.motion=5"]))


def test_a_dry_run_writes_nothing_and_plans_what_the_first_run_would_write(small_settings, tmp_path):
    settings = [*small_settings, "data.dataset=synthetic", f"data.base_path={tmp_path / 'made'}",
                "data.synthetic.height=40", "data.synthetic.width=56", "data.synthetic.train_pairs=3",
                "data.synthetic.val_pairs=2"]  # fmt: skip
    planned = prepare(load_config(assignments=settings), write=False)
    assert list(tmp_path.iterdir()) == []
    assert planned.sets.fingerprints() == prepare(load_config(assignments=settings)).sets.fingerprints()


def test_real_pairs_train(real_chairs, small_settings):
    outcome = run(small_settings, f"data.base_path={real_chairs}", "data.input_height=96", "data.input_width=128",
                  "network.name=edgeflow-bilinear", "train.batch_size=2", "train.num_epochs=1")[-1]  # fmt: skip
    assert outcome.steps == 2
    assert math.isfinite(outcome.best)
    assert outcome.zero_epe > 1.0
