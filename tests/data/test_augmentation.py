"""Changed training pairs: the flow is that of what is seen, and what is drawn depends on seed and position alone."""

import shutil

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from conftest import events_of
from interruption import config_of, contents, stopped
from scipy import ndimage

from efnas.config_augmentation import Augmentation
from efnas.data.augmentation import changes_at, split
from efnas.data.augmented import fields_of, warped
from efnas.data.batches import BatchReader
from efnas.data.flow_files import write_flo
from efnas.data.flying_chairs import BACK, FLOW, backward, index_folder, require_backward
from efnas.data.packed import packed_dataset
from efnas.data.packing import write_packed
from efnas.data.sampling_plan import evaluation_plan, training_plan
from efnas.data.synthesis import Pair, SceneStyle, make_pair
from efnas.errors import EfnasError
from efnas.runs.resume import Resume

SMALL = (64, 80)
LIGHT = {"brightness": 0.1, "contrast": 0.2, "gamma": 0.3, "colour": 0.1, "saturation": 0.5, "noise": 5, "blur": 1}
GEOMETRY = {"horizontal_flip": 0.5, "vertical_flip": 0.5, "rotation": 20, "scale": 0.3, "aspect": 0.2}
RELATIVE = {"relative_rotation": 3, "relative_scale": 0.05, "relative_shift": 3}
ALL = Augmentation(**LIGHT, **GEOMETRY, **RELATIVE)


@pytest.fixture(scope="module")
def pairs():
    style = SceneStyle(96, 128, motion=4.0, detail=8.0, structure=60.0, shapes=2)
    return [make_pair(style, 4, index) for index in range(3)]


@pytest.fixture(scope="module", params=[False, True], ids=["together", "against each other"])
def warp(request):
    """Of a pair and what is drawn: images, flow, and how occluded the first is, changed together."""
    with tf.Graph().as_default(), tf.Session() as session:
        pair = [tf.placeholder(tf.float32, [None, None, channels]) for channels in (3, 3, 2, 3)]
        corner, row = tf.placeholder(tf.int32, [2]), tf.placeholder(tf.float32, [None])
        first, second, flow, occluded = pair
        how = flow, corner, *SMALL, fields_of(row), request.param
        fetched = (*warped([first, second], *how), warped([occluded, second], *how)[0])

        def run(values, change, top_left):
            maps = (*values[:3], np.repeat(255.0 * values.occluded[..., None], 3, axis=-1))
            return session.run(fetched, {**dict(zip(pair, maps)), corner: top_left, row: change})

        run.moves = request.param
        yield run


def off(images, flow, hidden):
    """Mean difference in grey levels of the first image from the second warped back, where that is seen; and where."""
    y, x = np.mgrid[: SMALL[0], : SMALL[1]]
    x, y = x + flow[..., 0], y + flow[..., 1]
    seen = (x >= 0) & (y >= 0) & (x <= SMALL[1] - 1) & (y <= SMALL[0] - 1)
    seen &= ndimage.maximum_filter(hidden[..., 0], 5) < 1  # at the rim of what is occluded colours are mixed
    back = np.stack([ndimage.map_coordinates(images[..., place], [y, x], order=1) for place in (3, 4, 5)], axis=-1)
    return np.abs(back - images[..., :3])[seen].mean(), seen.mean()


ALONE = [{name: strength} for name, strength in {**GEOMETRY, **RELATIVE}.items()]


@pytest.mark.parametrize("strengths", [*ALONE, {**GEOMETRY, **RELATIVE}], ids=lambda each: "+".join(each))
def test_the_second_image_warped_with_the_flow_is_the_first(pairs, warp, strengths):
    augmentation = Augmentation(**strengths)
    if augmentation.moves and not warp.moves:
        pytest.skip("the frames move against each other")
    changes = changes_at(augmentation, 3, np.arange(12))
    for number, change in enumerate(changes):
        found = warp(pairs[number % 3], change, [5 * (number % 3), 7 * (number % 5)])
        error, seen = off(*found)
        assert seen > 0.5 and error < 1.6  # of grey levels, as without a change
        wrong = off(found[0], found[1][::-1, ::-1] + 1.0, found[2])[0]  # what the measure says of another flow
        assert wrong > 3 * error


