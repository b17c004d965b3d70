"""The commands on a run that trained one subnet, or the baseline, alone: they ask about that one, and no other."""

import json

import pytest
from command import answer, is_refused_in_a_sentence
from vela_stand_in import real_vela

from efnas.runs.run_files import BEST

SUBNET, BASELINE = "1,2,0,2,1,0,1,2,1", "baseline"


@pytest.fixture(scope="module")
def runs(small_chairs, tmp_path_factory):
    """A folder of two runs of an epoch each."""
    root = tmp_path_factory.mktemp("alone")
    config = root / "small.yaml"
    config.write_text(
        f"runtime: {{gpu_device: -1, threads: 1, output_root: {root / 'runs'}}}\n"
        f"data: {{base_path: {small_chairs}, input_height: 32, input_width: 48}}\n"
        "network: {base_width: 4}\ntrain: {batch_size: 4, num_epochs: 1, lr: 0.002}\n"
        "eval: {bn_recal_batches: 2, eval_batches_per_arch: all}\n"
    )
    for name, arch in (("subnet", "120210121"), ("baseline", "baseline")):
        code, out, err = answer(["train", "--config", config, "--arch", arch, "--experiment-name", name])
        assert code == 0, err
        told = "Subnet 1,2,0,2,1,0,1,2,1" if name == "subnet" else "Bilinear baseline"
        assert f"{told} alone, last evaluation (6 pairs)" in out and "fairness" not in out
        assert f", {told[0].lower()}{told[1:]} alone: 1 epochs of 3 steps" in out and "baseline 0" not in out
    return root / "runs"


def of(runs, name):
    return ["--experiment-name", name, "--output-root", runs]


def told(words):
    code, out, err = answer([*words, "--json"])
    assert code == 0, err
    return json.loads(out)


@pytest.mark.parametrize("name, arch", [("subnet", SUBNET), ("baseline", BASELINE)])
def test_eval_gives_its_error_however_it_is_named(runs, name, arch, tmp_path):
    state = json.loads((runs / name / f"{BEST}.json").read_text())["state"]
    for named in ([], ["--arch", "best"], ["--arch", arch]):
        found = told(["eval", *of(runs, name), *named])
        assert [each["arch"] for each in found["ranking"]] == [arch] and "baseline" not in found
        assert found["mean"] == found["p90"] == pytest.approx(state["best"], rel=1e-6) and found["std"] == 0


@pytest.mark.parametrize("name, arch, other", [("subnet", SUBNET, "222222222"), ("baseline", BASELINE, "000001000")])
def test_another_subnet_is_refused_in_a_sentence(runs, name, arch, other, tmp_path):
    whose = arch if name == "subnet" else "the bilinear baseline"
    for words in (["eval", "--arch", other], ["eval", "--random", 2], ["export", "--arch", other, "--out", tmp_path / "x"],
                  ["vela-compare", "--checkpoint", "best", "--arch", other], ["fit", "--checkpoint", "best", "--arch", other]):  # fmt: skip
        code, out, err = answer([*words, *of(runs, name)])
        assert is_refused_in_a_sentence(code, out, err), err
        assert f"This run trained {whose} alone; it has no other subnet." in err
    for words in (["search"], ["sweep", "--checkpoint", "best"]):
        code, out, err = answer([*words, *of(runs, name)])
        assert is_refused_in_a_sentence(code, out, err) and "needs a supernet, with all its subnets" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name, form", [("subnet", "two-scale"), ("baseline", "two-scale"), ("baseline", "accumulated")]
)
def test_its_file_is_exported_and_verified(runs, name, form, tmp_path):
    found = told(
        ["export", "--arch", "best", *of(runs, name), "--form", form, "--out", tmp_path / "x.tflite", "--verify", 4]
    )
    assert (found["arch"], found["type"]) == (SUBNET if name == "subnet" else BASELINE, "int8")
    assert str(runs / name) in found["source"]["weights"]
    checked = found["verification"]
    assert abs(checked["file_epe"] - checked["float_epe"]) < 0.05 and checked["float_epe"] != checked["zero_epe"]


