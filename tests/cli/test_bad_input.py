"""Wrong input over all commands: one sentence, exit code 2, no traceback, and nothing on the disk has changed."""

import os
import shutil
import struct
import zlib

import pytest
from command import answer, is_refused_in_a_sentence
from kinds_of_input import cases
from PIL import Image
from vela_stand_in import stand_in_program
from wrong_inputs import CASES

from efnas.cli.app import COMMANDS, load
from efnas.config_files import load_config
from efnas.runs.manifest import write_manifest
from efnas.training.plan import prepare


@pytest.fixture(scope="module")
def place(tmp_path_factory, small_chairs):
    """A folder with all kinds of broken things in it."""
    root = tmp_path_factory.mktemp("place")
    (root / "file").write_text("a file")
    (root / "empty").mkdir()
    configs = {
        "tabs.yaml": "train:\n\tlr: 1", "list.yaml": "- train", "unknown.yaml": "train: {learning_rate: 1}",
        "twice.yaml": "train:\n  lr: 1\n  lr: 2\n", "deep.yaml": "a: " + "[\n" * 5000,
        "section.yaml": "training: {lr: 1}", "word.yaml": "train: {lr: fast}", "zeros.yaml": "train: {arch: 000001000}", "binary.yaml": "\x00\x01",
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
    (root / "runs" / "alone").mkdir()
    write_manifest(
        root / "runs" / "alone", prepare(load_config(root / "good.yaml", {"train.arch": "000001000"})).manifest
    )
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
    (root / "cut.png").write_bytes(image.read_bytes()[:-100])
    Image.new("RGB", (64, 48)).save(root / "bmp.png", "BMP")
    vast = bytearray(image.read_bytes())
    vast[16:24] = struct.pack(">II", 60_000, 60_000)
    vast[29:33] = struct.pack(">I", zlib.crc32(vast[12:29]))
    (root / "vast.png").write_bytes(vast)
    os.mkfifo(root / "pipe.yaml")
    (root / "loop").symlink_to("loop")
    (root / "dangling").symlink_to("nowhere")
    (root / "searched").mkdir()
    (root / "searched" / "errors.json").write_text('{"format": 1, "of": {}}')
    (root / "crash").mkdir()
    stand_in_program(root / "crash", code=1)
    return root


def tree(root) -> dict:
    return {str(path): path.read_bytes() if path.is_file() else None
            for path in root.rglob("*") if path.name != "runs" or path.is_dir()}  # fmt: skip


def refused(place, words, monkeypatch):
    """What the command says: one sentence, exit code 2, and nothing on the disk has changed."""
    monkeypatch.chdir(place)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    before = tree(place)
    code, out, err = answer([word.replace("@", str(place)) for word in words])
    assert is_refused_in_a_sentence(code, out, err), out + err
    assert tree(place) == before
    return err


def briefly(words):
    return " ".join(words)[:80].replace("\0", "NUL") if isinstance(words, list) else ""


@pytest.mark.parametrize("words, message", CASES, ids=briefly)
def test_wrong_input(place, words, message, monkeypatch):
    assert message.lower() in refused(place, words, monkeypatch).lower().replace("\n", " ")


@pytest.mark.parametrize("words", cases(), ids=briefly)
def test_wrong_input_of_a_kind(place, words, monkeypatch):
    assert len(refused(place, words, monkeypatch)) < 600


def leaves(command, words=()):
    """The words of every command that does something."""
    below = getattr(command, "commands", {})
    for name in below:
        yield from leaves(below[name], (*words, name))
    if not below or words in (("sweep",), ("search",)):  # a command, and a group of another
        yield words


def test_every_command_has_its_wrong_inputs():
    given = [tuple(word for word in words if isinstance(word, str)) for words, _ in CASES]
    for name in COMMANDS:
        for words in leaves(load(name), (name,)):
            assert any(each[: len(words)] == words for each in given), " ".join(words)