@pytest.mark.parametrize("strengths", [*ALONE, {**GEOMETRY, **RELATIVE}], ids=lambda each: "+".join(each))
def test_the_flow_is_exact(warp, strengths):
    """Ramps are interpolated without an error."""
    augmentation = Augmentation(**strengths)
    if augmentation.moves and not warp.moves:
        pytest.skip("the frames move against each other")
    y, x = np.mgrid[:96, :128].astype(np.float32)
    first, second = (np.stack([each[0], each[1], each[0] + each[1]], axis=-1) for each in ((x, y), (x - 3.25, y + 1.5)))
    flow = np.broadcast_to(np.float32([3.25, -1.5]), (96, 128, 2))
    pair = Pair(first, second, flow, np.zeros((96, 128), bool), -flow)
    for number, change in enumerate(changes_at(augmentation, 3, np.arange(12))):
        images, flow, _ = warp(pair, change, [number, 3 * number])
        assert off(images, flow, np.zeros_like(images))[0] < 1e-4


def test_nothing_is_shown_from_beyond_the_frames(pairs, warp):
    """A mark on the border of a frame would be repeated if it were."""
    framed = np.zeros((96, 128, 3), np.float32)
    framed[1:-1, 1:-1] = 255
    pair = pairs[0]._replace(first=framed, second=framed)
    for change in changes_at(
        Augmentation(rotation=180, scale=2, aspect=1, **(RELATIVE if warp.moves else {})), 1, np.arange(20)
    ):
        images = warp(pair, change, [16, 24])[0]
        assert (images[2:-2, 2:-2] > 100).all()


def read(dataset, plan, augmentation=None, **how):
    how = {"batch_size": 4, "flow_clip": 20.0, **how}
    with tf.Graph().as_default(), tf.Session() as session:
        found = list(BatchReader(dataset, 32, 40, augmentation=augmentation, **how).arrays(session, plan))
    return [np.concatenate(arrays) for arrays in zip(*found)]


def same(one, other):
    return all(a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in zip(one, other))


def planned(augmentation, start=0, count=12):
    return training_plan(5, 12, start, count, augmentation=augmentation)


@pytest.mark.parametrize("whole", [False, True])
def test_strengths_of_zero_are_bit_equal_to_no_augmentation(small_chairs, whole):
    dataset, nothing = index_folder(small_chairs / "train"), Augmentation()
    plain = read(dataset, planned(None), whole=whole)
    assert same(read(dataset, planned(nothing), nothing, whole=whole), plain)
    # So is what is warped by nothing, where others are mirrored.
    rare = Augmentation(horizontal_flip=0.1)
    mirrored = split(planned(rare).changes).first[:, 0, 0] < 0
    assert 0 < mirrored.sum() < 12
    found = read(dataset, planned(rare), rare, whole=whole)
    for one, other in zip(found, plain):
        if whole:  # of which the last row and column are interpolated
            np.testing.assert_allclose(one[~mirrored], other[~mirrored], atol=1e-5)
        else:
            np.testing.assert_array_equal(one[~mirrored], other[~mirrored])
        assert (one[mirrored] != other[mirrored]).any()


@pytest.mark.parametrize("whole", [False, True])
def test_a_position_has_one_sample_however_the_stream_is_cut_and_stored(small_chairs, tmp_path, whole):
    dataset = index_folder(small_chairs / "train")
    expected = read(dataset, planned(ALL, count=20), ALL, whole=whole)
    assert not same(expected, read(dataset, planned(None, count=20), whole=whole))
    assert expected[0].min() >= -1.0 and expected[0].max() <= 1.0 and expected[0].std() > 0.1
    cut = read(dataset, planned(ALL, 7, 13)[2:], ALL, whole=whole, batch_size=5, micro_size=2, threads=1)
    assert same(cut, [array[9:] for array in expected])
    write_packed(small_chairs, tmp_path / "packed")
    packed = packed_dataset(tmp_path / "packed", "train")
    assert same(read(packed, planned(ALL, count=20), ALL, whole=whole), expected)


