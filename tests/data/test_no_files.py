"""What is named as a file and is none: pipes, folders and links that lead nowhere are refused, and never waited for."""

import os
import shutil

import pytest

from efnas.data.check import check_data
from efnas.data.flow_files import read_flo
from efnas.data.flying_chairs import index_folder, index_list
from efnas.data.images import read_image
from efnas.data.synthesis import SceneStyle, write_dataset
from efnas.errors import EfnasError
from efnas.evaluation.inference import Inference

MADE = {
    "a pipe": os.mkfifo, "a folder": os.mkdir, "a link to itself": lambda path: path.symlink_to(path.name),
    "a link to nowhere": lambda path: path.symlink_to("nowhere"),
}  # fmt: skip


@pytest.fixture(params=MADE)
def no_file(request, small_chairs, tmp_path):
    """A function that puts such a thing in the place of a file of a copy of the data set."""

    def made(name):
        path = shutil.copytree(small_chairs, tmp_path / "chairs") / name
        if path.exists():
            path.unlink()
        MADE[request.param](path)
        return path

    return made


@pytest.mark.parametrize("name", ["0000012-img_0.png", "0000012-img_1.png", "0000012-flow_01.flo"])
def test_a_sample_of_it_is_not_complete(no_file, name):
    path = no_file(f"val/{name}")
    _, val = check_data(path.parents[1], None, 1, 1, lambda *progress: None)
    assert val.problems == [f"{path} is no file: sample 0000012 is not complete"] and val.pairs == 5
    with pytest.raises(EfnasError, match=f"{name} is no file"):
        index_folder(path.parent)
    (path.parents[1] / "list.txt").write_text("val/0000012\n")
    with pytest.raises(EfnasError, match=f"list.txt, line 1: there is no file .*{name}"):
        index_list(path.parents[1] / "list.txt", path.parents[1])
    for read in (read_image, read_flo):
        with pytest.raises(EfnasError, match="Cannot read .*000012-"):
            read(path)


def test_it_is_no_index_list(no_file):
    path = no_file("list.txt")
    with pytest.raises(EfnasError, match=r"Cannot read the index list .*list.txt: [A-Za-z ]+\.$"):
        index_list(path, path.parent)


def test_it_is_no_frame_of_a_folder(no_file, tmp_path):
    path = no_file("val/0000012-img_0.png")
    with pytest.raises(EfnasError, match=f"Cannot read .*{path.name}"):
        Inference(path.parent, None, tmp_path / "out", None)


def test_it_is_no_photo(no_file, tmp_path):
    path = no_file("val/photo.png")
    for photo in path.parent.glob("0*.png"):
        photo.unlink()
    with pytest.raises(EfnasError, match="holds no photo"):
        write_dataset(tmp_path / "new", 1, 1, 1, SceneStyle(16, 16), path.parent)
