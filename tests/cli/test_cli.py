"""The command line as a user meets it: a process of its own, its output and its exit code."""

import json
import subprocess
import sys

import pytest
from command import EFNAS, efnas

from efnas.cli import app


def imported_by(*words):
    """Names of the modules that a command has imported when it ends, as one text."""
    program = f"""
import sys
sys.argv = ["efnas", *{list(words)!r}]
from efnas.cli.app import main
try:
    main()
except SystemExit:
    pass
print(sorted(sys.modules), file=sys.stderr)
"""
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stderr


HEAVY = ["tensorflow", "tensorflow_core", "numpy", "pydantic", "matplotlib", "PIL"]


@pytest.mark.parametrize("words", [
    ["--help"], ["train", "--help"], ["eval", "--help"], ["data", "check", "--help"], ["sample-check", "--help"],
    ["export", "--help"], ["vela-compare", "--help"], ["fit", "--help"], ["manifest", "diff", "--help"],
    ["sweep", "--help"], ["sweep", "query", "--help"], ["infer", "--help"], ["runs", "--help"], ["doctor", "--help"],
    ["pretrained", "--help"],
    ["codec", "show", "000001000"], ["codec", "self-test"], ["codec", "translate", "000001000"],
], ids=" ".join)  # fmt: skip
def test_help_and_codec_import_nothing_heavy(words):
    modules = imported_by(*words)
    assert "'efnas.cli.app'" in modules
    for name in [*HEAVY, "scipy", "yaml", *(["rich"] if "--help" in words else [])]:
        assert f"'{name}'" not in modules, name


def test_help_cuts_nothing():
    """Neither names of options and their values, nor what is said of commands."""
    helped = efnas("sweep", "--help").stdout
    assert "--method auto|additive|pairs|exact" in helped and "--set SECTION.KEY=VALUE" in helped
    for words in ([], ["codec"], ["sweep"]):
        assert "..." not in efnas(*words, "--help").stdout.replace("[ARGS]...", "").replace("outputs/sweep/...", "")
    listed = " ".join(efnas("--help").stdout.split())
    assert all(f"{name} {each.told}" in listed for name, each in app.COMMANDS.items())
    assert [listed.index(f"{panel}:") for panel in ("Train and rank", "Deploy", "Look things up")] == sorted(
        listed.index(f"{each.panel}:") for each in (app.COMMANDS[name] for name in ("train", "fit", "doctor"))
    )


@pytest.mark.parametrize("line", ["efnas ", "efnas codec show 00", "efnas train --set train.", "efnas eval --checkpoint ",
                                  "efnas sweep --vela ", "efnas fit --profile ", "efnas infer --pretrained "])  # fmt: skip
