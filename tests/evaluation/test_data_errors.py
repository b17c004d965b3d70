"""Errors on public data sets: what counts, by scene and by length of motion, in each geometry, beside OpenCV's flow."""

import json
import shutil

import numpy as np
import pytest
from command import answer
from conftest import REAL_DATA
from layouts import files_of, middlebury_of, sintel_of
from PIL import Image

from efnas.config_files import load_config
from efnas.data.flow_files import read_flo, write_flo
from efnas.data.layouts import laid_out
from efnas.errors import EfnasError
from efnas.evaluation.classic import classic_methods, grey
from efnas.evaluation.data_errors import data_errors
from efnas.evaluation.ranking import subnet_errors
from efnas.runs.supernet import supernet_of

SIZE = 32, 40


def scored(folder, geometry="full", **networks):
    return data_errors(laid_out(folder).pairs, networks, geometry, SIZE)


def still(images):
    return np.zeros((*images.shape[:2], 2), np.float32)


@pytest.fixture
def venus(small_chairs, tmp_path):
    return middlebury_of(small_chairs, tmp_path, "Venus")


def test_each_length_of_motion_has_its_error_and_they_add_up(venus):
    flow = np.zeros((48, 64, 2), np.float32)
    flow[:24, :, 0], flow[24:36, :, 1], flow[36:, :, 0] = 5, -20, 50
    write_flo(venus / "other-gt-flow" / "Venus" / "flow10.flo", flow)
    found = scored(venus, off=lambda images: flow + np.array((3, 4), np.float32))
    assert found.methods == ["off", "zero flow"] and found.motion.tolist() == [0.5, 0.25, 0.25]
    assert found.by_motion.tolist() == [[5, 5, 5], [5, 20, 50]]
    assert np.allclose(found.by_motion @ found.motion, found.by_pair[:, 0])
    flow[36:] = 0
    write_flo(venus / "other-gt-flow" / "Venus" / "flow10.flo", flow)
    lengths = scored(venus).as_dict()["methods"]["zero flow"]["by_motion"]
    assert (lengths["10 to 40"], lengths["above 40"]) == (20, None)


def test_unknown_and_invalid_pixels_do_not_count(small_chairs, tmp_path):
    folder = sintel_of(small_chairs, tmp_path, "alley_1")
    pair = laid_out(folder).pairs[0]
    flow = read_flo(pair.flow)
    flow[0], flow[1, 0] = 1.7e9, np.nan
    write_flo(pair.flow, flow)
    invalid = folder / "training" / "invalid" / "alley_1" / "frame_0001.png"
    invalid.parent.mkdir(parents=True)
    mask = np.zeros((48, 64), np.uint8)
    mask[-1] = 255
    Image.fromarray(mask).save(invalid)
    predicted = np.nan_to_num(np.where(np.abs(flow) < 1e9, flow, 7))
    predicted[-1] += 99
    found = data_errors([laid_out(folder).pairs[0]], {"true": lambda images: predicted}, "full", SIZE)
    assert found.by_pair[0] == 0 and found.known == 1 - (64 + 1 + 64) / (48 * 64)
    Image.fromarray(np.maximum(mask, 1)).save(invalid)
    with pytest.raises(EfnasError, match="flo knows the flow of no pixel that is looked at"):
        scored(folder)
    Image.fromarray(mask[:9]).save(invalid)
    with pytest.raises(EfnasError, match="frame_0001.png is of 64x9 pixels, the images are of 64x48"):
        scored(folder)


def test_a_scene_and_all_are_means_over_pairs_and_a_pass_has_its_own(small_chairs, tmp_path):
    found = scored(sintel_of(small_chairs, tmp_path, "alley_1", "cave_2"))
    groups = found.groups()
    assert list(groups) == ["clean/alley_1", "clean/cave_2", "final/alley_1", "final/cave_2", "clean", "final", "all"]
    said = found.as_dict()["methods"]["zero flow"]
    assert said["by_scene"]["clean"] == pytest.approx(said["epe"]) == pytest.approx(found.by_pair[0].mean())
    true = [np.linalg.norm(read_flo(files_of(small_chairs, number)[2]), axis=-1).mean() for number in (1, 2)]
    assert said["by_scene"]["final/alley_1"] == pytest.approx(np.mean(true))
    assert found.against(0) is None  # of two scenes, in whatever passes


