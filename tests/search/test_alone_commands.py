"""`efnas retrain` and `efnas fidelity` on a search with made-up errors: real trainings, real files, the real compiler."""

import csv
import json
import shutil

import numpy as np
import pytest
from command import answer, efnas, is_refused_in_a_sentence
from conftest import PROJECT, events_of

from efnas.config_files import load_config
from efnas.core.supernet import EDGEFLOW
from efnas.cost.table import DERIVED, CostTable, Row, write_table
from efnas.data.sources import open_datasets
from efnas.data.synthesis import SceneStyle, write_dataset
from efnas.evaluation.confidence import halves
from efnas.evaluation.ranking import subnet_errors
from efnas.runs.manifest import load_run_config
from efnas.runs.run_files import BEST, LAST
from efnas.runs.seal import read_seal
from efnas.search.answer import with_errors
from efnas.search.errors import GrowingErrors, read_errors

SPACE = EDGEFLOW.space
VELA = PROJECT / ".venv-vela" / "bin" / "vela"
pytestmark = pytest.mark.skipif(not VELA.exists(), reason=f"the compiler is not at {VELA}")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A trained supernet: its configuration, and its folder."""
    root = tmp_path_factory.mktemp("trained")
    chairs = root / "chairs"
    write_dataset(chairs, 12, 12, 3, SceneStyle(48, 64, motion=2.0, detail=4.0, structure=24.0, shapes=3))
    config = load_config(assignments=[
        f"data.base_path={chairs}", "data.input_height=32", "data.input_width=48", "network.base_width=4",
        "train.batch_size=4", "train.num_epochs=1", "train.lr=0.002", "eval.bn_recal_batches=2", "eval.eval_pool_size=6",
        "eval.eval_batches_per_arch=all", "runtime.gpu_device=-1", "runtime.threads=1", f"runtime.output_root={root}",
    ])  # fmt: skip
    events_of(config)
    return config, root / config.runtime.experiment_name


@pytest.fixture(scope="module")
def search(trained, tmp_path_factory):
    """A search of that run: a heavier subnet is slower, and has a smaller error; a trace of noise on top."""
    config, run = trained
    folder, rng = tmp_path_factory.mktemp("search"), np.random.RandomState(0)
    pairs = [sample.name for sample in open_datasets(config.data).val.samples]
    assert 0 < halves(pairs).sum() < len(pairs)
    light = np.array(list(SPACE.codes())).sum(axis=1)
    of = {**EDGEFLOW.identity(4), "checkpoint": read_seal(run / BEST).data_sha256, "epoch": 1, "input": [32, 48],
          "pairs": pairs, "data": {}, "recalibration": {}}  # fmt: skip
    growing = GrowingErrors(folder, of, SPACE.size, overwrite=False)
    growing.write(0, (1.5 + 0.01 * light[:, None] + rng.normal(0, 1e-3, (SPACE.size, len(pairs)))).astype("f"))
    growing.finish([2.0] * len(pairs), {"subnets": 0, "all_by_px": 0.0, "apart_by_px": 0.0, "between_subnets_px": 0.0})
    rows = [Row(str(arch), {block.name: block.label(digit) for block, digit in zip(SPACE.blocks, arch)}, 30.0 - weight,
                1.0, 1.0, True, 1, 1, 1.0, DERIVED, 0.0, 0.0, 0.0, None)
            for arch, weight in zip(SPACE.codes(), light)]  # fmt: skip
    about = {"title": "made up", "space": [SPACE.name, SPACE.version], "height": 32, "width": 48, "base_width": 4,
             "proofs": [{"largest_flash_error_kib": 0.0}], "form": "two-scale", "profile": "grove-vision-ai-v2",
             "vela": {"version": "4.5.0", "optimise": "Performance", "arena": None, "legacy_core": False}}  # fmt: skip
    write_table(folder, with_errors(CostTable(rows, about, SPACE), read_errors(folder)))
    return folder


def words(command, trained, search, out, *more):
    _, run = trained
    place = ["--output-root", run.parent, "--experiment-name", run.name]
    return efnas(command, *place, "--search", search, "--out", out, "--jobs", 2, "--num-epochs", 1, *more)


@pytest.fixture(scope="module")
def retrained(trained, search, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "retrain"
    words("retrain", trained, search, out, "--top", 2, "--part", "1/2")
    assert not (out / "results.csv").exists() and len(list((out / "runs").glob("*/supernet_last.ckpt.json"))) == 3
    return out, words("retrain", trained, search, out, "--top", 2, "--vela", VELA, "--json")


def test_the_front_and_the_baseline_are_trained_measured_and_told(retrained, trained):
    out, done = retrained
    results = json.loads(done.stdout)["results"]
    # The ends of the front, as the lightest subnet is the fastest, and the heaviest has the least error.
    names = [(each["arch"], each["begun_from"]) for each in results]
    fast, best = ",".join("222222222"), ",".join("000000000")
    assert names == [
        ("baseline", "scratch"),
        (fast, "scratch"),
        (fast, "supernet"),
        (best, "scratch"),
        (best, "supernet"),
    ]
    with open(out / "results.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    for row, each in zip(rows, results):
        assert row["file"] == each["file"] and (out / "files" / row["file"]).is_file()
        assert float(row["float_epe"]) == pytest.approx(each["float_epe"]) and each["steps"] == 3
        assert each["float_low"] <= each["float_epe"] <= each["float_high"]
        assert each["int8_epe"] - each["float_epe"] == pytest.approx(each["int8_gap"], abs=1e-6)
        assert each["latency_ms"] > 0 and each["sram_kib"] > 0 and each["flash_kib"] > 0
    assert results[0]["against_baseline"] is None and results[0]["supernet_epe"] is None
    for each in results[1:]:
        assert each["float_epe"] - results[0]["float_epe"] == pytest.approx(each["against_baseline"], abs=1e-6)
    assert {results[1]["supernet_rank"], results[3]["supernet_rank"]} == {1, 2}
    page = (out / "results.md").read_text()
    pairs = [sample.name for sample in open_datasets(trained[0].data).val.samples]
    assert f"{(~halves(pairs)).sum()} of {len(pairs)} validation pairs" in page
    assert all(each["arch"] in page for each in results)


def test_what_is_reported_comes_from_the_half_that_chose_nothing_and_from_the_last_weights(retrained, trained):
    out, done = retrained
    each = json.loads(done.stdout)["results"][1]
    run = out / "runs" / each["file"].replace(".tflite", "")
    config = load_run_config(None, {"runtime.output_root": run.parent, "runtime.experiment_name": run.name})
    found = subnet_errors(config, "last", [SPACE.parse("222222222")], lambda done, total: None)
    pairs = [sample.name for sample in open_datasets(config.data).val.samples]
    assert each["float_epe"] == pytest.approx(found.by_pair[0][~halves(pairs)].mean(), abs=1e-5)


def test_a_second_call_trains_and_measures_nothing(retrained, trained, search):
    out, done = retrained
    before = {path: path.stat().st_mtime_ns for path in (out / "runs").glob(f"*/{LAST}.json")}
    files = {path: path.stat().st_mtime_ns for path in (out / "files").iterdir()}
    again = words("retrain", trained, search, out, "--top", 2, "--vela", VELA, "--json")
    assert json.loads(again.stdout) == json.loads(done.stdout)
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert files == {path: path.stat().st_mtime_ns for path in files}


SUBNETS = ["--subnets", 4, "--twins", 1, "--twice", 2]


@pytest.fixture(scope="module")
def compared(trained, search, tmp_path_factory):
    """A fidelity with a schedule: its folder and what was told."""
    out = tmp_path_factory.mktemp("out") / "fidelity"
    return out, json.loads(words("fidelity", trained, search, out, *SUBNETS, "--schedule", "2", "--json").stdout)


def rows_of(file):
    with open(file, newline="") as text:
        return list(csv.DictReader(text))


def test_fidelity_trains_what_it_draws_and_compares(compared):
    out, told = compared
    assert told["subnets"] == 4 and told["trained_twice"] == 2 and told["pairs"] == 12
    assert len(list((out / "runs").glob(f"*/{LAST}.json"))) == 6
    assert ",".join("000001000") in told["subnets_trained"] and told["budget"]["epochs"] == 1
    assert -1 <= told["tau"]["value"] <= 1
    rows = rows_of(out / "fidelity.csv")
    # Alone as told, the mean of both seeds where there are two, less what the second does to all alike.
    first, second, alone = (
        np.array([float(row[name]) for row in rows if row["second_seed_epe"]])
        for name in ("first_seed_epe", "second_seed_epe", "alone_epe")
    )
    assert (first != second).all()
    np.testing.assert_allclose(alone, (first + second - (second - first).mean()) / 2, rtol=1e-9)
    assert sum(bool(row["second_seed_epe"]) for row in rows) == 2
    seeds = {path.name.rsplit("-", 1)[1] for path in (out / "runs").glob("*-*") if path.is_dir()}
    assert seeds == {"42", "43"}
    assert (out / "fidelity.png").stat().st_size > 10_000


def test_a_schedule_trains_those_trained_twice_at_other_budgets_too_and_the_main_budget_is_one_of_them(compared):
    out, told = compared
    twice = [row for row in rows_of(out / "fidelity.csv") if row["second_seed_epe"]]
    names = {f"{row['arch'].replace(',', '')}-{seed}" for row in twice for seed in (42, 43)}
    assert {seal.parent.name for seal in (out / "schedule" / "2").glob(f"*/{LAST}.json")} == names
    assert not (out / "schedule" / "1").exists()
    assert [(each["epochs"], each["steps"]) for each in told["schedule"]] == [(1, 3), (2, 6)]
    rows = rows_of(out / "schedule.csv")
    assert len(rows) == 8
    for row in rows:
        (own,) = (each for each in twice if each["arch"] == row["arch"])
        name, both = f"{row['arch'].replace(',', '')}-{row['seed']}", (own["first_seed_epe"], own["second_seed_epe"])
        if row["epochs"] == "1":
            assert row["epe"] == both[int(row["seed"]) - 42]
        kept = out / "errors" / ("" if row["epochs"] == "1" else "2") / f"{name}.json"
        assert float(row["epe"]) == pytest.approx(np.mean(json.loads(kept.read_text())["epe"]))
    for each in told["schedule"]:
        own = [float(row["epe"]) for row in rows if int(row["epochs"]) == each["epochs"]]
        assert each["epe"] == pytest.approx(np.mean(own))
    assert (out / "schedule.png").stat().st_size > 10_000 and "(schedule.png)" in (out / "fidelity.md").read_text()


def refusal(words) -> str:
    """The sentence that a command refuses its input with."""
    answered = answer(words)
    assert is_refused_in_a_sentence(*answered), answered
    return answered[2]


def test_another_supernet_is_compared_with_what_was_trained_and_trains_nothing(
    compared, trained, tmp_path, monkeypatch
):
    out, told = compared
    config, run = trained
    shutil.copytree(run, tmp_path / "second")  # a run without a search
    place = ["fidelity", "--output-root", tmp_path, "--experiment-name", "second"]
    before = sorted(out.rglob("*"))
    done = json.loads(efnas(*place, "--against", out, "--out", tmp_path / "out", "--json").stdout)
    assert sorted(out.rglob("*")) == before
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "fidelity.csv", "fidelity.json", "fidelity.md", "fidelity.png", "measured.json"
    }  # fmt: skip
    first, second = rows_of(out / "fidelity.csv"), rows_of(tmp_path / "out" / "fidelity.csv")
    assert [[row["arch"], row["alone_epe"]] for row in first] == [[row["arch"], row["alone_epe"]] for row in second]
    archs = [SPACE.parse(row["arch"]) for row in second]
    expected = subnet_errors(config, "best", archs, lambda done, total: None).epe
    found = [float(row["supernet_epe"]) for row in second]
    assert found == pytest.approx([expected[arch] for arch in archs], abs=1e-6) and len(set(found)) == 4
    assert done["against"]["of"] == run.name
    assert done["against"]["gain"] == [pytest.approx(done["tau"]["value"] - told["tau"]["value"]), None, None]
    monkeypatch.chdir(tmp_path)
    for more, why in [
        (["--twice", 2], "leave out --twice."), (["--schedule", "3", "--jobs", 2], "leave out --schedule, --jobs."),
        (["--set", "train.lr=0.1"], "leave out --set train.lr=0.1."), (["--out", out], "--out would replace"),
        (["--set", "data.val_dir=train"], "on other validation pairs than second has"),
        (["--against", tmp_path], "There is no measured.json"), (["--against", "outputs/fidelity/second"], "what --against compares with"),
    ]:  # fmt: skip
        assert why in refusal([*place, *([] if "--against" in more else ["--against", out]), *more])


@pytest.mark.parametrize("command", ["retrain", "fidelity"])
def test_wrong_input_is_one_sentence_and_writes_nothing(command, trained, search, tmp_path):
    _, run = trained
    place = [command, "--output-root", run.parent, "--experiment-name", run.name, "--out", tmp_path / "out"]
    cases = [
        (["--search", tmp_path / "absent"], "no errors in"), (["--search", search, "--part", "3/2"], "--part must be as in"),
        (["--search", search, "--jobs", "0"], "--jobs"), (["--search", search, "--set", "train.arch=2,2,2,2,2,2,2,2,2"], "needs a supernet"),
    ]  # fmt: skip
    own = {"retrain": [(["--search", search, "--arch", "9"], "arch code"), (["--search", search, "--from", "nothing"], "--from is"),
                       (["--search", search, "--max-ms", "1"], "No subnet keeps these limits")],
           "fidelity": [(["--search", search, "--subnets", "4", "--twins", "2"], "cannot be had"),
                        (["--search", search, "--subnets", "99999"], "cannot be had"),
                        (["--search", search, "--schedule", "2,2"], "different numbers of epochs"),
                        (["--search", search, "--schedule", "2", "--twice", "0"], "--twice must be 1 or more")]}  # fmt: skip
    for more, why in cases + own[command]:
        assert why in refusal([*place, *more])
        assert not (tmp_path / "out").exists()
