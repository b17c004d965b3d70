"""Packed data: what is read from it is what its source holds, and what is torn, foreign or missing is named."""

import json
import shutil

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from command import answer, is_refused_in_a_sentence
from conftest import events_of
from interruption import config_of, contents, stopped
from PIL import Image

from efnas.config_files import load_config
from efnas.data.batches import BatchReader
from efnas.data.check import check_data
from efnas.data.flow_files import read_flo, write_flo
from efnas.data.flying_chairs import FLOAT16, index_folder
from efnas.data.packed import frame_size, packed_dataset
from efnas.data.packing import write_packed
from efnas.data.sampling_plan import evaluation_plan, training_plan
from efnas.data.sources import open_datasets, trained_on
from efnas.errors import EfnasError
from efnas.runs.resume import NotTheSameRun, Resume
from efnas.training.plan import allowed, prepare


@pytest.fixture(scope="module")
def chairs(small_chairs, tmp_path_factory):
    """With one training pair of another size than the others, and its frames of another kind."""
    folder = shutil.copytree(small_chairs, tmp_path_factory.mktemp("chairs") / "chairs")
    sample = index_folder(folder / "train").samples[5]
    for path in (sample.first, sample.second):
        Image.open(path).resize((70, 50)).convert("L").save(path)
    write_flo(sample.flow, np.random.RandomState(1).randn(50, 70, 2))
    (folder / "list.txt").write_text("train/0000003\ntrain/0000005\nval/0000013\n")
    return folder


