"""The errors of all subnets of a run, on disk: those of `efnas eval`, whenever the computation was stopped."""

import errno
import json
import shutil

import made_up
import numpy as np
import pytest
from conftest import events_of
from small_supernet import SMALL, SPACE, run_of_small

from efnas.config_files import load_config
from efnas.core import supernet
from efnas.data.flow_files import read_flo, write_flo
from efnas.data.flying_chairs import fingerprint_of
from efnas.errors import EfnasError
from efnas.evaluation import space_errors
from efnas.evaluation.opened import opened_within
from efnas.evaluation.ranking import subnet_errors
from efnas.search import compute, passes
from efnas.search import errors as errors_module
from efnas.search.compute import compute_errors
from efnas.search.errors import ABOUT, ERRORS, read_errors

OPENED = [block.name for block in SPACE.blocks[-3:]]  # four bundles of eight


@pytest.fixture(scope="module", autouse=True)
def _small_supernet():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(supernet.SUPERNETS, SMALL.name, SMALL)
        patch.setattr(compute, "opened_within", lambda *size: OPENED)
        yield


@pytest.fixture(scope="module")
def config(small_chairs, tmp_path_factory):
    """That of a trained run of the second space."""
    made = load_config(assignments=run_of_small(
        small_chairs, tmp_path_factory.mktemp("run"), "data.input_height=36", "data.input_width=48",
        "train.num_epochs=4", "train.lr=0.002", "eval.bn_recal_batches=2", "eval.eval_every_epoch=4",
    ))  # fmt: skip
    events_of(made)
    return made


@pytest.fixture(scope="module")
def whole(config, tmp_path_factory):
    """The folder of the errors, computed without a stop, and what they are."""
    folder = tmp_path_factory.mktemp("errors") / "whole"
    return folder, compute_errors(config, "last", folder)


@pytest.fixture
def copy(whole, tmp_path):
    return shutil.copytree(whole[0], tmp_path / "copy")


def test_the_mean_of_every_subnet_is_what_eval_says(config, whole):
    _, table = whole
    archs = list(SPACE.codes())
    evaluated = subnet_errors(config, "last", archs, lambda done, total: None)
    assert table.errors.shape == (32, 6) and table.errors.dtype == np.float32
    np.testing.assert_allclose(table.errors.mean(axis=1), [evaluated.epe[arch] for arch in archs], atol=1e-5)
    assert np.mean(table.about["zero_epe"]) == pytest.approx(evaluated.zero_epe, rel=1e-6)
    assert len(np.unique(table.errors.mean(axis=1))) == 32
    assert table.pairs == sorted(table.pairs) and len(table.pairs) == 6


def test_fewer_pairs_are_the_first_ones(config, whole, tmp_path):
    few = compute_errors(config, "last", tmp_path / "few", pairs=4)
    np.testing.assert_allclose(few.errors, whole[1].errors[:, :4], atol=1e-5)
    assert few.pairs == whole[1].pairs[:4]


def test_a_computation_that_was_stopped_goes_on_and_ends_the_same(config, whole, tmp_path, monkeypatch):
    folder, computed = tmp_path / "stopped", []
    honest = space_errors.SpaceEvaluator.recalibrate

    def counting(self, session, bundle, batches):
        computed.append(bundle.first)
        return honest(self, session, bundle, batches)

    monkeypatch.setattr(space_errors.SpaceEvaluator, "recalibrate", counting)

    def stop(done, total):
        if done == 16:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compute_errors(config, "last", folder, progress=stop)
    with pytest.raises(EfnasError, match="not all known yet: the same efnas search goes on"):
        read_errors(folder)
    seen = []
    compute_errors(config, "last", folder, progress=lambda done, total: seen.append(done))
    # The first and the last bundle are recalibrated a second time.
    assert computed == [0, 8, 16, 24, 0, 24] and seen == [16, 24, 32]
    for name in (ERRORS, ABOUT):
        assert (folder / name).read_bytes() == (whole[0] / name).read_bytes()
    compute_errors(config, "last", folder)
    assert len(computed) == 6  # all known: nothing is computed again


def test_one_that_was_stopped_when_all_was_known_is_sealed_by_the_next(config, whole, tmp_path, monkeypatch):
    folder = tmp_path / "stopped"

    def stop(before, after):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(compute, "_changed", stop)
        compute_errors(config, "last", folder)
    assert np.isfinite(np.load(folder / ERRORS)).all()
    compute_errors(config, "last", folder)
    assert (folder / ABOUT).read_bytes() == (whole[0] / ABOUT).read_bytes()


def test_another_recalibration_moves_the_errors_and_it_is_said_by_how_much(config, whole):
    _, table = whole
    second, places = table.about["second_recalibration"], [*range(8), *range(24, 32)]
    means = table.errors[places].mean(axis=1, dtype=np.float64)
    assert second["subnets"] == 16 and second["between_subnets_px"] == pytest.approx(means.std(), rel=1e-6)
    assert 0 < abs(second["all_by_px"]) < 0.5 * means.mean() and 0 < second["apart_by_px"] < 0.5 * means.mean()
    # The batches after those of the first.
    assert compute._changed(table.errors[places], table.errors[places] + 0.25) == {
        "subnets": 16, "all_by_px": pytest.approx(0.25, rel=1e-5), "apart_by_px": pytest.approx(0, abs=1e-6),
        "between_subnets_px": second["between_subnets_px"]}  # fmt: skip