def test_pairs_enough_say_how_sure_a_difference_is(small_chairs):
    better, zero = scored(small_chairs, off=lambda images: still(images) + np.array((0.3, 0), np.float32)).against(1)
    assert zero == (0, 0, 0) and better.low < better.mean < better.high


def test_all_methods_see_what_the_geometry_shows(small_chairs, tmp_path):
    folder = middlebury_of(small_chairs, tmp_path, "Venus")
    true = read_flo(folder / "other-gt-flow" / "Venus" / "flow10.flo")
    frame = np.asarray(Image.open(folder / "other-data" / "Venus" / "frame10.png")) / 127.5 - 1
    seen = {}

    def network(images):
        seen["images"] = images
        return still(images)

    zero = {}
    for geometry in ("crop", "whole", "full"):
        epe = scored(folder, geometry, network=network).by_pair[0, 0]
        zero[geometry] = epe, seen["images"]
    lengths = np.linalg.norm(true, axis=-1)
    assert zero["crop"][0] == pytest.approx(lengths[8:40, 12:52].mean())
    assert np.allclose(zero["crop"][1][..., :3], frame[8:40, 12:52], atol=1e-6)
    assert zero["whole"][0] == zero["full"][0] == pytest.approx(lengths.mean())
    assert zero["whole"][1].shape == (*SIZE, 6) and zero["full"][1].shape == (48, 64, 6)
    ones = scored(folder, "whole", ones=lambda images: still(images) + 1).by_pair[0, 0]
    assert ones == pytest.approx(np.linalg.norm(true - (64 / 40, 48 / 32), axis=-1).mean(), rel=1e-5)


def test_what_does_not_belong_together_is_named(venus):
    frame, flow = venus / "other-data" / "Venus" / "frame11.png", venus / "other-gt-flow" / "Venus" / "flow10.flo"
    with pytest.raises(EfnasError, match=r"frame10.png is of 64x48 pixels, less than a crop of 40x320"):
        data_errors(laid_out(venus).pairs, {}, "crop", (320, 40))
    with pytest.raises(EfnasError, match="The flow of .*frame10.png .* by broken is not finite"):
        scored(venus, broken=lambda images: still(images) * np.nan)
    whole = flow.read_bytes()
    flow.write_bytes(whole[:-8])
    with pytest.raises(EfnasError, match="flow10.flo is truncated"):
        scored(venus)
    write_flo(flow, np.full((48, 64, 2), 1e10, np.float32))
    with pytest.raises(EfnasError, match="flow10.flo knows the flow of no pixel"):
        scored(venus)
    write_flo(flow, np.zeros((48, 65, 2), np.float32))
    with pytest.raises(EfnasError, match="flow10.flo is of 65x48 pixels, the images are of 64x48"):
        scored(venus)
    Image.new("RGB", (64, 50)).save(frame)
    with pytest.raises(EfnasError, match="differ in size: 64x48 and 64x50"):
        scored(venus)


@pytest.fixture(scope="module")
def classic():
    pytest.importorskip("cv2", reason="OpenCV (efnas[classic]) is not installed")
    return classic_methods().methods


def test_opencv_sees_motion(classic, small_chairs):
    found = scored(small_chairs / "val", **classic)
    epe = dict(zip(found.methods, found.by_pair.mean(axis=1)))
    assert epe["Farneback"] < 0.7 * epe["zero flow"] and epe["DIS"] < 0.7 * epe["zero flow"]
    with pytest.raises(EfnasError, match="OpenCV's DIS takes no frames of 8x8 pixels"):
        classic["DIS"](np.zeros((8, 8, 6), np.float32))


def test_grey_is_what_opencv_reads(classic, small_chairs):
    import cv2

    path = files_of(small_chairs, 0)[0]
    image = np.asarray(Image.open(path)).astype(np.float32) / 127.5 - 1
    assert np.array_equal(grey(image), cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))


