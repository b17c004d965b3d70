"""An exported file that is damaged: told in a sentence, whatever the runtime would do with it."""

import random
import shutil

import numpy as np
import pytest
from command import efnas
from PIL import Image


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Two images, and a network with its description."""
    folder = tmp_path_factory.mktemp("place")
    draw = np.random.RandomState(0)
    for number in range(2):
        Image.fromarray(draw.randint(0, 255, (32, 48, 3), dtype=np.uint8)).save(folder / f"{number}.png")
    efnas("export", "--arch", "000001000", "--skip-checkpoint", "--out", folder / "net.tflite", "--height", 32, "--width", 48,
          "--base-width", 4)  # fmt: skip
    return folder


def infer(place, file, code):
    return efnas("infer", place / "0.png", place / "1.png", "--tflite", file, code=code).stderr


def test_one_flipped_bit_is_noticed_by_the_hash(place, tmp_path):
    for name in ("net.tflite", "net.tflite.json"):
        shutil.copy(place / name, tmp_path)
    infer(place, tmp_path / "net.tflite", 0)
    raw = bytearray((place / "net.tflite").read_bytes())
    raw[len(raw) // 2] ^= 1
    (tmp_path / "net.tflite").write_bytes(bytes(raw))
    assert "net.tflite is damaged, or another file than net.tflite.json describes." in infer(
        place, tmp_path / "net.tflite", 2
    )


def damaged(raw, kind):
    draw = random.Random(kind)
    if isinstance(kind, float):
        return raw[: int(len(raw) * kind)]
    content = bytearray(raw)
    for _ in range(200):
        content[draw.randrange(len(raw) - 40_000 if len(raw) > 80_000 else 0, len(raw))] = draw.randrange(256)
    return bytes(content)


@pytest.mark.parametrize("kind", [0.0, 0.1, 0.5, 0.99, *range(6)])
def test_without_a_description_the_process_does_not_die_of_it(place, tmp_path, kind):
    """It says that it is no network, or, where the damage is in the weights alone, computes with them."""
    (tmp_path / "net.tflite").write_bytes(damaged((place / "net.tflite").read_bytes(), kind))
    words = ["infer", place / "0.png", place / "1.png", "--tflite", tmp_path / "net.tflite"]
    done = efnas(*words, code=(0, 2) if isinstance(kind, int) else (2,))
    if done.returncode:
        assert len(done.stderr.strip().splitlines()) == 1 and done.stderr.startswith("Error: Cannot read")
