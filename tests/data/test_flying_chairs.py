"""The index of a data set and its check: nothing broken goes unnamed."""

import shutil

import numpy as np
import pytest
from PIL import Image

from efnas.data.check import check_sample
from efnas.data.flow_files import read_flo, write_flo
from efnas.data.flying_chairs import index_folder, index_list
from efnas.errors import EfnasError


@pytest.fixture
def chairs(small_chairs, tmp_path):
    return shutil.copytree(small_chairs, tmp_path / "chairs")


def test_a_real_folder_is_indexed_and_in_order(real_chairs):
    dataset = index_folder(real_chairs / "train")
    assert [sample.name for sample in dataset.samples] == [f"{number:07d}" for number in range(4)]
    assert [check_sample(sample, 180, 240) for sample in dataset.samples] == [None] * 4


@pytest.mark.parametrize("ending", ["-img_0.png", "-img_1.png", "-flow_01.flo"])
def test_a_missing_file_of_a_pair_is_named(chairs, ending):
    (chairs / "train" / f"0000005{ending}").unlink()
    with pytest.raises(EfnasError, match=f"0000005{ending} is missing"):
        index_folder(chairs / "train")


def test_an_empty_or_missing_folder_says_what_was_looked_for(tmp_path):
    with pytest.raises(EfnasError, match="-img_0.png"):
        index_folder(tmp_path)
    with pytest.raises(EfnasError, match="no folder"):
        index_folder(tmp_path / "nothing")


def break_image(chairs):
    path = chairs / "train" / "0000002-img_1.png"
    path.write_bytes(path.read_bytes()[:200])


def break_size(chairs):
    Image.fromarray(np.zeros((48, 60, 3), np.uint8)).save(chairs / "train" / "0000002-img_1.png")


def break_flow_size(chairs):
    write_flo(chairs / "train" / "0000002-flow_01.flo", np.zeros((48, 60, 2)))


def break_flow_values(chairs):
    flow = read_flo(chairs / "train" / "0000002-flow_01.flo")
    flow[3, 4, 1] = np.nan
    write_flo(chairs / "train" / "0000002-flow_01.flo", flow)


@pytest.mark.parametrize("damage, message", [
    (break_image, "0000002-img_1.png is truncated"), (break_size, "0000002-img_1.png is 60x48 pixels"),
    (break_flow_size, "0000002-flow_01.flo is 60x48 pixels"), (break_flow_values, "1 values that are not finite"),
])  # fmt: skip
def test_the_check_names_the_broken_file(chairs, damage, message):
    damage(chairs)
    findings = [check_sample(sample) for sample in index_folder(chairs / "train").samples]
    assert [number for number, finding in enumerate(findings) if finding] == [2]
    assert message in findings[2]


def test_images_smaller_than_the_crop_are_named(chairs):
    sample = index_folder(chairs / "val").samples[0]
    assert "smaller than the input" in check_sample(sample, 180, 240)


def test_a_list_takes_stems_first_images_or_three_paths(chairs):
    lines = ["# a comment", "", "train/0000001", "train/0000002-img_0.png  # and another",
             "train/0000003-img_0.png train/0000003-img_1.png train/0000003-flow_01.flo"]  # fmt: skip
    (chairs / "list.txt").write_text("\n".join(lines))
    dataset = index_list(chairs / "list.txt", chairs)
    assert [sample.name for sample in dataset.samples] == [f"train/000000{n}" for n in (1, 2, 3)]
    assert [check_sample(sample) for sample in dataset.samples] == [None] * 3


@pytest.mark.parametrize("text, message", [
    ("train/0000001\ntrain/0000099\n", "line 2: there is no file"), ("a b\n", "line 1: a sample is one path or three"),
    ("# nothing\n", "names no sample"), ("train/0000001\ntrain/0\0\n", "line 2: there is a NUL character"), ("train/0000001\ntrain/0000001\n", r"twice\.$"),
    ("train/0000001\n./train/0000001\n", "twice, also as ./train/0000001"), ("train/0000001\ntrain/../train//0000001-img_0.png\n", "twice, also as"),
    ("train/0000001-img_0.png train/0000001-img_1.png train/0000001-flow_01.flo\n./train/0000001", "twice, also as"),
])  # fmt: skip
def test_a_wrong_list_names_the_line(chairs, text, message):
    (chairs / "list.txt").write_text(text)
    with pytest.raises(EfnasError, match=message):
        index_list(chairs / "list.txt", chairs)


def test_the_fingerprint_tells_data_sets_apart_but_not_folders(chairs, small_chairs):
    here, there = index_folder(chairs / "train"), index_folder(small_chairs / "train")
    assert here.fingerprint() == there.fingerprint()
    assert here.fingerprint()["samples"] == 12
    assert here.fingerprint() != index_folder(chairs / "val").fingerprint()