def test_opencv_on_real_scenes_has_the_known_errors(classic):
    folder = REAL_DATA / "middlebury"
    if not folder.is_dir():
        pytest.skip(f"the Middlebury frames are not at {folder} (set EFNAS_REAL_DATA)")
    found = scored(folder, **classic)
    by_scene = {pair.scene: dict(zip(found.methods, own)) for pair, own in zip(found.pairs, found.by_pair.T)}
    for scene, zero, farneback, dis in (("Dimetrodon", 2.058, 0.937, 0.151), ("Venus", 3.802, 1.441, 0.394)):
        # DIS is of OpenCV up to 4.9; later ones are some thousandths off.
        assert by_scene[scene] == {"zero flow": pytest.approx(zero, abs=6e-4), "Farneback": pytest.approx(
            farneback, abs=6e-4), "DIS": pytest.approx(dis, abs=0.005)}  # fmt: skip


def told(words):
    code, out, err = answer([*words, "--json"])
    assert code == 0, err
    return json.loads(out), err


def test_the_command_agrees_with_eval_on_the_pairs_of_a_run(quick_settings, quick_run, small_chairs, tmp_path):
    folder = quick_run[-1].folder
    of_run = ["--experiment-name", folder.name, "--output-root", folder.parent, "--arch", "01100", "--arch", "10011"]
    words = ["eval", "--data", small_chairs / "val", *of_run]
    for geometry in ("crop", "whole"):
        settings = [*quick_settings, f"runtime.output_root={folder.parent}", f"data.geometry={geometry}",
                    "eval.eval_batches_per_arch=all"]  # fmt: skip
        config = load_config(assignments=settings)
        archs = [supernet_of(config).space.parse(code) for code in ("01100", "10011")]
        expected = subnet_errors(config, "best", archs, lambda done, total: None)
        found, err = told([*words, "--geometry", geometry, "--summary", tmp_path / "found.json"])
        assert found == json.loads((tmp_path / "found.json").read_text())
        assert list(found["methods"])[:2] == ["01100", "10011"] and found["geometry"] == geometry
        for arch in archs:
            assert found["methods"][arch.compact]["epe"] == pytest.approx(expected.epe[arch], abs=1e-4)
        assert found["methods"]["zero flow"]["epe"] == pytest.approx(expected.zero_epe, abs=1e-5)
        assert ("measured with whole" in err) == (geometry == "whole")
    code, out, err = answer([*words, "--no-color"])
    assert code == 0 and "FlyingChairs2, 6 pairs, frames at full resolution" in out and "\n 01100 " in out
    assert "Next: efnas infer" in out and "--arch 01100" in out


def test_a_file_has_the_error_that_infer_tells(small_chairs, tmp_path):
    folder, file = middlebury_of(small_chairs, tmp_path, "Venus", "Walking"), tmp_path / "net.tflite"
    shutil.rmtree(folder / "other-gt-flow" / "Walking")
    told(["export", "--arch", "000001000", "--skip-checkpoint", "--out", file, "--height", 32, "--width", 48, "--base-width", 4])  # fmt: skip
    found, err = told(["eval", "--data", folder, "--tflite", file])
    assert found["geometry"] == "whole" and found["without_flow"] == ["Walking"] and "Walking" in err
    first, second, flow = files_of(small_chairs, 0)
    (pair,) = told(["infer", first, second, "--tflite", file, "--ground-truth", flow])[0]["pairs"]
    epe = {name: own["epe"] for name, own in found["methods"].items()}
    assert epe["net.tflite"] == pytest.approx(pair["epe"]) and epe["zero flow"] == pytest.approx(pair["zero_epe"])


def test_without_opencv_a_note_says_how_to_have_it(small_chairs, monkeypatch, tmp_path):
    from efnas.cli import eval_data
    from efnas.evaluation import classic

    monkeypatch.setattr(classic, "classic_methods", lambda: classic.Classic({}))
    monkeypatch.setattr(eval_data, "_file", lambda path: still_file())
    code, out, err = answer(["eval", "--data", small_chairs, "--tflite", tmp_path / "any.tflite"])
    assert code == 0 and "DIS" not in out and "pip install 'efnas[classic]'" in err
    assert "against still (95 %)" in out


def still_file():
    from contextlib import nullcontext

    return nullcontext(({"still": still}, SIZE, {}, ""))
