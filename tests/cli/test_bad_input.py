"""Wrong input over all commands: one sentence, exit code 2, no traceback, and nothing on the disk has changed."""

import os
import shutil
import sys

import pytest
from PIL import Image
from vela_stand_in import stand_in_program

from efnas.cli.app import COMMANDS, load, main
from efnas.config_files import load_config
from efnas.runs.manifest import write_manifest
from efnas.training.plan import prepare

CODE = "000001000"


def answer(words, monkeypatch, capsys):
    """Run the command in this process: exit code, standard output, standard error."""
    monkeypatch.setattr(sys, "argv", ["efnas", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capsys.readouterr()
    return ended.value.code or 0, out, err


@pytest.fixture(scope="module")
def place(tmp_path_factory, small_chairs):
    """A folder with all kinds of broken things in it."""
    root = tmp_path_factory.mktemp("place")
    (root / "file").write_text("a file")
    (root / "empty").mkdir()
    configs = {
        "tabs.yaml": "train:\n\tlr: 1", "list.yaml": "- train", "unknown.yaml": "train: {learning_rate: 1}",
        "twice.yaml": "train:\n  lr: 1\n  lr: 2\n", "deep.yaml": "a: " + "[" * 5000,
        "section.yaml": "training: {lr: 1}", "word.yaml": "train: {lr: fast}", "binary.yaml": "\x00\x01",
        "both.yaml": "train: {base_width: 4}\nnetwork: {base_width: 8}", "nested.yaml": "train: 5", "good.yaml": f"data: {{base_path: {small_chairs}, input_height: 32, input_width: 48}}\n"
        "runtime: {gpu_device: -1, threads: 1}\ntrain: {base_width: 4, batch_size: 4}\n"
        f"eval: {{eval_pool_size: 6}}\n",
    }  # fmt: skip
    for name, text in configs.items():
        (root / name).write_text(text)
    (root / "latin.yaml").write_bytes(b"train: \xff")
    broken = shutil.copytree(small_chairs, root / "broken")
    flow = broken / "train" / "0000003-flow_01.flo"
    flow.write_bytes(flow.read_bytes()[:100])
    lone = shutil.copytree(small_chairs, root / "lone")
    shutil.rmtree(lone / "val")
    (lone / "val").mkdir()
    (broken / "list.txt").write_text("train/0000001\ntrain/9999999\n")
    manifest = prepare(load_config(root / "good.yaml")).manifest
    for name in ("bare", "torn"):
        (root / "runs" / name).mkdir(parents=True)
        write_manifest(root / "runs" / name, manifest)
    torn = root / "runs" / "torn" / "train_manifest.json"
    torn.write_text(torn.read_text().replace('"train.lr": 0.0001', '"train.lr": 0.0002'))
    (root / "runs" / "other").mkdir()
    (root / "runs" / "other" / "thesis.tex").write_text("years of work")
    (root / "runs" / "bare" / "supernet_best.ckpt.json").write_text("{}")
    (root / "mine.ini").write_text("[System_Config.A]\ncore_clock=1e6\n")
    stand_in_program(root)
    Image.new("RGB", (5, 7)).save(root / "other.png")
    image = broken / "train" / "0000000-img_0.png"
    (root / "soft.png").symlink_to(image)
    os.link(image, root / "hard.png")
    shutil.copy(broken / "train" / "0000000-flow_01.flo", root / "flow.flo")
    os.mkfifo(root / "pipe.yaml")
    (root / "loop").symlink_to("loop")
    (root / "dangling").symlink_to("nowhere")
    (root / "crash").mkdir()
    stand_in_program(root / "crash", code=1)
    return root


def tree(root) -> dict:
    return {str(path): path.read_bytes() if path.is_file() else None
            for path in root.rglob("*") if path.name != "runs" or path.is_dir()}  # fmt: skip


GOOD = ["--config", "@/good.yaml"]
IMAGE = "@/broken/train/0000000-img_0.png"
RUNS = ["--output-root", "@/runs", "--experiment-name"]
VELA = ["--vela", "@/vela", "--no-cache"]
OWN = [
    "--vela-config",
    "@/mine.ini",
    "--system-config",
    "A",
    "--memory-mode",
    "B",
    "--accelerator-config",
    "ethos-u55-64",
]
SMALL = ["--height", "60", "--width", "80", "--base-width", "8"]

LONG = "x" * 300

CASES = [
    (["nothing"], "No such command 'nothing'"), (["--nothing"], "No such option"), (["codec", "nothing"], "No such command"),
    (["codec", "show"], "Missing argument 'CODE'"), (["codec", "show", "0000"], "9 digits"),
    (["codec", "show", ""], "code is empty"), (["codec", "show", "0,,0"], "Field 2"), (["codec", "show", "00000100x"], "not a digit"),
    (["codec", "show", "000001003"], "out of range"), (["codec", "show", "#19683"], "19682"), (["codec", "show", "#-1"], "not an index"),
    (["codec", "show", "0" * 100_000], "9 digits"), (["codec", "show", CODE, "--height", "-5"], "--height"),
    (["codec", "show", CODE, "--height", "tall"], "not a valid int"), (["codec", "encode", "EB0"], "BLOCK=OPTION"),
    (["codec", "encode", "EB9=1"], "EB9"), (["codec", "encode", "EB0=9"], "EB0"), (["codec", "encode", "EB0=1", "EB0=2"], "twice"),
    (["codec", "translate", "000001009"], "out of range"), (["codec", "self-test", "--network", "other"], "no network 'other'"),
    (["codec", "show", CODE, "--network", "edgeflow"], "there are edgeflow-bilinear"),
    (["sample-check", "--cycles", "0"], "--cycles"), (["sample-check", "--seed", "-1"], "--seed"),
    (["sample-check", "--pool-size", "7"], "multiple of 3"), (["sample-check", "--pool-size", "30000"], "9840"),
    (["sample-check", "--config", "@/absent.yaml"], "no configuration file"),
    (["sample-check", "--set", "network.name=other"], "no network 'other'"),
    (["data", "check", "@/absent"], "no folder"), (["data", "check", "@/file"], "no folder"),
    (["data", "check", "@/empty"], "empty"), (["data", "check", "@/broken", "--list", "absent.txt"], "absent.txt"),
    (["data", "synth", "@/empty"], "exists already"), (["data", "synth", "@/new", "--pairs", "0"], "--pairs"),
    (["data", "synth", "@/new", "--textures", "@/empty"], "holds no photo"), (["data", "synth", "@/file/new"], "Cannot write"),
    (["train", "--config", "@/absent.yaml"], "no configuration file"), (["train", "--config", "@/empty"], "Cannot read"),
    (["train", "--config", "@/tabs.yaml"], "not valid YAML (line 2)"), (["train", "--config", "@/list.yaml"], "must hold sections"),
    (["train", "--config", "@/unknown.yaml"], "Unknown configuration key 'train.learning_rate'"),
    (["train", "--config", "@/section.yaml"], "did you mean 'train'"), (["train", "--config", "@/word.yaml"], "train.lr"),
    (["train", "--config", "@/binary.yaml"], "not valid YAML"), (["train", "--config", "@/latin.yaml"], "Cannot read"),
    (["train", "--config", "@/nested.yaml"], "train"), (["train", *GOOD, "--set", "train.lr"], "section.key=value"),
    (["train", *GOOD, "--set", "=1"], "section.key=value"), (["train", *GOOD, "--set", "train.lr=[1"], "cannot be read"),
    (["train", *GOOD, "--set", "train.lr=.nan"], "train.lr"), (["train", *GOOD, "--set", "train.lr=1e999"], "train.lr"),
    (["train", *GOOD, "--set", "train.batch_sise=4"], "did you mean 'train.batch_size'"),
    (["train", *GOOD, "--set", "data.input_height=30"], "multiple of 4"), (["train", *GOOD, "--batch-size", "0"], "train.batch_size"),
    (["train", *GOOD, "--num-epochs", "9" * 30], "train.num_epochs"), (["train", *GOOD, "--lr", "nan"], "finite"),
    (["train", *GOOD, "--seed", "-1"], "runtime.seed"), (["train", *GOOD, "--gpu-device", "9"], "no GPU number 9"),
    (["train", *GOOD, "--experiment-name", "../x"], "experiment_name"), (["train", *GOOD, "--experiment-name", ""], "experiment_name"),
    (["train", *GOOD, "--base-path", "@/absent"], "no data set"), (["train", *GOOD, "--base-path", "@/empty"], "no folder"),
    (["train", *GOOD, "--base-path", "@/lone"], "val"), (["train", *GOOD, "--set", "data.train_list=absent.txt"], "absent.txt"),
    (["train", *GOOD, "--base-path", "@/broken", "--set", "data.train_list=list.txt"], "9999999"),
    (["train", *GOOD, "--output-root", "@/file"], "file"), (["train", *GOOD, "--output-root", "/proc/efnas"], "/proc"),
    (["train", *GOOD, *RUNS, "bare"], "already holds a run"), (["train", *GOOD, *RUNS, "other"], "not of a run"),
    (["train", *GOOD, *RUNS, "other", "--overwrite"], "not of a run"),
    (["train", *GOOD, "--set", "eval.eval_pool_size=7"], "multiple of 3"), (["train", *GOOD, "--steps-per-epoch", "-2"], "steps_per_epoch"),
    (["train", *GOOD, *RUNS, "absent", "--resume"], "no manifest"), (["train", *GOOD, *RUNS, "bare", "--resume"], "no checkpoint"),
    (["train", *GOOD, *RUNS, "bare", "--resume-from", "best"], "damaged"), (["train", *RUNS, "torn", "--resume"], "damaged"),
    (["train", *GOOD, *RUNS, "bare", "--resume-from", "middle"], "last or best"),
    (["train", *GOOD, *RUNS, "bare", "--resume", "--overwrite"], "contradict"), (["train", *GOOD, "--allow", "train.lr"], "belong to --resume"),
    (["train", *GOOD, *RUNS, "bare", "--resume", "--allow", "train.none"], "no identity key"),
    (["train", *GOOD, *RUNS, "bare", "--dry-run"], "already holds a run"),
    *((["train", *GOOD, "--dry-run", "--output-root", root], why) for root, why in (
        ("@/file", "is a file"), ("@/file/below", "is a file"), ("@/loop", "leads nowhere"), ("@/dangling", "leads nowhere"),
        ("@/loop/below", "leads nowhere"))),
    (["train", *GOOD, *RUNS, "bare", "--resume", "--dry-run"], "no checkpoint"),
    (["train", *GOOD, "--init-from", "@/absent"], "no checkpoint"), (["train", *GOOD, "--init-from", "@/empty"], "no checkpoint in"),
    (["train", *GOOD, "--init-from", "@/file"], "no checkpoint"), (["train", *GOOD, "--init-from", "@/runs/bare"], "damaged"),
    (["train", "--config", "@/both.yaml"], "which is network.base_width today"),
    (["train", *GOOD, *RUNS, "bare", "--resume", "--extend-schedule", "--keep-schedule"], "contradict"),
    (["eval", *GOOD, "--checkpoint", "@/absent.ckpt"], "no checkpoint"), (["eval", *GOOD, "--arch", "12"], "9 digits"),
    (["eval", *GOOD, "--eval-batches", "few"], "a number or all"), (["eval", *GOOD, "--random", "0"], "--random"),
    (["eval", *RUNS, "torn"], "damaged"), (["eval", *GOOD, *RUNS, "bare"], "damaged"),
    (["export", "--arch", CODE], "Missing option '--out'"), (["export", "--arch", "12", "--out", "@/x"], "9 digits"),
    (["export", "--arch", CODE, "--out", "@/x", "--form", "three"], "accumulated or two-scale"),
    (["export", "--arch", CODE, "--out", "@/x", "--skip-checkpoint", "--verify", "2"], "trained weights"),
    (["export", "--arch", CODE, "--out", "@/absent/x", "--skip-checkpoint"], "no folder"),
    (["export", "--arch", "best", "--out", "@/x", "--skip-checkpoint"], "ranked first"),
    (["export", "--arch", "best", "--out", "@/x", *GOOD, *RUNS, "bare"], "no ranking"),
    (["export", "--arch", CODE, "--out", "@/x", *GOOD, *RUNS, "absent"], "no checkpoint"),
    (["vela-compare"], "Missing option '--arch'"), (["vela-compare", "--arch", "12"], "9 digits"),
    (["vela-compare", "--arch", CODE, "--vela", "/nowhere"], "no Vela at /nowhere"),
    (["vela-compare", "--arch", CODE, "--vela", "9.9.9"], "make vela-9.9.9"),
    (["vela-compare", "--arch", CODE, "--vela", "@/file"], "Cannot run"),
    (["vela-compare", "--arch", CODE, *SMALL, "--vela", "@/crash/vela"], "Vela failed with code 1"),
    (["vela-compare", "--arch", CODE, *VELA, "--profile", "esp32"], "no board profile 'esp32'"),
    (["vela-compare", "--arch", CODE, *VELA, "--optimise", "Speed"], "Size or Performance"),
    (["vela-compare", "--arch", CODE, *VELA, "--form", "half"], "accumulated or two-scale"),
    (["vela-compare", "--arch", CODE, *VELA, "--arena", "0"], "--arena"),
    (["vela-compare", "--arch", CODE, *VELA, "--summary", "@/absent/x.json"], "no folder"),
    (["vela-compare", "--arch", CODE, *VELA, "--plot", "@/absent/x.png"], "no folder"),
    (["vela-compare", "--arch", CODE, *VELA, "--keep", "@/file"], "is a file"),
    (["vela-compare", "--arch", CODE, *VELA, "--keep", "@/file/below"], "Cannot make the folder"),
    (["vela-compare", "--arch", CODE, *VELA, "--plot", "@/empty"], "is a folder"),
    (["vela-compare", "--arch", CODE, *VELA, "--summary", "@/empty"], "is a folder"),
    (["export", "--arch", CODE, "--out", "@/empty", "--skip-checkpoint"], "is a folder"),
    (["fit", "--arch", CODE, *VELA, "--plot", "@/x.xyz"], "ends with .png, .svg, .pdf"),
    (["vela-compare", "--arch", CODE, *VELA, "--checkpoint", "best", "--skip-checkpoint"], "contradict"),
    (["vela-compare", "--arch", CODE, *VELA, "--checkpoint", "best", *GOOD, *RUNS, "absent"], "no checkpoint"),
    (["vela-compare", "--arch", "best", *VELA, "--skip-checkpoint"], "not a digit"),
    (["vela-compare", "--arch", CODE, *VELA, "--system-config", "A"], "name it with --vela-config"),
    (["vela-compare", "--arch", CODE, *VELA, "--vela-config", "@/mine.ini"], "needs --system-config"),
    (["vela-compare", "--arch", CODE, *VELA, *OWN], "no section [Memory_Mode.B]"),
    (["vela-compare", "--arch", CODE, *VELA, *OWN, "--profile", "grove-vision-ai-v2"], "no --profile beside it"),
    (["fit", "--arch", "12"], "9 digits"), (["fit", "--arch", CODE, *VELA, "--form", "half"], "accumulated or two-scale"),
    (["fit", "--arch", CODE, *VELA, "--limit-kib", "0"], "--limit-kib"), (["fit", "--arch", CODE, *VELA, "--plot", "@/absent/x.png"], "no folder"),
    (["fit", "--arch", CODE, "--vela", "/nowhere"], "no Vela at /nowhere"),
    (["sweep", *VELA, "--method", "fast"], "auto or additive or pairs or exact"), (["sweep", *VELA, "--form", "x"], "accumulated or two-scale"),
    (["sweep", *VELA, "--optimise", "Speed"], "Size or Performance"), (["sweep", *VELA, "--verify", "1"], "--verify"),
    (["sweep", *VELA, "--tolerance", "-1"], "--tolerance"), (["sweep", "--vela", "/nowhere"], "no Vela at /nowhere"),
    (["sweep", *VELA, "--out", "@/file"], "--out takes a folder"), (["sweep", *VELA, "--dask", "nonsense"], "missing port"),
    (["sweep", *VELA, "--checkpoint", "best", *GOOD, *RUNS, "absent"], "no checkpoint"),
    (["sweep", *VELA, "--arena", "0"], "--arena"), (["sweep", "query"], "Missing argument"),
    (["sweep", "query", "@/absent"], "No such file"), (["sweep", "query", "@/empty"], "No such file"), (["sweep", "query", "@/file"], "Cannot read the table"),
    (["sweep", "query", "@/file", "--top", "0"], "--top"), (["sweep", "querry"], "No such command"),
    (["codec", "show", CODE, "--table", "@/absent"], "No such file"),
    (["vela-compare", "--arch", CODE, *VELA, "--table", "@/empty"], "No such file"),
    (["runs", "--output-root", "@/absent"], "no folder"), (["runs", "show", "@/empty"], "no run in"), (["runs", "show", "nowhere"], "no run in"),
    (["runs", "show", "@/runs/bare", "--plot", "@/x.xyz"], "ends with .png"), (["doctor", "--config", "@/unknown.yaml"], "Unknown configuration key"),
    (["infer", "@/file"], "alone is no pair"), (["infer", "@/file", "@/file"], "no whole image"), (["infer", "@/absent", "@/file"], "No such file"),
    (["infer", "@/empty", "--out", "@/new"], "no two images"), (["infer", "@/file", "@/empty"], "an image and a folder"),
    (["infer", IMAGE, IMAGE, "--tflite", "@/file"], "no .tflite network"), (["infer", IMAGE, IMAGE, "--tflite", "@/absent"], "No such file"),
    (["infer", IMAGE, IMAGE, "--out", "@/x.xyz"], "ends with .png"), (["infer", IMAGE, IMAGE, "--ground-truth", "@/file"], "truncated"),
    (["infer", IMAGE, IMAGE, *GOOD, *RUNS, "absent", "--arch", CODE], "no checkpoint"), (["infer", IMAGE, IMAGE, "--arch", "12", *GOOD], "9 digits"),
    (["infer", "@/broken/train", "--out", "@/file"], "--out names a folder"), (["infer", IMAGE, IMAGE, "--longest", "0"], "--longest"),
    (["infer", IMAGE, "@/other.png"], "differ in size"),
    *((["infer", IMAGE, IMAGE, "--tflite", "@/file", "--out", reached], "would replace") for reached in (
        IMAGE, "@/soft.png", "@/hard.png", "@/empty/../broken/train/0000000-img_0.png")),
    (["infer", IMAGE, "@/other.png", "--out", "@/other.png"], "would replace"), (["infer", "@/broken/train", "--out", "@/broken/train/."], "would replace"),
    (["infer", IMAGE, IMAGE, "--ground-truth", "@/flow.flo", "--out", "@/flow.flo"], "would replace"),
    (["export", "--arch", CODE, "--skip-checkpoint", *GOOD, "--out", "@/good.yaml"], "would replace"),
    (["export", "--arch", CODE, "--skip-checkpoint", "--out", "@/runs/bare/supernet_best.ckpt"], "would replace"),
    (["vela-compare", "--arch", CODE, *VELA, *GOOD, "--summary", "@/good.yaml"], "would replace"),
    (["vela-compare", "--arch", CODE, *VELA, *GOOD, "--summary", "@/x.json", "--max-sram-difference", "nan"], "finite number"),
    (["vela-compare", "--arch", CODE, *VELA, "--max-inference-ratio", "inf"], "finite number"),
    (["fit", "--arch", CODE, *VELA, "--limit-kib", "nan"], "finite number"), (["sweep", *VELA, "--tolerance", "nan"], "finite number"),
    (["sweep", "query", "@/file", "--max-ms", "nan"], "finite number"), (["sweep", "query", "@/file", "--min-fps", "-inf"], "--min-fps"),
    (["infer", IMAGE, IMAGE, "--longest", "nan"], "finite number"), (["data", "synth", "@/new", "--motion", "nan"], "finite number"),
    *((words, "longer than a file's may be") for words in (
        ["infer", LONG, IMAGE], ["train", "--config", LONG], ["data", "check", LONG], ["eval", "--output-root", LONG], ["manifest", "show", LONG],
        ["checkpoint", "show", LONG], ["runs", "show", LONG], ["sweep", "query", LONG], ["export", "--arch", CODE, "--out", LONG])),
    (["train", "--config", "@/twice.yaml"], "the key 'lr' twice (line 3)"), (["train", "--config", "@/deep.yaml"], "nested too deeply"),
    (["train", "--config", "@/pipe.yaml"], "it is no file"), (["train", "--config", "/dev/zero"], "it is no file"),
    (["train", *GOOD, "--set", "train.lr=true"], "must be a number"), (["train", *GOOD, "--set", "train.lr=1:30"], "must be a number"),
    (["codec", "show", "27"], "did you mean '#27'"),
    (["manifest", "show", "@/absent"], "no manifest"), (["manifest", "show", "@/runs/torn"], "damaged"),
    (["manifest", "show", "@/file"], "damaged"), (["manifest", "diff", "@/runs/bare", "@/absent"], "There is no"),
    (["manifest", "diff", "@/runs/bare", "@/unknown.yaml"], "Unknown configuration key"),
    (["manifest", "diff", "@/runs/bare", "@/runs/bare", "--only", "some"], "identity or tuning or place"),
    (["checkpoint", "show", "@/absent.ckpt"], "no checkpoint"), (["checkpoint", "show", "@/empty"], "no checkpoint"),
    (["checkpoint", "show", "@/runs/bare"], "damaged"),
]  # fmt: skip


@pytest.mark.parametrize(
    "words, message", CASES, ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else ""
)
def test_wrong_input(place, words, message, monkeypatch, capsys):
    monkeypatch.chdir(place)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    before = tree(place)
    code, out, err = answer([word.replace("@", str(place)) for word in words], monkeypatch, capsys)
    assert code == 2, out + err
    assert message.lower() in err.lower().replace("\n", " ")
    assert err.startswith("Error: ") and len(err.strip().splitlines()) == 1, err
    assert out == ""
    assert tree(place) == before


def leaves(command, words=()):
    """The words of every command that does something."""
    below = getattr(command, "commands", {})
    for name in below:
        yield from leaves(below[name], (*words, name))
    if not below or words == ("sweep",):  # a command, and a group of another
        yield words


def test_every_command_has_its_wrong_inputs():
    given = [tuple(word for word in words if isinstance(word, str)) for words, _ in CASES]
    for name in COMMANDS:
        for words in leaves(load(name), (name,)):
            assert any(each[: len(words)] == words for each in given), " ".join(words)
