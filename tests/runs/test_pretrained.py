"""Networks of the package: made of a run, unpacked into a checkpoint, and taken by the commands in place of a run."""

import importlib.util
import json
import shutil

import numpy as np
import pytest
from command import answer, is_refused_in_a_sentence
from conftest import PROJECT, events_of
from interruption import config_of
from layouts import files_of, middlebury_of
from vela_stand_in import real_vela

from efnas.config_files import load_config
from efnas.errors import EfnasError
from efnas.evaluation.frames import read_pair
from efnas.evaluation.inference import subnet_flow
from efnas.export.flow import file_flow
from efnas.runs import pretrained
from efnas.runs.half_precision import unpacked
from efnas.runs.manifest import read_manifest
from efnas.runs.seal import read_seal
from efnas.runs.supernet import supernet_of, whole_supernet_of
from efnas.training.plan import prepare

NAME, CODE = "balanced", "01011"
PAIRS = "data: {dataset: synthetic, synthetic: {train_pairs: 12, height: 48, width: 64, motion: 2, seed: 9}}\n"


def told(*words):
    code, out, err = answer([*words, "--json"])
    assert code == 0, err
    return json.loads(out), err


def is_refused(words, why):
    code, out, err = answer(words)
    return is_refused_in_a_sentence(code, out, err) and why in err


