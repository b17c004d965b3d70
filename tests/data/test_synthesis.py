"""Synthetic pairs: the flow is exact, and the same seed writes the same pairs."""

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from efnas.data.check import check_samples
from efnas.data.flow_files import read_flo
from efnas.data.flying_chairs import index_folder
from efnas.data.synthesis import SceneStyle, make_pair, write_dataset
from efnas.errors import EfnasError

STYLE = SceneStyle(96, 128, motion=4.0, detail=9.0, structure=40.0, shapes=5)


def warp_back(second, flow):
    """The first image as far as it can be seen in the second: sampled where each pixel moves to."""
    y, x = np.mgrid[: flow.shape[0], : flow.shape[1]].astype(float)
    where = [y + flow[..., 1], x + flow[..., 0]]
    return np.stack([ndimage.map_coordinates(second[..., c].astype(float), where, order=1) for c in range(3)], axis=-1)


def visible(occluded):
    """Pixels two pixels away from any occlusion or edge of the frame, where bilinear sampling mixes no layers."""
    return ~ndimage.binary_dilation(np.pad(occluded, 1, constant_values=True), iterations=2)[1:-1, 1:-1]


def interior(flow, occluded):
    """Visible pixels that do not lie beside a motion boundary."""
    jump = np.maximum.reduce([np.abs(np.diff(flow, axis=0, prepend=flow[:1])).max(-1),
                              np.abs(np.diff(flow, axis=1, prepend=flow[:, :1])).max(-1)])  # fmt: skip
    return visible(occluded | (jump > 0.2))


@pytest.mark.parametrize("index", range(4))
def test_warping_the_second_image_with_the_flow_gives_the_first(index):
    pair = make_pair(STYLE, 7, index)
    seen = interior(pair.flow, pair.occluded)
    assert seen.mean() > 0.5
    error = np.abs(warp_back(pair.second, pair.flow) - pair.first)[seen]
    unmoved = np.abs(pair.second.astype(float) - pair.first)[seen]
    assert error.mean() < 2.0  # of 255: rounding and bilinear sampling
    assert error.mean() < unmoved.mean() / 4


def test_warping_the_first_image_with_the_flow_back_gives_the_second(small_chairs):
    pair = make_pair(STYLE, 7, 2)
    still = np.zeros(pair.occluded.shape, bool)
    seen = interior(pair.back, still)
    error = np.abs(warp_back(pair.first, pair.back) - pair.second)[seen]
    assert np.median(error) < 2.0 < np.median(np.abs(warp_back(pair.first, -pair.back) - pair.second)[seen])
    there = index_folder(small_chairs / "train").samples[3].flow
    np.testing.assert_array_equal(
        read_flo(there.with_name(there.name.replace("_01", "_10"))),
        make_pair(SceneStyle(48, 64, motion=2.0, detail=4.0, structure=24.0, shapes=3), 3, 3).back,
    )


def test_a_wrong_flow_does_not_warp_back():
    pair = make_pair(STYLE, 7, 0)
    seen = interior(pair.flow, pair.occluded)
    error = np.abs(warp_back(pair.second, -pair.flow) - pair.first)[seen]
    assert error.mean() > 8.0


def test_occluded_pixels_are_those_that_another_layer_covers():
    pair = make_pair(STYLE, 7, 1)
    assert 0.0 < pair.occluded.mean() < 0.3
    error = np.abs(warp_back(pair.second, pair.flow) - pair.first).mean(-1)
    assert error[pair.occluded].mean() > 5 * error[interior(pair.flow, pair.occluded)].mean()


def test_the_mean_flow_is_about_the_motion_asked_for():
    lengths = [np.linalg.norm(make_pair(SceneStyle(32, 40, motion=6.0), 1, i).flow, axis=-1).mean() for i in range(80)]
    assert np.mean(lengths) == pytest.approx(6.0, rel=0.25)


def test_a_pair_is_a_function_of_seed_and_index():
    one, same, other = make_pair(STYLE, 7, 2), make_pair(STYLE, 7, 2), make_pair(STYLE, 8, 2)
    np.testing.assert_array_equal(one.first, same.first)
    np.testing.assert_array_equal(one.flow, same.flow)
    assert (one.first != other.first).any()


def test_the_data_set_is_a_flying_chairs_folder_that_checks(small_chairs):
    train, val = index_folder(small_chairs / "train"), index_folder(small_chairs / "val")
    assert (len(train), len(val)) == (12, 6)
    assert not [problem for problem in check_samples(train.samples + val.samples) if problem]
    sample = train.samples[3]
    pair = make_pair(SceneStyle(48, 64, motion=2.0, detail=4.0, structure=24.0, shapes=3), 3, 3)
    np.testing.assert_array_equal(read_flo(sample.flow), pair.flow)
    np.testing.assert_array_equal(np.asarray(Image.open(sample.second)), pair.second)


def test_textures_come_from_photos_when_given(tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    red = np.zeros((40, 50, 3), np.uint8)
    red[..., 0] = np.random.RandomState(0).randint(100, 255, (40, 50))
    Image.fromarray(red).save(photos / "red.png")
    write_dataset(tmp_path / "out", 1, 1, 1, SceneStyle(32, 48, motion=2.0, shapes=2), photos)
    image = np.asarray(Image.open(tmp_path / "out" / "train" / "0000000-img_0.png"))
    assert image[..., 0].mean() > 90
    assert image[..., 1:].max() == 0


def test_nothing_is_left_behind_when_writing_fails(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(EfnasError, match="holds no photo"):
        write_dataset(tmp_path / "out", 1, 1, 1, STYLE, tmp_path / "empty")
    with pytest.raises(EfnasError, match="exists already"):
        write_dataset(tmp_path / "empty", 1, 1, 1, STYLE)
    broken = tmp_path / "photos"
    broken.mkdir()
    (broken / "a.png").write_bytes(b"no picture")
    with pytest.raises(EfnasError, match="a.png"):
        write_dataset(tmp_path / "out", 1, 1, 1, STYLE, broken)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "photos"]