def test_a_completion_imports_nothing_heavy(line, monkeypatch):
    monkeypatch.setenv("_EFNAS_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
    modules = imported_by()
    assert "'efnas.cli.app'" in modules
    assert ("'efnas.cli.completion.values'" in modules) == (line != "efnas ")
    for name in [*HEAVY, "scipy", "rich"]:
        assert f"'{name}'" not in modules, name


def test_sample_check_never_imports_tensorflow():
    modules = imported_by("sample-check", "--cycles", "20")
    assert "'efnas.core.fairness_check'" in modules
    assert "'tensorflow'" not in modules


def test_codec_show_gives_the_known_totals():
    assert "3,594,470,400" in efnas("codec", "show", "0,0,0,0,0,1,0,0,0").stdout
    shown = json.loads(efnas("codec", "show", "#27", "--json").stdout)
    assert (shown["arch"], shown["macs"], shown["params"]) == ("0,0,0,0,0,1,0,0,0", 3594470400, 2743072)
    assert sum(stage["macs"] for stage in shown["stages"].values()) == shown["macs"]


def test_codec_encodes_translates_and_tests_itself():
    assert efnas("codec", "encode", "EB0=2", "H1=3x3").stdout == "1,0,0,0,0,2,0,0,0\n"
    assert efnas("codec", "translate", "000001000").stdout == "0,0,0,0,2,1,2,2,2\n"
    assert "19,683 codes" in efnas("codec", "self-test").stdout


def test_sample_check_answers_and_exits_by_its_answer():
    answer = json.loads(efnas("sample-check", "--cycles", 300, "--seed", 42, "--json").stdout)
    assert answer["gap"] == 0
    assert all(check["passed"] for check in answer["checks"])
    assert set(map(tuple, answer["counts"].values())) == {(300, 300, 300)}


def test_sample_check_with_a_configuration_shows_what_an_epoch_gives(small_chairs, tmp_path):
    (tmp_path / "c.yaml").write_text(f"data:\n  base_path: {small_chairs}\n")
    done = efnas("sample-check", "--config", tmp_path / "c.yaml", "--set", "train.epoch_mode=by_samples",
                 "--set", "train.train_samples_per_epoch=6")  # fmt: skip
    assert "6 of 12 samples, 50.0%" in done.stdout


def test_data_synth_then_check(tmp_path):
    efnas("data", "synth", tmp_path / "made", "--pairs", 5, "--val-pairs", 2, "--height", 32, "--width", 40)
    report = json.loads(efnas("data", "check", tmp_path / "made", "--json").stdout)
    assert [part["pairs"] for part in report["parts"]] == [5, 2]
    assert report["problems"] == []


def test_data_check_lists_what_is_broken_and_exits_1(tmp_path):
    made = tmp_path / "made"
    efnas("data", "synth", made, "--pairs", 4, "--val-pairs", 1, "--height", 32, "--width", 40)
    (made / "train" / "0000001-img_0.png").write_bytes(b"nothing")
    (made / "train" / "0000002-flow_01.flo").unlink()
    done = efnas("data", "check", made, code=1)
    assert "0000001-img_0.png: it is no whole image" in done.stdout
    assert "0000002-flow_01.flo is missing" in done.stdout


def test_data_check_on_the_real_pairs(real_chairs):
    done = efnas("data", "check", real_chairs)
    assert str(real_chairs / "val") in done.stdout


def test_debug_shows_the_traceback():
    done = subprocess.run([*EFNAS, "--debug", "codec", "show", "0"], capture_output=True, text=True)
    assert "Traceback" in done.stderr


@pytest.mark.parametrize("words, found", [
    (["codec", "encode", "EB0=2"], {"arch": "1,0,0,0,0,1,0,0,0"}),
    (["codec", "translate", "000001000"], {"arch": "0,0,0,0,2,1,2,2,2"}),
    (["codec", "self-test"], {"codes": 19683}),
])  # fmt: skip
def test_short_answers_come_as_json_too(words, found):
    assert json.loads(efnas(*words, "--json").stdout).items() >= found.items()


def test_data_synth_answers_as_json(tmp_path):
    words = ["--pairs", 2, "--val-pairs", 1, "--height", 32, "--width", 48, "--json"]
    answer = json.loads(efnas("data", "synth", tmp_path / "made", *words).stdout)
    assert (answer["train_pairs"], answer["val_pairs"]) == (2, 1) and answer["mean_flow_px"] > 0


def test_quiet_leaves_the_answer_and_takes_the_hints():
    assert "Next: efnas vela-compare --arch 000001000" in efnas("codec", "show", "000001000").stdout
    quiet = efnas("codec", "show", "000001000", "--quiet").stdout
    assert "Next" not in quiet and "2,743,072" in quiet


def leaves(command, words=()):
    """Every command that does something, with its words."""
    below = getattr(command, "commands", {})
    if not below or getattr(command, "invoke_without_command", False):
        yield " ".join(words), command
    for name, each in below.items():
        yield from leaves(each, (*words, name))


def test_every_command_has_the_common_options_and_a_help_that_ends():
    for name, listed in app.COMMANDS.items():
        assert listed.told.endswith(".")
        for words, leaf in leaves(app.load(name), [name]):
            assert {"--json", "--quiet", "--no-color"} <= {name for param in leaf.params for name in param.opts}, words
            assert leaf.help and leaf.help.strip().split("\n")[0].endswith((".", ":")), words


@pytest.mark.parametrize("words, options", [
    ("export", ["--base-width", "--base-path"]), ("sweep", ["--base-width", "--base-path", "--set"]),
    ("eval", ["--base-path", "--gpu-device"]), ("fit", ["--config", "--height"]),
])  # fmt: skip
def test_commands_about_a_run_or_a_network_take_the_same_options(words, options):
    assert set(options) <= {name for param in app.load(words).params for name in param.opts}


def test_a_command_that_was_mistyped_is_guessed():
    assert "No such command 'trian'. Did you mean train?" in efnas("trian", code=2).stderr
    assert "Did you mean query?" in efnas("sweep", "querry", code=2).stderr
    assert "No such option: --epochs. Did you mean --num-epochs?" in efnas("train", "--epochs", 3, code=2).stderr