@pytest.fixture(scope="module")
def maker():
    spec = importlib.util.spec_from_file_location("make_pretrained", PROJECT / "docs" / "make_pretrained.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    made.TRAIN_PAIRS, made.VAL_PAIRS = 4, 2
    return made


@pytest.fixture(scope="module")
def run(quick_settings, quick_run, tmp_path_factory):
    """The configuration of a subnet that was trained alone for an epoch."""
    root = tmp_path_factory.mktemp("alone")
    config = config_of(quick_settings, root, f"train.arch='{CODE}'", f"train.init_from={quick_run[-1].folder}",
                       "train.num_epochs=1", "eval.bn_recal_batches=2")  # fmt: skip
    events_of(config)
    return config


@pytest.fixture(scope="module")
def package(run, maker, quick_run, tmp_path_factory):
    """A folder of the package with that network in it, and the supernet."""
    place = tmp_path_factory.mktemp("package")
    (place / "pairs.yaml").write_text(PAIRS)
    tflite, folder = place / "net.tflite", run.runtime.run_folder
    told("export", "--arch", "best", "--out", tflite, "--output-root", folder.parent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pretrained, "packaged_folder", lambda: place / "pretrained")
        maker.main(["network", NAME, str(folder), str(tflite), "--synthetic", str(place / "pairs.yaml")])
        maker.main(["supernet", str(quick_run[-1].folder), "--synthetic", str(place / "pairs.yaml")])
        yield place / "pretrained"


@pytest.fixture
def images(small_chairs):
    return files_of(small_chairs, 0)[:2]


@pytest.fixture
def damaged(package, tmp_path, monkeypatch):
    """A copy of the folder, to be damaged."""
    shutil.copytree(package, tmp_path / "pretrained")
    monkeypatch.setattr(pretrained, "packaged_folder", lambda: tmp_path / "pretrained")
    return tmp_path / "pretrained"


def test_its_flow_is_that_of_the_run_and_no_data_is_opened(package, run, images):
    network = pretrained.pretrained_network(NAME)
    own = load_config(base=network.configuration())
    checkpoint, supernet = unpacked(network, supernet_of(own), own), supernet_of(own)
    flows = {}
    for batches in (2, 0):  # recalibrated, and with the averages of the training
        with subnet_flow(run.changed("eval", bn_recal_batches=batches), "best", supernet.arch) as exact:
            flows[batches] = exact(read_pair(*images))
    with subnet_flow(own.changed("data", base_path=package / "absent"), str(checkpoint), supernet.arch) as flow:
        found = flow(read_pair(*images))
    apart = np.linalg.norm(found - flows[2], axis=-1)
    assert 0 < apart.max() < 1e-2 < np.linalg.norm(flows[2], axis=-1).max()
    assert np.linalg.norm(flows[0] - flows[2], axis=-1).max() > 2 * apart.max()
    assert network.card["rounding"]["largest_px"] < 1e-2 and network.card["rounding"]["pairs"] == 2
    assert read_seal(checkpoint).state["arch"] == "0,1,0,1,1"


def test_it_is_unpacked_once_and_again_where_the_cache_is_damaged(package):
    network = pretrained.pretrained_network(NAME)
    own = load_config(base=network.configuration())
    first = unpacked(network, supernet_of(own), own)
    made = [path.stat().st_mtime_ns for path in sorted(first.parent.iterdir())]
    assert unpacked(network, supernet_of(own), own) == first
    assert [path.stat().st_mtime_ns for path in sorted(first.parent.iterdir())] == made
    sealed = first.with_name(f"{first.name}.json").read_text()
    next(first.parent.glob("*.data-*")).write_bytes(b"")
    assert unpacked(network, supernet_of(own), own) == first
    assert first.with_name(f"{first.name}.json").read_text() == sealed
    wider = own.changed("network", base_width=8)
    with pytest.raises(
        EfnasError, match="pre-trained balanced is of another network: base_width is 4 there and 8 here"
    ):
        unpacked(network, supernet_of(wider), wider)


def test_infer_takes_it_where_no_run_is_named_and_says_so(package, images, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found, said = told("infer", *images)
    assert (found["pretrained"], found["network"]) == (NAME, "balanced, subnet 01011")
    assert said.startswith("Note: No run is named: this is by the pre-trained network balanced")
    named, said = told("infer", *images, "--pretrained", NAME)
    assert named == found and said == ""
    assert "pretrained" not in told("infer", *images, "--output-root", run.runtime.output_root)[0]
    (tmp_path / "outputs" / "supernet" / "supernet").mkdir(parents=True)
    code, _, said = answer(["infer", *images])
    assert code == 2 and "There is no ranking in outputs/supernet/supernet" in said
    of_file, _ = told("infer", *images, "--pretrained", NAME, "--int8")
    flow = file_flow(package / "balanced.tflite")(read_pair(*images))
    assert of_file["pairs"][0]["mean_length"] == pytest.approx(float(np.linalg.norm(flow, axis=-1).mean()), rel=1e-5)


def test_what_names_another_network_beside_it_is_refused(package, images):
    for words, why in ((["infer", *images, "--arch", CODE], "leave out --arch"), (["export", "--out", "x", "--skip-checkpoint"], "leave out --skip-checkpoint"),
                       (["vela-compare", "--experiment-name", "x"], "leave out --experiment-name")):  # fmt: skip
        assert is_refused([*words, "--pretrained", NAME], why)
    assert is_refused(["eval", "--pretrained", NAME], "name it with --data")


def test_another_name_and_a_build_without_any_are_told(package, damaged, images):
    shutil.copy(damaged / "balanced.tflite", damaged / "fast.tflite")
    named = "no pre-trained network 'tiny'; there are balanced, fast."
    assert is_refused(["infer", *images, "--pretrained", "tiny"], named)
    shutil.rmtree(damaged)
    for words in (["infer", *images, "--pretrained", NAME], ["pretrained"], ["vela-compare", "--pretrained", NAME]):
        assert is_refused(words, "comes without pre-trained networks")


@pytest.mark.parametrize("file", ["balanced.npz", "balanced.json", "balanced.tflite.json"])
def test_a_damaged_file_is_named(damaged, file, images):
    content = (damaged / file).read_bytes()
    (damaged / file).write_bytes(content[: len(content) // 2])
    words = ["vela-compare"] if "tflite" in file else ["infer", *images]
    assert is_refused([*words, "--pretrained", NAME], "install efnas again")


def test_a_network_may_be_its_file_alone(package, damaged, maker, run, images, small_chairs, tmp_path):
    maker.main(["network", "fast", str(run.runtime.run_folder), str(package.parent / "net.tflite"), "--file-alone",
                "--synthetic", str(package.parent / "pairs.yaml")])  # fmt: skip
    assert not (damaged / "fast.npz").exists()
    (found, _), (same, _) = (
        told("infer", *images, *words) for words in (["--pretrained", "fast"], ["--int8", "--pretrained", NAME])
    )
    assert found["network"] == "fast, fast.tflite" and found["pairs"] == same["pairs"]
    data = middlebury_of(small_chairs, tmp_path / "data", "Venus")
    assert told("eval", "--data", data, "--pretrained", "fast")[0]["methods"]["fast.tflite"]
    assert is_refused(["export", "--pretrained", "fast", "--out", tmp_path / "x.tflite"], "as an INT8 file alone")


def test_its_errors_and_cost_come_into_its_card(package, damaged, maker, small_chairs, tmp_path):
    """If they are of what is packed."""
    real_vela()
    summary, cost = tmp_path / "errors.json", tmp_path / "cost.json"
    words = ["eval", "--data", middlebury_of(small_chairs, tmp_path / "data", "Venus"), "--summary", summary]
    own = ["--pretrained", NAME]
    for how in ([*own, "--geometry", "crop"], ["--tflite", damaged / "balanced.tflite"], own):
        measured, _ = told(*words, *how)
        maker.main(["errors", NAME, f"Venus={summary}"])
    compared, _ = told("vela-compare", "--pretrained", NAME, "--summary", cost, "--max-inference-ratio", 9)
    assert compared["subnets"][0]["weights"] == "pretrained balanced"
    maker.main(["cost", NAME, str(cost)])
    card, _ = told("pretrained", NAME)
    assert [each["geometry"] for each in card["errors"]] == ["crop", "whole", "full"]
    epe = measured["methods"]["pretrained balanced"]["epe"]
    assert card["errors"][-1]["methods"]["pretrained balanced"]["epe"] == epe
    assert card["cost"]["inference_ms"] == compared["subnets"][0]["inference_ms"]
    code, out, _ = answer(["pretrained"])
    assert code == 0 and f"{epe:.3f}" in out and f"{card['cost']['inference_ms']:.1f}" in out
    code, out, _ = answer(["pretrained", NAME])
    assert code == 0 and "nothing else" in out and "pretrained balanced" in out
    changed = json.loads(summary.read_text())
    summary.write_text(json.dumps({**changed, "sha256": "0"}))
    with pytest.raises(EfnasError, match="measured of something else"):
        maker.main(["errors", NAME, f"Venus={summary}"])


def test_it_is_exported_and_packaged(package, tmp_path):
    real_vela()
    words = ["export", "--pretrained", NAME, "--form", "two-scale", "--verify", 2]
    exported, _ = told(*words, "--out", tmp_path / "x.tflite")
    assert (exported["arch"], exported["form"], exported["verification"]["pairs"]) == ("0,1,0,1,1", "two-scale", 2)
    assert exported["source"]["bn_recal_batches"] == 0 and "training images of" in exported["source"]["calibration"]
    words = ["package", "--pretrained", NAME, "--optimise", "Size"]
    ready, _ = told(*words, "--out", tmp_path / "ready")
    assert (ready["form"], ready["source"]["weights"]) == ("accumulated", "pretrained balanced")
    assert (tmp_path / "ready" / "network.tflite").read_bytes() == (package / "balanced.tflite").read_bytes()
    anew, _ = told(*words, "--form", "two-scale", "--out", tmp_path / "anew")
    assert anew["source"]["weights"].endswith("balanced.ckpt")


def test_a_training_begins_with_the_supernet(package, quick_settings, quick_run, tmp_path):
    words = ["train.init_from=pretrained", "train.num_epochs=1"]
    config = config_of(quick_settings, tmp_path, *words)
    assert config.seen_from_anywhere().train.init_from == config.train.init_from
    start = next(event for event in events_of(config) if hasattr(event, "figures"))
    best = read_seal(quick_run[-1].folder / "supernet_best.ckpt").state["best"]
    assert start.figures["mean"] == pytest.approx(best, rel=1e-3)
    manifest, network = read_manifest(config.runtime.run_folder), pretrained.pretrained_supernet()
    sha256 = read_seal(unpacked(network, whole_supernet_of(config), config)).data_sha256
    assert manifest["place"]["train.init_from"] == "pretrained"
    assert manifest["identity"]["train.init_from_sha256"] == sha256
    with pytest.raises(EfnasError, match="pre-trained supernet is of another network: base_width is 4 there and 8"):
        prepare(config_of(quick_settings, tmp_path, *words, "network.base_width=8"))


def test_what_cannot_be_packed_is_refused(package, damaged, maker, run, quick_run, monkeypatch):
    folder, supernet = str(run.runtime.run_folder), str(quick_run[-1].folder)
    before = sorted(path.name for path in damaged.iterdir())
    pairs, tflite = str(package.parent / "pairs.yaml"), str(package.parent / "net.tflite")
    monkeypatch.setattr(maker, "MOST_BYTES", 10_000)
    for words, why in ((["network", "fast", folder, tflite, "--synthetic", pairs], "the package has 10,000"),
                       (["network", "fast", supernet, tflite], "trained a supernet"), (["network", "fast", folder, tflite], "--synthetic"),
        (["network", "fast", folder, tflite, "--synthetic", str(PROJECT / "configs" / "quickstart.yaml")], "trained on 12"),
                       (["supernet", folder], "not a supernet")):  # fmt: skip
        with pytest.raises(EfnasError, match=why):
            maker.main(words)
    assert sorted(path.name for path in damaged.iterdir()) == before


def test_names_complete(package):
    from efnas.cli.completion.values import _by_metavar

    assert [name for name, _ in _by_metavar("[PRETRAINED]")(None, "b")] == [NAME]
    assert _by_metavar("PRETRAINED")(None, "x") == []
