"""The runs of a folder: where each stands, and in what they differ."""

import json
import shutil
import subprocess
import sys

import pytest
from command import efnas

from efnas.errors import EfnasError
from efnas.runs.listing import evaluations, find_runs, read_run, varying


@pytest.fixture
def root(straight_run, tmp_path):
    """A finished run, one that stands in the middle of its first epoch, and one that never saved."""
    finished = shutil.copytree(straight_run[-1].folder, tmp_path / "finished")
    for name in ("stopped", "young"):
        shutil.copytree(finished, tmp_path / name)
    seal = tmp_path / "stopped" / "supernet_last.ckpt.json"
    from efnas.runs.seal import read_seal, write_seal

    sealed = read_seal(seal.with_name("supernet_last.ckpt"))
    state = {**sealed.state, "epochs_done": 1, "step": 4, "epoch_steps": 1}
    write_seal(seal.with_name("supernet_last.ckpt"), state, sealed.prefix.name.rsplit(".", 1)[1], sealed.sha256)
    for path in (tmp_path / "young").glob("*"):
        if path.name != "train_manifest.json":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return tmp_path


def test_every_run_is_listed_with_where_it_stands(root):
    found = {run.folder.name: run.as_dict() for run in find_runs(root)}
    assert list(found) == ["finished", "stopped", "young"]
    assert (found["finished"]["state"], found["finished"]["epoch"], found["finished"]["epochs"]) == ("finished", 4, 4)
    assert (found["stopped"]["state"], found["stopped"]["epoch"], found["stopped"]["step"]) == ("stopped", 1, 4)
    assert (found["young"]["state"], found["young"]["best_epe"]) == ("stopped", None)
    last = evaluations(root / "finished")
    assert found["finished"]["best_epe"] == pytest.approx(min(float(row["mean_epe_6"]) for row in last), rel=1e-4)


def test_a_run_that_a_process_holds_is_running(root):
    holder = subprocess.Popen(
        [sys.executable, "-c", "import pathlib, sys\nfrom efnas.runs.lock import RunLock\n"
         f"with RunLock(pathlib.Path({str(root / 'stopped')!r})): print('held', flush=True); sys.stdin.read()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # fmt: skip
    assert holder.stdout.readline() == "held\n"
    assert read_run(root / "stopped").state == "running"
    holder.communicate()
    assert read_run(root / "stopped").state == "stopped"


def test_a_damaged_run_is_listed_with_its_trouble(root):
    (root / "stopped" / "supernet_last.ckpt.json").write_text("{")
    (root / "young" / "train_manifest.json").write_text("{}")
    runs = {run.folder.name: run for run in find_runs(root)}
    assert runs["stopped"].state == runs["young"].state == "damaged"
    assert "not as it was written" in runs["stopped"].trouble
    with open(root / "finished" / "eval_epe_history.csv", "a") as table:
        table.write("5,torn,,,,,,quick")
    with pytest.raises(EfnasError, match="it is damaged"):
        evaluations(root / "finished")


def test_settings_that_vary_are_told_by_run(root):
    from efnas.runs.manifest import read_manifest, write_manifest

    manifest = read_manifest(root / "young")
    manifest["identity"]["train.lr"] = 0.5
    write_manifest(root / "young", manifest)
    differ = varying(find_runs(root))
    assert differ["young"] == {"train.lr": 0.5} and differ["finished"] == {"train.lr": 0.002}


def test_runs_on_crops_and_on_whole_frames_are_told_apart(root):
    from efnas.runs.manifest import read_manifest, write_manifest

    assert {run.as_dict()["geometry"] for run in find_runs(root)} == {"crop"}
    assert "frames" not in efnas("runs", "--output-root", root).stdout
    manifest = read_manifest(root / "young")
    manifest["identity"]["data.geometry"] = "whole"
    write_manifest(root / "young", manifest)
    found = find_runs(root)
    assert [run.as_dict()["geometry"] for run in found] == ["crop", "crop", "whole"]
    assert varying(found)["finished"] == {"data.geometry": "crop"}  # which its manifest need not say
    assert "frames" in efnas("runs", "--output-root", root).stdout


def test_a_run_is_named_by_its_folder_or_its_name(root):
    """Below the usual output folder the name is enough, also in what is proposed next; elsewhere it takes both."""
    project = root / "project"
    for name in ("finished", "young"):
        shutil.copytree(root / name, project / "outputs" / "supernet" / name)
    for words in (["runs", "show"], ["manifest", "show"], ["checkpoint", "show"]):
        by_name = efnas(*words, "finished", cwd=project).stdout
        assert by_name == efnas(*words, "outputs/supernet/finished", cwd=project).stdout
        assert by_name.splitlines()[-1].startswith("Next: efnas ") and "--output-root" not in by_name
        assert str(root) in efnas(*words, root / "finished").stdout.splitlines()[-1]
    assert efnas("manifest", "diff", "finished", "young", cwd=project).stdout.startswith("No differences")
    assert "efnas runs lists the runs" in efnas("manifest", "show", "nowhere", code=2, cwd=project).stderr


def test_a_terminal_that_lacks_signs_gets_others(root, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    assert "epoch 4 of 4" in efnas("runs", "show", root / "finished").stdout


def test_the_command_lists_and_shows(root, tmp_path):
    listed = efnas("runs", "--output-root", root).stdout
    assert "finished" in listed and "3 runs" in listed
    answer = json.loads(efnas("runs", "--output-root", root, "--json").stdout)
    assert [run["run"] for run in answer["runs"]] == ["finished", "stopped", "young"]
    shown = efnas("runs", "show", "finished", "--output-root", root, "--plot", tmp_path / "curves.png").stdout
    assert "EPE in pixels" in shown and "\x1b" not in shown
    assert (tmp_path / "curves.png").stat().st_size > 10_000
    assert "No evaluation yet" in efnas("runs", "show", root / "young").stdout
    answer = json.loads(efnas("runs", "show", root / "finished", "--json").stdout)
    assert answer["state"] == "finished" and len(answer["evaluations"]) == 4
