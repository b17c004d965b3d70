"""A run with a held-out validation set, through the commands: it is the run of a folder that these pairs were moved out of."""

import json
import shutil

import pytest
from command import answer
from interruption import config_of, contents, stopped

from efnas.data.flying_chairs import fingerprint_of
from efnas.data.sources import open_datasets
from efnas.runs.manifest import manifest_of_config, read_manifest

HOLDOUT = "data.val_holdout=4"


def train(settings, root, *more):
    """Its run folder."""
    words = [word for setting in [*settings, f"runtime.output_root={root}", *more] for word in ("--set", setting)]
    code, _, err = answer(["train", "--quiet", *words])
    assert code == 0, err
    return root / "supernet"


def evaluated(folder, *settings):
    """What `efnas eval --json` of a run says, and its notes."""
    words = [word for setting in settings for word in ("--set", setting)]
    place = ["--experiment-name", folder.name, "--output-root", folder.parent]
    code, out, err = answer(["eval", *place, "--json", "--eval-batches", "all", *words])
    assert code == 0, err
    return json.loads(out), " ".join(err.split())


def figures(said):
    return {each["arch"]: each["epe"] for each in said["ranking"]}


@pytest.fixture(scope="module")
def settings(quick_settings, second_space):
    return [*quick_settings, "train.num_epochs=2", "eval.full_every=0"]


@pytest.fixture(scope="module")
def held(settings, tmp_path_factory):
    return train(settings, tmp_path_factory.mktemp("held"), HOLDOUT)


@pytest.fixture(scope="module")
def names(settings, tmp_path_factory):
    sets = open_datasets(config_of(settings, tmp_path_factory.mktemp("none"), HOLDOUT).data)
    return [sample.name for sample in sets.val.samples]


@pytest.fixture(scope="module")
def moved(settings, names, small_chairs, tmp_path_factory):
    """The run of a folder whose validation set are these pairs; the official one is there under another name."""
    chairs = shutil.copytree(small_chairs, tmp_path_factory.mktemp("moved") / "chairs")
    (chairs / "val").rename(chairs / "official")
    (chairs / "val").mkdir()
    for name in names:
        for file in (chairs / "train").glob(f"{name}-*"):
            file.rename(chairs / "val" / file.name)
    return train(settings, tmp_path_factory.mktemp("runs"), f"data.base_path={chairs}")


def test_it_trains_on_all_other_pairs_and_is_measured_on_these_to_the_bit(held, moved, names):
    assert contents(held) == contents(moved)
    identity, other = (read_manifest(folder)["identity"] for folder in (held, moved))
    assert {**other, "data.val_holdout": 4} == identity and identity["data.train.samples"] == 8
    ours, theirs = evaluated(held), evaluated(moved)
    assert figures(ours[0]) == figures(theirs[0]) and ours[1] == theirs[1] == ""
    assert ours[0]["val_fingerprint"] == fingerprint_of(names) and ours[0]["val_pairs_trained_on"] == 0


def test_stopped_and_resumed_it_ends_with_the_same_bits(held, settings, tmp_path):
    assert stopped(config_of(settings, tmp_path, HOLDOUT), step=3)["step"] == 3
    code, _, err = answer(["train", "--resume", "--quiet", "--output-root", tmp_path])
    assert code == 0, err
    assert contents(tmp_path / "supernet") == contents(held)


def test_on_the_official_set_it_is_recalibrated_on_what_it_was_trained_on(held, moved):
    said, notes = evaluated(held, "data.val_holdout=null")
    assert figures(said) == figures(evaluated(moved, "data.val_dir=official")[0])
    assert (said["val_samples"], said["val_pairs_trained_on"], notes) == (6, 0, "")


def test_pairs_that_a_run_was_trained_on_are_said_to_be_such(held, quick_run):
    said, notes = evaluated(quick_run[-1].folder, HOLDOUT)
    assert notes.startswith("Note: 4 of the 4 validation pairs are training pairs too")
    assert (said["val_samples"], said["val_pairs_trained_on"]) == (4, 4)
    said, notes = evaluated(held, "data.val_holdout=6")
    assert notes.startswith("Note: 2 of the 6 validation pairs are training pairs too")
    assert evaluated(held, "data.val_holdout=2")[0]["val_pairs_trained_on"] == 0
    assert evaluated(held, "data.val_holdout=null", "data.val_dir=train")[0]["val_pairs_trained_on"] == 8


def test_a_search_takes_the_held_out_pairs(held, names, settings):
    from efnas.search.passes import open_passes

    config = config_of(settings, held.parent, HOLDOUT)
    with open_passes(config, "best", None, ["Fine"]) as passes:
        assert passes.of["pairs"] == names and passes.doubt is None
    with open_passes(config.changed("data", val_holdout=6), "best", None, ["Fine"]) as passes:
        assert passes.doubt.startswith("2 of the 6")


def test_another_split_is_another_run_and_a_run_without_is_as_it_was(held, settings):
    assert "data.val_holdout" not in manifest_of_config(config_of(settings, held.parent))["identity"]
    for other in ("null", "5"):
        changed = ["--resume", "--output-root", held.parent, "--set", f"data.val_holdout={other}"]
        code, _, err = answer(["train", *changed])
        assert code == 2 and "data.val_holdout" in err.splitlines()[-1]


def test_what_is_shown_before_a_training_says_which_pairs_are_which(small_chairs, tmp_path):
    config = tmp_path / "held.yaml"
    config.write_text(
        f"data: {{base_path: {small_chairs}, input_height: 32, input_width: 48, val_holdout: 4}}\nruntime: {{gpu_device: -1}}\n"
    )
    plan, doctor, check = (answer([*words, "--config", config])[1] for words in (
        ["train", "--dry-run"], ["doctor"], ["sample-check", "--cycles", 30]))  # fmt: skip
    assert "8 from" in plan and "4 held out of" in plan and "8 of 8 samples" in check
    assert [line.split()[:4] for line in doctor.splitlines() if " pairs " in line] == [
        ["train", "pairs", "fine", "8"], ["val", "pairs", "fine", "4"]]  # fmt: skip