@pytest.fixture(scope="module")
def packed(chairs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("packed") / "packed"
    assert write_packed(chairs, folder).pairs == {"train": 12, "val": 6}
    return folder


@pytest.fixture
def own(packed, tmp_path):
    return shutil.copytree(packed, tmp_path / "own")


def data_of(base, *more):
    return load_config(assignments=[f"data.base_path={base}", *more]).data


def read(dataset, plan, **how):
    with tf.Graph().as_default(), tf.Session() as session:
        return list(BatchReader(dataset, 32, 40, **how).arrays(session, plan))


@pytest.mark.parametrize("how", [
    {"batch_size": 5, "flow_clip": 1.0}, {"batch_size": 5, "micro_size": 3}, {"batch_size": 4, "whole": True, "flow_clip": 1.0},
], ids=str)  # fmt: skip
def test_batches_are_bit_by_bit_those_of_the_files(chairs, packed, how):
    plan = training_plan(5, 12, 0, 30)
    of_files, of_pack = (read(open_datasets(data_of(base)).train, plan, **how) for base in (chairs, packed))
    assert len(of_pack) == len(of_files) > 5
    for one, other in zip(of_pack, of_files):
        assert all(a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in zip(one, other))


def test_whole_frames_with_their_own_truth_are_too_and_centre_crops(chairs, packed):
    plan = evaluation_plan(6, 6)
    for how in ({"whole": True, "unscaled_truth": True}, {}):
        of_files, of_pack = (
            read(open_datasets(data_of(base)).val, plan, batch_size=4, **how) for base in (chairs, packed)
        )
        for one, other in zip(of_pack, of_files):
            assert all(a.tobytes() == b.tobytes() for a, b in zip(one, other))


@pytest.mark.parametrize("more", [[], ["data.val_holdout=4"], ["data.val_dir=train"]], ids=str)
def test_names_fingerprints_and_shared_pairs_are_those_of_the_source(chairs, packed, more):
    source, here = open_datasets(data_of(chairs, *more)), open_datasets(data_of(packed, *more))
    assert here.fingerprints() == source.fingerprints() and here.shared() == source.shared()
    for one, other in zip(here, source):
        assert [sample.name for sample in one.samples] == [sample.name for sample in other.samples]
        assert list(map(frame_size, one.samples)) == list(map(frame_size, other.samples))
    mark = here.train.fingerprint()
    assert trained_on(data_of(packed), 4 if "data.val_holdout=4" in more else None, mark).samples == here.train.samples


def test_lists_are_packed_under_their_names_and_found_by_them(chairs, tmp_path):
    write_packed(chairs, tmp_path / "packed", val_list="list.txt")
    listed = ["data.val_list=list.txt"]
    sets, source = open_datasets(data_of(tmp_path / "packed", *listed)), open_datasets(data_of(chairs, *listed))
    assert sets.fingerprints() == source.fingerprints() and sets.shared() == source.shared() == 2
    assert open_datasets(data_of(tmp_path / "packed")).val.samples == sets.val.samples
    with pytest.raises(EfnasError, match=r"packed data of train \(from train\) and val \(from list.txt\); .* no other"):
        open_datasets(data_of(tmp_path / "packed", "data.val_list=other.txt"))


def test_a_run_goes_on_with_packed_data_to_the_same_bits(quick_run, quick_settings, small_chairs, tmp_path):
    config = config_of(quick_settings, tmp_path)
    stopped(config, step=4)
    write_packed(small_chairs, tmp_path / "packed")
    outcome = events_of(config.changed("data", base_path=tmp_path / "packed"), Resume())[-1]
    assert contents(outcome.folder) == contents(quick_run[-1].folder)
    write_packed(small_chairs, tmp_path / "rounded", FLOAT16)
    rounded = prepare(config.changed("data", base_path=tmp_path / "rounded"), Resume())
    with pytest.raises(NotTheSameRun, match="data.train.flow"):
        allowed(rounded, False, Resume())


def test_rounded_flow_is_within_half_a_step_of_float16(chairs, tmp_path):
    done = write_packed(chairs, tmp_path / "packed", FLOAT16)
    plan, errors = evaluation_plan(6, 6), []
    sets = [open_datasets(data_of(base)).val for base in (chairs, tmp_path / "packed")]
    for (images, flow), (own_images, own_flow) in zip(*(read(each, plan, batch_size=6) for each in sets)):
        assert own_flow.dtype == np.float32 and own_images.tobytes() == images.tobytes()
        assert (np.abs(own_flow - flow) <= np.maximum(np.abs(flow) * 2.0**-11, 2.0**-25)).all()
        errors.append(np.abs(own_flow - flow).max())
    assert 0 < max(errors) <= done.rounding_px < 2**-8
    assert sets[1].fingerprint() == {**sets[0].fingerprint(), "flow": FLOAT16}


def torn(folder):
    path = folder / "train.pack"
    path.write_bytes(path.read_bytes()[:-100])
    return r"train.pack is torn: it has \d+,\d+ bytes, and \d+,\d+ were packed"


def foreign(folder):
    path = folder / "train.pack"
    path.write_bytes((folder / "val.pack").read_bytes())
    return "train.pack does not belong to its index train.pack.json"


def something_else(folder):
    (folder / "train.pack").write_bytes(b"\x89PNG")
    return "train.pack is no packed data"


def gone(folder):
    (folder / "train.pack").unlink()
    return "There is no .*train.pack, only its index"


def without_index(folder):
    (folder / "train.pack.json").unlink()
    return "There is no .*train.pack.json, the index of train.pack"


def edited(folder):
    path = folder / "train.pack.json"
    index = json.loads(path.read_text())
    index["samples"][3][2] += 64
    path.write_text(json.dumps(index))
    return "The index .*train.pack.json is damaged"


@pytest.mark.parametrize("damage", [torn, foreign, something_else, gone, without_index, edited])
def test_a_torn_foreign_or_missing_file_is_named(own, damage):
    said = damage(own)
    with pytest.raises(EfnasError, match=said):
        open_datasets(data_of(own))
    parts = check_data(own, None, 1, 1, lambda *words: None)
    assert [len(part.problems) for part in parts] == [1, 0]


def test_what_changed_since_it_was_packed_is_found_by_the_check(own):
    path, sample = own / "train.pack", packed_dataset(own, "train").samples[7]
    content = bytearray(path.read_bytes())
    content[sample.packed.offset + 5000] ^= 1
    path.write_bytes(content)
    code, out, err = answer(["data", "check", own, "--json"])
    (problem,) = json.loads(out)["problems"]
    assert code == 1 and problem.startswith(f"Sample {sample.name} of {path} is not what was packed")


def test_a_file_that_is_torn_under_way_is_named(own):
    dataset = packed_dataset(own, "train")
    torn(own)
    with pytest.raises(EfnasError, match="train.pack is torn: it ends before its sample"):
        read(dataset, evaluation_plan(12, 12), batch_size=4)


def test_frames_that_are_smaller_than_the_input_are_named(packed):
    with tf.Session() as session, pytest.raises(
        EfnasError, match="0000000-img_0.png is 64x48 .* smaller than the input"
    ):
        list(BatchReader(packed_dataset(packed, "train"), 49, 64, 4).arrays(session, evaluation_plan(12, 12)))


def marked_unknown(folder):
    flow = read_flo(folder / "train" / "0000004-flow_01.flo")
    flow[3, 4] = 1e10
    write_flo(folder / "train" / "0000004-flow_01.flo", flow)
    return "0000004-flow_01.flo marks 1 pixels as unknown"


def too_long(folder):
    write_flo(folder / "train" / "0000004-flow_01.flo", np.full((48, 64, 2), -70_000.0))
    return "0000004-flow_01.flo has motions of 70,000 pixels, too long for float16"


def cut(folder, name="0000004-img_1.png"):
    path = folder / "train" / name
    path.write_bytes(path.read_bytes()[:200])
    return f"{name} is truncated"


def too_long_back(folder):
    write_flo(folder / "val" / "0000014-flow_10.flo", np.full((48, 64, 2), 70_000.0))
    return "0000014-flow_10.flo has motions of 70,000 pixels"


def cut_back(folder):
    return cut(folder, "0000004-flow_10.flo")


def without_back(folder):
    (folder / "train" / "0000006-flow_10.flo").unlink()
    return "There is no .*0000006-flow_10.flo, the flow back"


@pytest.mark.parametrize("damage", [marked_unknown, too_long, cut, too_long_back, cut_back, without_back])
def test_a_pair_that_cannot_be_packed_is_named_and_nothing_is_left(small_chairs, tmp_path, damage):
    folder = shutil.copytree(small_chairs, tmp_path / "chairs")
    said = damage(folder)
    with pytest.raises(EfnasError, match=said):
        write_packed(folder, tmp_path / "packed", FLOAT16, back="back" in damage.__name__)
    assert [path.name for path in tmp_path.iterdir()] == ["chairs"]


def test_the_command_and_what_it_refuses(chairs, packed, tmp_path, monkeypatch):
    code, out, _ = answer(["data", "pack", chairs, tmp_path / "packed", "--json"])
    said = json.loads(out)
    files = {path.name: path.read_bytes() for path in (tmp_path / "packed").iterdir()}
    assert code == 0 and said["bytes"] == sum(map(len, files.values())) and said["rounding_px"] == 0.0
    assert files == {path.name: path.read_bytes() for path in packed.iterdir()}  # synthesis.json among them
    for words in ([chairs, packed], [packed, tmp_path / "x"], [tmp_path / "none", tmp_path / "x"],
                  [chairs / "train", tmp_path / "x"], [chairs, tmp_path / "x", "--flow", "int8"]):  # fmt: skip
        assert is_refused_in_a_sentence(*answer(["data", "pack", *words])), words
    monkeypatch.setattr(shutil, "disk_usage", lambda place: shutil._ntuple_diskusage(10**9, 10**9, 500_000))
    with pytest.raises(EfnasError, match="has 0 MB free; packed it takes 1"):
        write_packed(chairs, tmp_path / "x")
    assert not (tmp_path / "x").exists()
