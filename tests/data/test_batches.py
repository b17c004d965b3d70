"""tf.data against the plain readers, sample by sample."""

import shutil

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image

from efnas.data.batches import BatchReader, micro_batch_sizes
from efnas.data.flow_files import read_flo, write_flo
from efnas.data.flying_chairs import index_folder
from efnas.data.sampling_plan import evaluation_plan, training_plan
from efnas.data.scaling import scaled, scaled_flow
from efnas.errors import EfnasError


def plainly(dataset, plan, height, width, clip=None):
    """The same samples with Pillow and NumPy."""
    images, flows = [], []
    for index, crop in zip(plan.indices, plan.crops):
        sample = dataset.samples[index]
        pair = np.concatenate([np.asarray(Image.open(path)) for path in (sample.first, sample.second)], axis=-1)
        room = np.array(pair.shape[:2]) - [height, width]
        top, left = np.where(crop < 0, room // 2, crop % (room + 1))
        images.append(pair[top : top + height, left : left + width] / np.float32(127.5) - np.float32(1))
        flows.append(read_flo(sample.flow)[top : top + height, left : left + width])
    flows = np.array(flows)
    return np.array(images), flows if clip is None else flows.clip(-clip, clip)


def whole(dataset, plan, height, width):
    """The whole frames scaled to that size, with the flow as it is in the files."""
    images, flows = plainly(dataset, plan, *read_flo(dataset.samples[0].flow).shape[:2])
    return np.stack([scaled(pair, height, width) for pair in images]), flows


def read(reader, plan):
    with tf.Session() as session:
        return list(reader.arrays(session, plan))


@pytest.mark.parametrize("clip", [None, 1.5])
def test_batches_are_what_the_files_hold(graph, small_chairs, clip):
    dataset = index_folder(small_chairs / "train")
    plan = training_plan(5, len(dataset), 0, 10)
    got = read(BatchReader(dataset, 32, 48, batch_size=4, flow_clip=clip), plan)
    assert [len(images) for images, _ in got] == [4, 4, 2]
    images, flow = plainly(dataset, plan, 32, 48, clip)
    np.testing.assert_allclose(np.concatenate([batch[0] for batch in got]), images, atol=1e-6)
    np.testing.assert_array_equal(np.concatenate([batch[1] for batch in got]), flow)


def test_real_pairs_are_read_as_they_are(graph, real_chairs):
    dataset = index_folder(real_chairs / "val")
    plan = evaluation_plan(len(dataset), 2)
    ((images, flow),) = read(BatchReader(dataset, 180, 240, batch_size=2), plan)
    expected = plainly(dataset, plan, 180, 240)
    np.testing.assert_allclose(images, expected[0], atol=1e-6)
    np.testing.assert_array_equal(flow, expected[1])


def test_whole_frames_are_scaled_down_with_their_flow_and_then_clipped(graph, small_chairs):
    dataset = index_folder(small_chairs / "train")
    plan = training_plan(5, len(dataset), 0, 10)
    got = read(BatchReader(dataset, 32, 40, batch_size=4, micro_size=3, flow_clip=1.5, whole=True), plan)
    assert [len(images) for images, _ in got] == [3, 1, 3, 1, 2]
    images, flow = whole(dataset, plan, 32, 40)
    labels = np.stack([scaled_flow(each, 32, 40) for each in flow])
    assert np.abs(labels).max() > 1.5
    np.testing.assert_allclose(np.concatenate([batch[0] for batch in got]), images, atol=1e-4)
    np.testing.assert_allclose(np.concatenate([batch[1] for batch in got]), labels.clip(-1.5, 1.5), atol=1e-4)


def test_truth_that_is_scored_is_that_of_the_frame(graph, small_chairs):
    dataset = index_folder(small_chairs / "val")
    plan = evaluation_plan(len(dataset), 5)
    got = read(BatchReader(dataset, 32, 40, batch_size=3, whole=True, unscaled_truth=True), plan)
    images, flow = whole(dataset, plan, 32, 40)
    np.testing.assert_allclose(np.concatenate([batch[0] for batch in got]), images, atol=1e-4)
    np.testing.assert_array_equal(np.concatenate([batch[1] for batch in got]), flow)


def test_whole_real_frames(graph, real_chairs):
    dataset = index_folder(real_chairs / "val")
    plan = evaluation_plan(len(dataset), 2)
    ((images, flow),) = read(BatchReader(dataset, 180, 240, batch_size=2, whole=True, unscaled_truth=True), plan)
    expected = whole(dataset, plan, 180, 240)
    np.testing.assert_allclose(images, expected[0], atol=1e-4)
    np.testing.assert_array_equal(flow, expected[1])
    assert flow.shape == (2, 384, 512, 2)


def test_frames_of_two_sizes_train_but_are_not_scored_together(graph, small_chairs, tmp_path):
    folder = shutil.copytree(small_chairs / "train", tmp_path / "train")
    frame = index_folder(folder).samples[1]
    for path in (frame.first, frame.second):
        Image.open(path).resize((70, 50)).save(path)
    write_flo(frame.flow, np.full((50, 70, 2), 1.0))
    dataset, how = index_folder(folder), {"batch_size": 4, "whole": True}
    plan = evaluation_plan(12, 12)
    assert len(read(BatchReader(dataset, 32, 48, **how), plan)) == 3
    said = f"{frame.first.name} is 70x50 pixels, .* 64x48 pixels. With data.geometry: whole the frames .* one size"
    with pytest.raises(EfnasError, match=said):
        read(BatchReader(dataset, 32, 48, **how, unscaled_truth=True), plan)


@pytest.mark.parametrize("unscaled_truth", [False, True])
def test_a_frame_smaller_than_the_input_is_not_scaled_up(graph, small_chairs, unscaled_truth):
    dataset = index_folder(small_chairs / "train")
    reader = BatchReader(dataset, 32, 80, batch_size=4, whole=True, unscaled_truth=unscaled_truth)
    with pytest.raises(EfnasError, match="img_0.png is 64x48 pixels, smaller than the input of 80x32 pixels"):
        read(reader, evaluation_plan(12, 12))


def test_flow_of_another_size_than_its_frames_is_named(graph, small_chairs, tmp_path):
    folder = shutil.copytree(small_chairs / "train", tmp_path / "train")
    path = index_folder(folder).samples[2].flow
    write_flo(path, np.zeros((49, 64, 2)))
    for unscaled_truth in (False, True):
        reader = BatchReader(index_folder(folder), 32, 48, batch_size=4, whole=True, unscaled_truth=unscaled_truth)
        with pytest.raises(EfnasError, match=f"{path.name} is 64x49 pixels"):
            read(reader, evaluation_plan(12, 12))


def test_crops_differ_between_passes(graph, small_chairs):
    dataset = index_folder(small_chairs / "train")
    plan = training_plan(5, 12, 0, 48)
    tops = {tuple(crop % [17, 17]) for crop in plan.crops}
    assert len(tops) > 20
    assert read(BatchReader(dataset, 32, 48, batch_size=48), plan)[0][0].shape == (48, 32, 48, 6)


@pytest.mark.parametrize("samples, batch, micro, sizes", [
    (10, 4, None, [10]), (10, 12, 4, [4, 4, 2]), (12, 12, 12, [12]), (3, 8, 4, [3]), (8, 8, 3, [3, 3, 2]),
])  # fmt: skip
def test_sizes_of_micro_batches(samples, batch, micro, sizes):
    assert micro_batch_sizes(samples, batch, micro) == sizes


def test_micro_batches_never_mix_two_batches(graph, small_chairs):
    dataset = index_folder(small_chairs / "train")
    plan = training_plan(5, 12, 0, 10)
    got = read(BatchReader(dataset, 32, 48, batch_size=8, micro_size=3), plan)
    assert [len(images) for images, _ in got] == [3, 3, 2, 2]
    np.testing.assert_allclose(
        np.concatenate([images for images, _ in got]), plainly(dataset, plan, 32, 48)[0], atol=1e-6
    )


def cut_flow(folder):
    path = folder / "0000004-flow_01.flo"
    path.write_bytes(path.read_bytes()[:-4])
    return path.name


def wrong_magic(folder):
    path = folder / "0000004-flow_01.flo"
    path.write_bytes(b"\0" * 4 + path.read_bytes()[4:])
    return path.name


def not_finite(folder):
    path = folder / "0000004-flow_01.flo"
    path.write_bytes(path.read_bytes()[:-4] + np.float32("nan").tobytes())
    return path.name


def cut_image(folder):
    path = folder / "0000004-img_0.png"
    path.write_bytes(path.read_bytes()[:100])
    return path.name


def gone(folder):
    (folder / "0000004-img_1.png").unlink()
    return "0000004-img_1.png"


def small_image(folder):
    for ending in ("img_0.png", "img_1.png"):
        Image.fromarray(np.zeros((20, 20, 3), np.uint8)).save(folder / f"0000004-{ending}")
    return "0000004"


@pytest.mark.parametrize("damage", [cut_flow, wrong_magic, not_finite, cut_image, gone, small_image])
def test_a_file_that_breaks_under_way_is_named(graph, small_chairs, tmp_path, damage):
    folder = shutil.copytree(small_chairs / "train", tmp_path / "train")
    dataset = index_folder(folder)
    name = damage(folder)
    with pytest.raises(EfnasError, match=name):
        read(BatchReader(dataset, 32, 48, batch_size=4), training_plan(5, 12, 0, 12))
