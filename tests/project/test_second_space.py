"""Nothing but its registry knows the flow's space: a second one, unlike it, goes the whole way as a user would send it.

It has five blocks with two options each, two scales and another stride (see `small_supernet`).
"""

import csv
import json

import numpy as np
import pytest
import yaml
from command import EFNAS_WITH_SMALL, efnas
from conftest import events_of
from interruption import contents, stopped
from PIL import Image
from small_supernet import SMALL, SPACE
from vela_stand_in import real_vela

from efnas.config_files import load_config
from efnas.core import supernet
from efnas.data.flow_files import read_flo
from efnas.runs.resume import Resume
from efnas.runs.run_files import LAST
from efnas.runs.seal import read_whole

BEST = "0,1,1,1,0"


def small(*words, **how):
    return efnas(*words, command=EFNAS_WITH_SMALL, **how)


def answer(*words, **how):
    return json.loads(small(*words, "--json", **how).stdout)


@pytest.fixture(scope="module")
def config(small_chairs, tmp_path_factory):
    """The configuration of a run of two epochs of three steps."""
    folder = tmp_path_factory.mktemp("second")
    settings = {
        "runtime": {"gpu_device": -1, "threads": 1, "output_root": str(folder / "runs"), "experiment_name": "small"},
        "data": {"base_path": str(small_chairs), "input_height": 36, "input_width": 48},
        "network": {"name": "small", "base_width": 4},
        "train": {"batch_size": 4, "num_epochs": 2, "lr": 0.002},
        "eval": {"bn_recal_batches": 1, "eval_pool_size": 6, "eval_batches_per_arch": "all", "full_every": 0},
    }  # fmt: skip
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


@pytest.fixture(scope="module")
def run(config):
    """The folder of that run, trained by the command, and what it answered."""
    told = answer("train", "--config", config)
    return config.parent / "runs" / "small", told


def test_it_trains_with_a_gap_of_zero(run):
    folder, told = run
    assert told["steps"] == 6 and (folder / "supernet_best.ckpt.json").is_file()
    counts = json.loads((folder / "fairness_counts.json").read_text())
    assert counts["gap"] == 0
    assert counts["counts"] == {block.name: [6, 6] for block in SPACE.blocks}
    with open(folder / "eval_epe_history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"] and all(float(row["mean_epe_6"]) > 0 for row in rows)
    assert read_whole(folder / LAST).state["space"] == "small"


def test_a_resumed_training_of_it_equals_one_that_never_stopped(config, tmp_path, monkeypatch):
    monkeypatch.setitem(supernet.SUPERNETS, SMALL.name, SMALL)
    straight, stopped_once = (
        load_config(config, {"runtime.output_root": tmp_path, "runtime.experiment_name": name})
        for name in ("straight", "stopped")
    )
    events_of(straight)
    assert stopped(stopped_once, step=4)["step"] == 4
    assert events_of(stopped_once, Resume())[-1].steps == 6
    assert contents(stopped_once.runtime.run_folder) == contents(straight.runtime.run_folder)


def test_it_is_evaluated_whole(run):
    """All 32 subnets: the result of one does not depend on which others are evaluated."""
    folder, _ = run
    words = ["eval", "--experiment-name", "small", "--output-root", folder.parent]
    every = answer(*words, "--random", SPACE.size)
    found = {each["arch"]: each["epe"] for each in every["ranking"]}
    assert len(found) == 32 == len({*found})
    some = answer(*words, "--arch", BEST)
    assert {each["arch"] for each in some["ranking"]} == {BEST, str(SPACE.baseline)}
    for each in some["ranking"]:
        assert each["epe"] == pytest.approx(found[each["arch"]], abs=1e-6)


OUTPUTS = {"two-scale": {"Coarse/flow": [18, 24, 2], "Fine/residual": [36, 48, 2]},
           "packed": {"Fine/residual": [18, 24, 8], "Coarse/flow": [18, 24, 2]}}  # fmt: skip


@pytest.fixture(scope="module", params=OUTPUTS)
def exported(run, request, tmp_path_factory):
    folder, _ = run
    out = tmp_path_factory.mktemp("file") / "small.tflite"
    words = ["export", "--experiment-name", "small", "--output-root", folder.parent, "--arch", BEST, "--out", out]
    return out, answer(*words, "--form", request.param, "--verify", 4)


def test_it_is_exported_in_int8_and_verified(exported):
    _, told = exported
    assert (told["arch"], told["space"], told["type"]) == (BEST, "small", "int8")
    assert {port["name"]: port["shape"][1:] for port in told["outputs"]} == OUTPUTS[told["form"]]
    assert abs(told["verification"]["gap"]) < 0.1


