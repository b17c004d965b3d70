"""Data sets as they are distributed: which pairs a folder holds, or what is missing of it."""

import re
import shutil

import pytest
from layouts import SINTEL, middlebury_of, put, sintel_of

from efnas.data.layouts import laid_out
from efnas.errors import EfnasError


def refusal(folder):
    with pytest.raises(EfnasError) as refused:
        laid_out(folder)
    assert str(folder) in str(refused.value)
    return str(refused.value)


def test_flying_chairs_have_a_scene_a_folder_and_each_pair_is_drawn_alone(small_chairs):
    found = laid_out(small_chairs)
    assert (found.layout, len(found.pairs)) == ("FlyingChairs2", 18)
    assert [pair.scene for pair in found.pairs] == ["train"] * 12 + ["val"] * 6
    assert len({pair.sequence for pair in found.pairs}) == 18
    assert found.pairs[0].name == "train/0000000" and found.pairs[0].flow.name == "0000000-flow_01.flo"
    assert laid_out(small_chairs / "val").pairs == found.pairs[12:]


def test_sintel_pairs_a_frame_with_the_next_in_both_passes(small_chairs, tmp_path):
    folder = sintel_of(small_chairs, tmp_path, "alley_1", "cave_2")
    put(folder / SINTEL.format("clean", "alley_1", 1, "png"), folder / SINTEL.format("invalid", "alley_1", 2, "png"))
    found = laid_out(folder)
    assert found.layout == "MPI-Sintel" and found == laid_out(folder / "training")
    assert [pair.name for pair in found.pairs] == [
        f"{part}/{scene}/frame_{frame:04}"
        for part in ("clean", "final") for scene in ("alley_1", "cave_2") for frame in (1, 2)
    ]  # fmt: skip
    first = found.pairs[0]
    assert (first.part, first.scene, first.sequence) == ("clean", "clean/alley_1", "alley_1")
    assert (first.first.name, first.second.name, first.invalid) == ("frame_0001.png", "frame_0002.png", None)
    assert found.pairs[1].invalid == found.pairs[5].invalid == folder / SINTEL.format("invalid", "alley_1", 2, "png")
    assert found.pairs[0].flow == found.pairs[4].flow


def test_middlebury_has_scenes_without_flow(small_chairs, tmp_path):
    folder = middlebury_of(small_chairs, tmp_path, "Venus", "Dimetrodon", "Walking")
    shutil.rmtree(folder / "other-gt-flow" / "Walking")
    found = laid_out(folder)
    assert found.layout == "Middlebury" and found.without_flow == ("Walking",)
    assert [pair.scene for pair in found.pairs] == ["Dimetrodon", "Venus"]


@pytest.mark.parametrize("gone, told", [
    (SINTEL.format("flow", "alley_1", 2, "flo"), "frame_0002.flo is missing: pair clean/alley_1/frame_0002"),
    (SINTEL.format("final", "alley_1", 3, "png"), "frame_0003.png is missing: pair final/alley_1/frame_0002"),
    ("training/flow", "is MPI-Sintel without flow/"), ("training/clean/alley_1", "is missing"),
])  # fmt: skip
def test_what_is_missing_of_sintel_is_named(small_chairs, tmp_path, gone, told):
    path = sintel_of(small_chairs, tmp_path, "alley_1") / gone
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    if gone == "training/clean/alley_1":  # a pass may lack scenes, but not all of them
        assert [pair.part for pair in laid_out(tmp_path).pairs] == ["final", "final"]
    else:
        assert told in refusal(tmp_path)


def test_what_is_missing_of_the_others_is_named(small_chairs, tmp_path):
    folder = middlebury_of(small_chairs, tmp_path / "middlebury", "Venus")
    (folder / "other-gt-flow" / "Venus" / "flow10.flo").unlink()
    assert "flow10.flo is missing: pair Venus is not complete" in refusal(folder)
    shutil.rmtree(folder / "other-gt-flow")
    assert "is Middlebury without other-gt-flow/" in refusal(folder)
    (folder / "other-gt-flow").mkdir()
    assert "holds no pair" in refusal(folder)
    chairs = shutil.copytree(small_chairs / "val", tmp_path / "chairs")
    next(chairs.glob("*.flo")).unlink()
    assert re.search(r"-flow_01.flo is missing: sample \d+ is not complete", refusal(chairs))


def test_a_folder_of_none_says_what_was_looked_for(tmp_path):
    told = refusal(tmp_path)
    assert all(word in told for word in ("FlyingChairs2", "-flow_01.flo", "training/clean/", "other-gt-flow/"))
    assert "no folder" in refusal(tmp_path / "absent")
