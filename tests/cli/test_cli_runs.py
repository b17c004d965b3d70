"""The commands that train and use a run, as processes of their own: on a terminal, through a pipe, and as JSON."""

import json
import signal

import pytest
from command import efnas
from terminal import Terminal

from efnas.cli.screen.training import LiveScreen, PlainScreen, TrainingScreen
from efnas.config_files import load_config
from efnas.runs.resume import Resume
from efnas.training.events import Event, NotFinite, Stopped
from efnas.training.loop import run_training
from efnas.training.plan import prepare
from efnas.training.stopping import RunStopped


def test_colours_are_for_terminals_that_want_them():
    words = ["sample-check", "--cycles", 20]
    assert "\x1b[32m" in Terminal(*words).finish().written
    plain = Terminal(*words, "--no-color").finish(), Terminal(*words, NO_COLOR="1").finish()
    for written in (*(terminal.written for terminal in plain), efnas(*words).stdout):
        assert "\x1b[3" not in written


@pytest.mark.parametrize("columns", [80, 120])
def test_tables_keep_within_the_terminal(columns):
    """What is too wide would stand on a row of its own."""
    terminal = Terminal("codec", "show", "000001000", columns=columns).finish()
    assert len(terminal.lines) == terminal.written.rstrip().count("\n") + 1
    assert any(line.endswith("32.2%") for line in terminal.lines)


@pytest.fixture(scope="module")
def trained(small_chairs, tmp_path_factory):
    """The folder of a run trained by the command line, its configuration, and the terminal that it ran on."""
    folder = tmp_path_factory.mktemp("cli")
    config = folder / "small.yaml"
    config.write_text(
        f"runtime: {{experiment_name: small, gpu_device: -1, threads: 1, output_root: {folder / 'runs'}}}\n"
        f"data: {{base_path: {small_chairs}, input_height: 32, input_width: 48}}\n"
        "train: {batch_size: 4, base_width: 4, num_epochs: 3}\n"
        "eval: {eval_pool_size: 6, bn_recal_batches: 2, eval_batches_per_arch: all}\n"
    )
    plan = efnas("train", "--config", config, "--dry-run")
    assert "6 strict-fairness steps" in efnas("train", "--config", config, "--dry-run", "--num-epochs", 2).stdout
    assert "nothing was trained" in plan.stdout and f"Next: efnas train --config {config}\n" in plan.stdout
    assert not (folder / "runs").exists()
    return folder, config, Terminal("train", "--config", config, "--num-epochs", 2, "--steps-per-epoch", 2).finish()


@pytest.fixture(scope="module")
def run_folder(trained):
    return trained[:2]


def test_training_on_a_terminal_shows_where_it_is_and_leaves_its_answer(trained):
    terminal = trained[-1]
    for shown in ("epoch 1/2", "4/4", "samples/s", "evaluating the pool after epoch 2"):
        assert shown in terminal.written
    assert "tensorflow/core" not in terminal.written and "Instructions for updating" not in terminal.written
    began, first, second, title = terminal.lines[:4]
    assert began.startswith("Training small: 2 epochs of 2 steps")
    assert first.startswith("epoch   1  loss") and second.startswith("epoch   2  loss")
    assert title == "Subnets of the pool, last evaluation (6 pairs)"
    assert "predicting zero" in terminal.written
    assert any(line.startswith("Next: efnas eval --experiment-name small --output-root") for line in terminal.lines)


def test_train_writes_the_run_that_its_options_describe(run_folder):
    folder, _ = run_folder
    manifest = json.loads((folder / "runs" / "small" / "train_manifest.json").read_text())
    assert manifest["identity"]["train.num_epochs"] == 2
    assert manifest["identity"]["train.steps_per_epoch"] == 2
    assert manifest["identity"]["train.epoch_mode"] == "fixed_steps"
    assert json.loads((folder / "runs" / "small" / "supernet_last.ckpt.json").read_text())["state"]["step"] == 4


def test_eval_ranks_the_pool_and_writes_its_result(run_folder):
    folder, config = run_folder
    done = efnas("eval", "--config", config, "--pictures", folder / "pictures", "--picture-count", 2)
    assert "bilinear baseline" in done.stdout
    result = json.loads((folder / "runs" / "small" / "supernet_eval_result_best.json").read_text())
    assert len(result["ranking"]) == 6
    errors = [row["epe"] for row in result["ranking"]]
    assert result["ranking"][0]["rank"] == 1 and result["ranking"][0]["worse_by"]["mean"] == 0
    for row in result["ranking"]:  # those that cannot be told from the best share its rank
        assert (row["rank"] == 1) == (row["worse_by"]["low"] <= 0)
    assert errors == sorted(errors)
    assert len(list((folder / "pictures").glob("*.png"))) == 2


@pytest.fixture(scope="module")
def evaluated(run_folder):
    """What eval says of the best checkpoint."""
    return json.loads(efnas("eval", "--config", run_folder[1], "--checkpoint", "best", "--json").stdout)


def test_eval_without_a_configuration_takes_that_of_the_run_and_its_best_checkpoint(run_folder, evaluated):
    named = ["eval", "--experiment-name", "small", "--output-root", run_folder[0] / "runs"]
    assert json.loads(efnas(*named, "--json").stdout) == evaluated