def test_infer_takes_its_checkpoint_and_its_file(run, exported, tmp_path):
    folder, _ = run
    draw = np.random.RandomState(0)
    images = [tmp_path / f"{number}.png" for number in range(2)]
    for path in images:
        Image.fromarray(draw.randint(0, 255, (36, 48, 3), dtype=np.uint8)).save(path)
    small("infer", *images, "--tflite", exported[0], "--out", tmp_path / "file.flo")
    small("infer", *images, "--experiment-name", "small", "--output-root", folder.parent, "--arch", BEST,
          "--out", tmp_path / "checkpoint.flo")  # fmt: skip
    of_file, exact = (read_flo(tmp_path / f"{name}.flo") for name in ("file", "checkpoint"))
    assert exact.shape == of_file.shape == (36, 48, 2)
    assert np.abs(of_file - exact).mean() < 0.2 * np.abs(exact).mean() + 0.02


def test_it_is_swept_by_the_real_compiler_and_compared_with_its_own_baseline(tmp_path):
    real_vela()
    of_it = ["--set", "network.name=small", "--height", 36, "--width", 48, "--base-width", 8]
    told = answer("sweep", *of_it, "--method", "exact", "--verify", 8, "--out", tmp_path / "sweep")
    assert told["space"] == ["small", 4] and told["compiled"] == 32 and not told["failed"]
    assert told["proofs"][-1]["largest_error"] == 0.0  # composed files cost what exported ones do
    with open(tmp_path / "sweep" / "table.csv", newline="") as file:
        rows = {row["arch"]: row for row in csv.DictReader(file)}
    assert len(rows) == 32 and {row["Wide"] for row in rows.values()} == {"as wide", "three times as wide"}
    compared = answer("vela-compare", *of_it, "--arch", str(SPACE.baseline), "--arch", BEST, "--max-inference-ratio", 9,
                      "--max-sram-difference", 9, "--summary", tmp_path / "compare.json")  # fmt: skip
    base, (same, best) = compared["baseline"], compared["subnets"]
    assert same["macs"] == base["macs"] and same["sram_mb"] == base["sram_mb"]
    for each in (same, best):
        assert each["inference_ms"] == pytest.approx(float(rows[each["arch"]]["latency_ms"]), abs=1e-6)
    found = answer("sweep", "query", tmp_path / "sweep", "--max-ms", rows[BEST]["latency_ms"])
    assert BEST in [row["arch"] for row in found["rows"]] and found["found"] < 32


def test_it_is_searched_and_its_costs_are_swept_first(run, tmp_path):
    real_vela()
    folder, _ = run
    words = ["search", "--experiment-name", "small", "--output-root", folder.parent, "--out", tmp_path / "search"]
    told = answer(*words, "--top", 32, cwd=tmp_path)
    assert (told["found"], told["pairs"]) == (32, 6) and told["best"]["arch"] in [
        each["arch"] for each in told["alike"]
    ]
    every = answer("eval", "--experiment-name", "small", "--output-root", folder.parent, "--random", SPACE.size)
    found = {each["arch"]: each["epe"] for each in every["ranking"]}
    with open(tmp_path / "search" / "table.csv", newline="") as file:
        rows = {row["arch"]: row for row in csv.DictReader(file)}
    for arch, epe in found.items():
        assert float(rows[arch]["epe"]) == pytest.approx(epe, abs=1e-4)
    assert (tmp_path / "outputs" / "sweep").is_dir() and {row["known"] for row in rows.values()} <= {
        "compiled",
        "derived",
    }
    fastest = min(float(row["latency_ms"]) for row in rows.values())
    asked = answer("search", "query", tmp_path / "search", "--max-ms", fastest + 1e-6)
    assert asked["found"] < 32 and asked["best"]["latency_ms"] == fastest
    again = small(*words, "--top", 3, cwd=tmp_path)  # nothing is swept or computed again
    assert "32 of 32 subnets" in again.stdout and "sweeping" not in again.stderr
    refused = small(*words, "--pairs", 3, cwd=tmp_path, code=2)
    assert "holds errors of something else: pairs was 6 of them and is 3 of them" in refused.stderr


def test_its_codes_and_its_sampler_are_checked():
    assert answer("codec", "self-test", "--network", "small") == {"codes": 32, "round_trips": 5}
    shown = answer("codec", "show", "01110", "--network", "small", "--height", 36, "--width", 48)
    assert shown["blocks"]["Wide"] == {"digit": 1, "option": "three times as wide"}
    checked = answer("sample-check", "--set", "network.name=small", "--cycles", 100, "--pool-size", 6)
    assert all(check["passed"] for check in checked["checks"]) and checked["counts"]["Body"] == [100, 100]


def test_a_checkpoint_of_it_is_not_taken_for_one_of_the_flow(run):
    folder, _ = run
    done = efnas("eval", "--checkpoint", folder / "supernet_best.ckpt", "--set", "network.base_width=4", code=2)
    assert "space" in done.stderr and "small" in done.stderr
