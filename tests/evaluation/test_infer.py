"""Flow of images of any size: padding, scaling, scores over known pixels, and the command."""

import json
import shutil

import numpy as np
import pytest
from command import efnas
from conftest import REAL_DATA
from PIL import Image

from efnas.config_files import load_config
from efnas.core.network import FLOW_SPACE
from efnas.data.flow_files import read_flo, write_flo
from efnas.data.scaling import scaled
from efnas.errors import EfnasError
from efnas.evaluation import inference, panels
from efnas.evaluation.frames import frame_pairs, padded_to, read_pair, read_truth, score
from efnas.evaluation.inference import Inference, require_memory, size_like, subnet_flow
from efnas.evaluation.trained import open_trained
from efnas.export.flow import file_flow


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    """Three frames of 50x70 pixels."""
    folder = tmp_path_factory.mktemp("frames")
    draw = np.random.RandomState(0)
    for number in range(3):
        Image.fromarray(draw.randint(0, 255, (50, 70, 3), dtype=np.uint8)).save(folder / f"frame{number:02}.png")
    return folder


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A random network for 64x96 pixels."""
    path = tmp_path_factory.mktemp("file") / "net.tflite"
    efnas("export", "--arch", "000001000", "--skip-checkpoint", "--out", path, "--set", "data.input_height=64",
          "--set", "data.input_width=96", "--set", "network.base_width=4")  # fmt: skip
    return path


def test_sizes_keep_the_remainder_of_the_trained_ones():
    for size in (1, 50, 180, 181, 388, 420):
        for trained in (180, 240, 96):
            for stride in (4, 16):
                padded = size_like(size, trained, stride)
                assert size <= padded < size + stride and padded % stride == trained % stride
    assert size_like(180, 180, 16) == 180


def test_padding_repeats_the_border():
    images = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    padded = padded_to(images, 4, 5)
    assert np.array_equal(padded[:2, :3], images)
    assert np.array_equal(padded[3, 4], images[1, 2]) and np.array_equal(padded[0, 4], images[0, 2])


def test_a_score_counts_known_pixels_alone(tmp_path):
    truth = np.full((4, 5, 2), (3.0, 4.0), np.float32)
    truth[0] = 1.6e9
    truth[1, 0] = np.nan
    write_flo(tmp_path / "truth.flo", truth)
    known = read_truth(tmp_path / "truth.flo", 4, 5)
    result = score(np.zeros((4, 5, 2), np.float32), known)
    assert (result.epe, result.zero_epe, result.known) == (5.0, 5.0, 14 / 20)
    assert score(np.full((4, 5, 2), (3.0, 4.0), np.float32), known).epe == 0
    with pytest.raises(EfnasError, match="is of 5x4 pixels, the images are of 5x9"):
        read_truth(tmp_path / "truth.flo", 9, 5)
    write_flo(tmp_path / "truth.flo", np.full((4, 5, 2), 1e10))
    with pytest.raises(EfnasError, match="knows the flow of no pixel"):
        read_truth(tmp_path / "truth.flo", 4, 5)


def test_frames_come_in_pairs(frames, tmp_path):
    first, second, third = sorted(frames.iterdir())
    assert frame_pairs(first, second) == [(first, second)]
    assert frame_pairs(frames, None) == [(first, second), (second, third)]
    assert frame_pairs(frames, frames) == [(path, path) for path in (first, second, third)]
    for one, other, message in ((first, None, "alone is no pair"), (first, frames, "an image and a folder"),
                                (tmp_path, None, "no two images"), (frames, tmp_path, "has 3 images")):  # fmt: skip
        with pytest.raises(EfnasError, match=message):
            frame_pairs(one, other)


def test_flows_that_would_have_one_name_are_refused(frames, tmp_path):
    folder = shutil.copytree(frames, tmp_path / "twins")
    shutil.copy(folder / "frame00.png", folder / "frame00.bmp")
    with pytest.raises(EfnasError, match="flows of frame00.bmp and frame00.png would have one name"):
        Inference(folder, None, tmp_path / "out", None)
    Inference(frames, None, tmp_path / "out", None)


def test_an_exported_file_takes_images_of_any_size(exported):
    flow = file_flow(exported)
    draw = np.random.RandomState(1)
    for size in ((64, 96), (50, 70), (130, 100), (64, 200)):
        predicted = flow(draw.uniform(-1, 1, (*size, 6)).astype(np.float32))
        assert predicted.shape == (*size, 2) and np.isfinite(predicted).all()
    # Twice as large images of the same content have twice the flow.
    smooth = scaled(draw.uniform(-1, 1, (8, 12, 6)).astype(np.float32), 64, 96)
    doubled = flow(scaled(smooth, 128, 192))
    assert np.corrcoef(scaled(doubled, 64, 96).ravel(), 2 * flow(smooth).ravel())[0, 1] > 0.95


def test_a_checkpoint_predicts_what_its_evaluation_does_at_the_trained_size(run_settings, straight_run):
    folder, arch = straight_run[-1].folder, FLOW_SPACE.parse("120210212")
    config = load_config(assignments=[*run_settings, f"runtime.output_root={folder.parent}"])
    with open_trained(config, "best") as trained:
        evaluation, session = trained.evaluation(), trained.session
        (statistics,) = evaluation.statistics(session, [arch])
        images, _ = next(iter(evaluation.validation_batches(session, evaluation.validation_plan())))
        expected = evaluation.evaluator.predict(session, arch, statistics, images)
    with subnet_flow(config, "best", arch) as flow:
        assert np.allclose(flow(images[0]), expected[0], atol=1e-4)
        assert flow(images[0, :21, :37]).shape == (21, 37, 2)
        assert flow(np.tile(images[0], (2, 2, 1))).shape == (64, 96, 2)


def test_the_command_writes_pictures_flows_and_scores(exported, frames, tmp_path):
    first, second, _ = sorted(frames.iterdir())
    truth = np.full((50, 70, 2), 1.0, np.float32)
    truth[:, :35] = 2e9
    write_flo(tmp_path / "truth.flo", truth)
    words = ["infer", first, second, "--tflite", exported]
    answer = json.loads(
        efnas(*words, "--out", tmp_path / "flow.png", "--ground-truth", tmp_path / "truth.flo", "--json").stdout
    )
    (pair,) = answer["pairs"]
    assert answer["kernels"] == "TensorFlow Lite's reference kernels"
    assert (
        pair["known"] == 0.5
        and pair["zero_epe"] == pytest.approx(2**0.5)
        and (pair["height"], pair["width"]) == (50, 70)
    )
    assert (tmp_path / "flow.png").stat().st_size > 5000
    efnas(*words, "--out", tmp_path / "flow.flo")
    flow = read_flo(tmp_path / "flow.flo")
    known = read_truth(tmp_path / "truth.flo", 50, 70)
    assert score(flow, known).epe == pytest.approx(pair["epe"], rel=1e-5)
    assert np.array_equal(flow, file_flow(exported)(read_pair(first, second)))
    efnas("infer", frames, "--tflite", exported, "--out", tmp_path / "video")
    names = sorted(path.name for path in (tmp_path / "video").iterdir())
    assert names == ["frame00_flow.flo", "frame00_flow.png", "frame01_flow.flo", "frame01_flow.png"]


def test_real_frames_with_unknown_pixels(exported, tmp_path):
    folder = REAL_DATA / "middlebury"
    if not folder.is_dir():
        pytest.skip(f"the Middlebury frames are not at {folder} (set EFNAS_REAL_DATA)")
    frames = folder / "other-data" / "Dimetrodon"
    truth = folder / "other-gt-flow" / "Dimetrodon" / "flow10.flo"
    words = ["infer", frames / "frame10.png", frames / "frame11.png", "--tflite", exported, "--ground-truth", truth]
    (pair,) = json.loads(efnas(*words, "--json").stdout)["pairs"]
    assert pair["known"] == pytest.approx(0.952, abs=0.001) and pair["zero_epe"] == pytest.approx(2.058, abs=0.001)
    assert np.isfinite(pair["epe"])


def test_a_pair_that_the_memory_does_not_suffice_for_is_refused(monkeypatch):
    monkeypatch.setattr(inference, "available_memory_gb", lambda: 8.0)
    require_memory(4000, 4000, 4)
    with pytest.raises(
        EfnasError, match="A pair of 8000x8000 pixels takes about 19.8 GB of memory, and 8.0 GB are free"
    ):
        require_memory(8000, 8000, 32)
    monkeypatch.setattr(inference, "available_memory_gb", lambda: None)
    require_memory(8000, 8000, 32)


def test_a_panel_of_large_images_draws_no_more_pixels_than_it_shows(monkeypatch, tmp_path):
    sizes = []
    monkeypatch.setattr(
        panels, "flow_to_colour", lambda flow, longest: sizes.append(flow.shape) or np.zeros((*flow.shape[:2], 3))
    )
    flow = np.ones((30, 4500, 2), np.float32)
    panels.write_panel(tmp_path / "panel.png", "large", np.zeros((30, 4500, 6), np.float32), flow, flow)
    assert sizes == [(10, 1500, 2)] * 2