def test_control_rows_that_are_lost_are_computed_again(config, whole, copy):
    """Without this the test above could pass on a file that is never read."""
    errors = np.load(copy / ERRORS)
    errors[9, 2] = np.nan
    np.save(copy / ERRORS, errors)
    compute_errors(config, "last", copy)
    np.testing.assert_array_equal(read_errors(copy).errors, whole[1].errors)


@pytest.mark.parametrize("which, assignment, pairs, key", [
    ("best", "runtime.seed=9", None, "recalibration"), ("last", "eval.bn_recal_batches=1", None, "recalibration"),
    ("last", "train.batch_size=2", None, "recalibration"), ("last", "runtime.seed=42", 5, "pairs"),
    ("last", "data.input_height=40", None, "input"),
])  # fmt: skip
def test_errors_of_something_else_are_refused_and_stay(config, copy, which, assignment, pairs, key):
    key_name, value = assignment.split("=")
    section, name = key_name.split(".")
    other = config.model_copy(update={section: getattr(config, section).model_copy(update={name: int(value)})})
    before = {path.name: path.read_bytes() for path in copy.iterdir()}
    with pytest.raises(EfnasError, match=f"holds errors of something else: {key} was .*--overwrite"):
        compute_errors(other, which, copy, pairs)
    assert {path.name: path.read_bytes() for path in copy.iterdir()} == before


def test_overwrite_replaces_them(config, copy):
    assert compute_errors(config, "last", copy, pairs=3, overwrite=True).errors.shape == (32, 3)


@pytest.mark.parametrize("name", [ERRORS, ABOUT])
def test_a_changed_file_is_damaged(copy, name):
    content = bytearray((copy / name).read_bytes())
    content[-20] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(EfnasError, match="damaged"):
        read_errors(copy)


def test_errors_of_a_space_that_there_is_not_are_refused(copy, monkeypatch):
    monkeypatch.delitem(supernet.SUPERNETS, SMALL.name)
    with pytest.raises(EfnasError, match="another search space"):
        read_errors(copy)


def test_pairs_are_in_common_by_name_in_one_validation_set_alone():
    """A pair of the training folder and one of the official set may have one name."""
    table = made_up.errors(pairs=3)
    names = [*table.pairs, "0000003"]  # the search took fewer
    for data, common in (({}, table.pairs), ({"val": fingerprint_of(names)}, table.pairs),
                         ({"val": fingerprint_of(table.pairs)}, [])):  # fmt: skip
        assert table._replace(about={"of": {**table.about["of"], "data": data}}).in_common(names) == common


def test_no_errors_no_recalibration_no_data(config, tmp_path):
    with pytest.raises(EfnasError, match="no errors in .*: efnas search computes them"):
        read_errors(tmp_path)
    plain = config.model_copy(update={"eval": config.eval.model_copy(update={"bn_recal_batches": 0})})
    with pytest.raises(EfnasError, match="eval.bn_recal_batches is 0"):
        compute_errors(plain, "last", tmp_path / "none")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_sentence_and_loses_nothing_that_was_known(config, whole, tmp_path, monkeypatch):
    folder, written = tmp_path / "full", []

    def full(path, mode):
        written.append(path)
        if len(written) > 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return open(path, mode)

    monkeypatch.setattr(errors_module, "open", full, raising=False)
    with pytest.raises(EfnasError, match="Cannot write .*errors.npy: No space left on device"):
        compute_errors(config, "last", folder)
    monkeypatch.delattr(errors_module, "open")
    assert np.isfinite(np.load(folder / ERRORS)).all(axis=1).sum() == 16
    compute_errors(config, "last", folder)
    assert (folder / ERRORS).read_bytes() == (whole[0] / ERRORS).read_bytes()


def test_where_memory_is_short_the_batches_are_read_again(config, whole, tmp_path, monkeypatch):
    monkeypatch.setattr(passes, "available_memory_gb", lambda: 0.0)
    found = compute_errors(config, "last", tmp_path / "short")
    np.testing.assert_array_equal(found.errors, whole[1].errors)
    assert json.loads((tmp_path / "short" / ABOUT).read_text()) == json.loads((whole[0] / ABOUT).read_text())


def test_where_memory_is_short_a_pass_opens_fewer_blocks(config, whole, tmp_path, monkeypatch):
    monkeypatch.setattr(compute, "available_memory_gb", lambda: 0.0)
    monkeypatch.setattr(compute, "opened_within", opened_within)
    seen = []
    found = compute_errors(config, "last", tmp_path / "short", progress=lambda done, total: seen.append(done))
    assert seen == list(range(0, 33, 2))  # of the last block alone: two subnets a pass
    np.testing.assert_allclose(found.errors, whole[1].errors, atol=1e-5)


def test_flow_that_is_unknown_is_named_and_its_errors_are_no_figures(config, small_chairs, tmp_path):
    """Of a validation pair; once the file is whole again the same search is whole, too."""
    chairs, folder = shutil.copytree(small_chairs, tmp_path / "chairs"), tmp_path / "errors"
    other = config.model_copy(update={"data": config.data.model_copy(update={"base_path": chairs})})
    path = sorted((chairs / "val").glob("*-flow_01.flo"))[1]
    whole_file = path.read_bytes()
    flow = read_flo(path)
    flow[2, 3] = (1.7e9, 0)
    write_flo(path, flow)
    with pytest.raises(EfnasError, match=f"{path.name}.* marks 1 pixels as unknown"):
        compute_errors(other, "last", folder)
    assert not np.isfinite(np.load(folder / ERRORS)).any()
    path.write_bytes(whole_file)
    assert np.isfinite(compute_errors(other, "last", folder).errors).all()