def test_infer_takes_it_where_no_subnet_is_named(runs, small_chairs, tmp_path):
    pair = [small_chairs / "val" / f"0000012-img_{number}.png" for number in range(2)]
    truth = ["--ground-truth", small_chairs / "val" / "0000012-flow_01.flo"]
    found = told(["infer", *pair, *truth, *of(runs, "baseline")])
    assert found["network"] == "bilinear baseline" and found["pairs"][0]["epe"] > 0
    assert told(["infer", *pair, *truth, *of(runs, "subnet")])["pairs"][0]["epe"] != found["pairs"][0]["epe"]


def test_its_trained_file_is_compared_with_the_baseline(runs, tmp_path):
    real_vela()
    words = ["vela-compare", "--arch", "best", "--checkpoint", "best", "--summary", tmp_path / "summary.json"]
    found = told([*words, *of(runs, "baseline")])
    (own,), base = found["subnets"], found["baseline"]
    assert (own["arch"], own["weights"], base["weights"]) == ("baseline", "best", "random, seed 42")
    assert own["macs"] == base["macs"] and own["sram_mb"] == base["sram_mb"]


def test_its_package_holds_what_was_trained(runs, tmp_path):
    real_vela()
    words = ["package", "--arch", "best", "--optimise", "Performance", "--arena", 80_000, "--out", tmp_path / "package"]
    found = told([*words, *of(runs, "baseline")])
    assert (found["arch"], found["form"]) == (BASELINE, "two-scale")
    assert str(runs / "baseline") in found["source"]["weights"] and len(found["source"]["checkpoint_sha256"]) == 64
    assert json.loads((tmp_path / "package" / "package.json").read_text()) == found


def test_what_it_trained_is_seen_where_runs_are_looked_at(runs):
    found = told(["runs", "--output-root", runs])["runs"]
    assert {each["run"]: each["arch"] for each in found} == {"subnet": SUBNET, "baseline": BASELINE}
    listed = [line.split()[:2] for line in answer(["runs", "--output-root", runs])[1].splitlines() if line.strip()]
    assert ["subnet", SUBNET] in listed and ["baseline", BASELINE] in listed and ["run", "trains"] in listed
    code, shown, _ = answer(["runs", "show", runs / "subnet"])
    assert code == 0 and f"subnet, subnet {SUBNET} alone: finished" in shown and "baseline" not in shown
    code, shown, _ = answer(["checkpoint", "show", runs / "baseline"])
    assert code == 0 and "fairness_counts" not in shown
    assert [line.split() for line in shown.splitlines() if line.split()[:1] == ["arch"]] == [["arch", BASELINE]] * 2
    code, shown, _ = answer(["manifest", "diff", runs / "subnet", runs / "baseline", "--only", "identity"])
    assert code == 1 and "train.arch" in shown and SUBNET in shown
    different = told_differences(runs)
    assert [each["key"] for each in different if each["group"] == "identity"] == ["train.arch"]


def told_differences(runs):
    """Of a run against the configuration that it was made of, which says nothing of a subnet."""
    code, out, _ = answer(["manifest", "diff", runs / "subnet", runs.parent / "small.yaml", "--json"])
    assert code == 1
    return json.loads(out)["differences"]


def test_what_needs_no_weights_knows_every_subnet(runs, tmp_path):
    """A configuration that trains one subnet alone is asked about others where weights are random."""
    config = tmp_path / "alone.yaml"
    config.write_text((runs.parent / "small.yaml").read_text().replace("lr:", "arch: '120210121', lr:"))
    found = told(
        ["export", "--config", config, "--arch", "222222222", "--skip-checkpoint", "--out", tmp_path / "x.tflite"]
    )
    assert found["arch"] == "2,2,2,2,2,2,2,2,2"