def test_what_is_drawn_is_within_its_strength_and_differs_by_seed():
    drawn = split(changes_at(ALL, 1, np.arange(3000)))
    assert (changes_at(ALL, 1, np.arange(5)) != changes_at(ALL, 2, np.arange(5))).any(axis=1).all()
    scale = 0.5 * np.log2(np.abs(np.linalg.det(drawn.first_inverse)))
    assert 0.28 < np.abs(scale).max() <= 0.3 and abs(scale.mean()) < 0.02
    assert 0.45 < (np.linalg.det(drawn.first) < 0).mean() < 0.55  # one of two flips
    assert 4.0 < drawn.noise.max() <= 5.0 and drawn.noise.min() >= 0.0
    assert 2**-0.3 <= drawn.gamma.min() < 0.9 and 1.1 < drawn.gamma.max() <= 2**0.3
    weights = drawn.blur[:, 0] + 2 * drawn.blur[:, 1] + 2 * drawn.blur[:, 2]
    np.testing.assert_allclose(weights, 1.0, atol=1e-6)
    assert not drawn.reversed.any()


def test_frames_differ_by_their_own_part_alone():
    for own, alike in ((0.0, True), (0.5, False)):
        drawn = split(changes_at(Augmentation(**LIGHT, own=own), 1, np.arange(50)))
        assert (np.abs(drawn.gamma[:, 0] - drawn.gamma[:, 3]) < 1e-6).all() == alike
        assert (np.abs(drawn.mixing[:, :3, :3] - drawn.mixing[:, 3:, 3:]) < 1e-6).all() == alike


@pytest.fixture
def both_ways(small_chairs, tmp_path):
    """With flow back that is told apart."""
    folder = shutil.copytree(small_chairs, tmp_path / "both") / "train"
    for sample in index_folder(folder).samples:
        write_flo(backward(sample).flow, np.full((48, 64, 2), -7.0))
    return index_folder(folder)


def test_time_runs_backward_where_the_flow_back_is_known(both_ways, tmp_path):
    plan = planned(Augmentation(time_reversal=0.5))
    back = split(plan.changes).reversed[:, 0] == 1
    assert 0 < back.sum() < 12
    images, flow = read(both_ways, plan, Augmentation(time_reversal=0.5))
    forward, known = read(both_ways, planned(None))
    assert (flow[back] == -7).all() and (images[back] == forward[back][..., [3, 4, 5, 0, 1, 2]]).all()
    assert same([images[~back], flow[~back]], [forward[~back], known[~back]])
    write_packed(both_ways.source.parent, tmp_path / "packed", back=True)
    packed = packed_dataset(tmp_path / "packed", "train")
    require_backward(packed)
    assert same(read(packed, plan, Augmentation(time_reversal=0.5)), [images, flow])
    broken = backward(both_ways.samples[2]).flow
    broken.write_bytes(broken.read_bytes()[:-4])
    with pytest.raises(EfnasError, match=broken.name):
        read(both_ways, planned(Augmentation(time_reversal=1)), Augmentation(time_reversal=1))


def test_time_does_not_run_backward_where_it_is_not_known(both_ways, small_chairs, tmp_path):
    require_backward(both_ways)
    path = backward(both_ways.samples[3]).flow
    assert path.name == both_ways.samples[3].flow.name.replace(FLOW, BACK)
    path.unlink()
    with pytest.raises(EfnasError, match=f"there is no .*{path.name}; set it to 0"):
        require_backward(both_ways)
    write_packed(small_chairs, tmp_path / "packed")
    with pytest.raises(EfnasError, match="train.pack does not hold: pack it with --back"):
        require_backward(packed_dataset(tmp_path / "packed", "train"))


def test_evaluation_has_no_changes():
    assert evaluation_plan(6, 4).changes is None and planned(None).changes is None


def test_a_stopped_run_goes_on_to_the_bits_of_one_that_was_not(quick_settings, second_space, tmp_path):
    settings = [*quick_settings, "train.num_epochs=1", *(f"data.augmentation.{key}={value}" for key, value in {**LIGHT, **GEOMETRY, **RELATIVE}.items())]  # fmt: skip
    straight = events_of(config_of(settings, tmp_path / "straight"))[-1].folder
    config = config_of(settings, tmp_path / "stopped")
    stopped(config, step=2)
    assert contents(events_of(config, Resume())[-1].folder) == contents(straight)