def test_eval_takes_archs_random_ones_and_paths(run_folder):
    folder, config = run_folder
    last = folder / "runs" / "small" / "supernet_last.ckpt"
    answer = json.loads(efnas("eval", "--config", config, "--arch", "222222222", "--arch", "#5", "--random", 2,
                              "--checkpoint", last, "--eval-batches", 1, "--bn-recal-batches", 1, "--json").stdout)  # fmt: skip
    archs = [row["arch"] for row in answer["ranking"]]
    assert len(archs) == 5
    assert {"2,2,2,2,2,2,2,2,2", "0,0,0,0,0,0,0,1,2", "0,0,0,0,0,1,0,0,0"} < set(archs)
    assert answer["val_samples"] == 4


def test_eval_reproduces_the_figure_of_the_training(run_folder, evaluated):
    state = json.loads((run_folder[0] / "runs" / "small" / "supernet_best.ckpt.json").read_text())["state"]
    assert evaluated["mean"] == pytest.approx(state["best"], rel=1e-6)


def test_what_tensorflow_has_to_say_is_in_the_log_of_the_run(run_folder):
    folder, _ = run_folder
    log = (folder / "runs" / "small" / "train.log").read_text()
    assert "Instructions for updating" in log  # Python's warnings
    assert "tensorflow/core/platform" in log  # the C++ log
    assert "evaluation after epoch 2" in log


@pytest.fixture(scope="module")
def watched_run(small_chairs, second_space, tmp_path_factory):
    """A real run that was stopped and resumed: its plans and all that happened."""
    settings = [
        f"data.base_path={small_chairs}", "data.input_height=32", "data.input_width=48", "network.name=small",
        "network.base_width=4", "train.batch_size=6", "train.num_epochs=2", "eval.eval_pool_size=6", "eval.bn_recal_batches=1",
        "eval.eval_batches_per_arch=1", "runtime.threads=1", f"runtime.output_root={tmp_path_factory.mktemp('watched')}",
    ]  # fmt: skip
    config = load_config(assignments=settings)
    first, parts = [], []
    for resume in (None, Resume()):
        stop = (lambda: signal.SIGTERM if len(first) > 2 else None) if resume is None else lambda: None
        plan = prepare(config, resume)
        for event in run_training(plan, False, resume, stop):
            first.append(event)
            parts.append((plan, event))
    return parts


@pytest.mark.parametrize("screen", [TrainingScreen, PlainScreen, LiveScreen])
def test_every_screen_takes_all_that_a_run_tells(screen, watched_run, tmp_path, capsys):
    """--json and --quiet have the first, a pipe the second, a terminal the third."""
    assert {type(event) for _, event in watched_run} == set(Event.__args__) - {NotFinite}
    logs = []
    with screen(logs.append) as shown:
        shown.synthesis(1, 2)
        for plan, event in watched_run:
            shown.show(plan, event)
            if isinstance(event, Stopped):
                with pytest.raises(RunStopped, match="Go on with: efnas train --resume"):
                    shown.answer(plan, as_json=False)
        shown.stopping(signal.SIGTERM)
    capsys.readouterr()
    shown.answer(plan, as_json=True)
    assert json.loads(capsys.readouterr().out)["steps"] == 4
    assert logs == [plan.config.runtime.run_folder / "train.log"] * 2
    assert shown.last_errors.samples == 6


def test_a_finished_training_answers_as_json_with_nothing_else(run_folder):
    folder, config = run_folder
    done = efnas("train", "--resume", "--experiment-name", "small", "--output-root", folder / "runs", "--json")
    answer = json.loads(done.stdout)
    assert (answer["steps"], answer["folder"], answer["metric"]) == (4, str(folder / "runs" / "small"), "mean")
    assert not done.stderr


def test_training_through_a_pipe_gives_lines_and_debug_what_tensorflow_has_to_say(run_folder, tmp_path):
    words = ["--output-root", tmp_path, "--num-epochs", 1, "--steps-per-epoch", 1]
    done = efnas("--debug", "train", "--config", run_folder[1], *words)
    began, step, evaluated = done.stdout.splitlines()[:3]
    assert began.startswith("Training small: 1 epochs of 1 steps")
    assert step.startswith("  epoch 1/1  step 1/1  loss") and evaluated.startswith("epoch   1  loss")
    assert "Best mean EPE" in done.stdout and "Next: efnas eval --experiment-name small" in done.stdout
    assert "Instructions for updating" in done.stderr
    assert "Instructions" not in (tmp_path / "small" / "train.log").read_text()


def test_export_on_a_terminal_and_as_json(run_folder, tmp_path):
    """The bar leaves nothing behind on the screen."""
    words = ["export", "--config", run_folder[1], "--arch", "000001000", "--out", tmp_path / "a.tflite"]
    terminal = Terminal(*words, "--verify", 3, "--fine-tune", 2, columns=120).finish()
    for shown in ("Exporting", "Fine-tuning", "2/2", "Verifying", "3/3"):
        assert shown in terminal.written
    assert terminal.lines[0] == str(tmp_path / "a.tflite")
    for told in ("2 steps at 0.0001: loss", "EPE on 3 pairs", "untuned", "tuned in float"):
        assert any(told in line for line in terminal.lines)
    random = efnas(*words, "--skip-checkpoint", "--json")
    assert json.loads(random.stdout)["source"]["weights"] == "random" and not random.stderr


def test_export_without_the_runtime_of_the_board_says_so_and_goes_on(run_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("EFNAS_TFLM", "/nowhere/python")
    out = tmp_path / "a.tflite"
    done = efnas("export", "--config", run_folder[1], "--arch", "000001000", "--out", out, "--verify", 2)
    (note,) = done.stderr.splitlines()
    assert note.startswith("Note: TensorFlow Lite Micro is not at hand")
    assert "EPE on 2 pairs" in done.stdout and "its arena" not in done.stdout and out.exists()
