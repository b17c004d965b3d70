"""Errors of whole frames and of crops: each says which it is, and the two are never taken for each other."""

import json
from types import SimpleNamespace

import made_up
import numpy as np
import pytest
from fidelity_tables import measured
from small_supernet import SMALL, SPACE

from efnas.config import CROP, WHOLE
from efnas.config_files import load_config
from efnas.core import supernet
from efnas.cost.table import read_table
from efnas.data.scenes import scenes_of
from efnas.errors import EfnasError
from efnas.files import as_json
from efnas.runs.manifest import manifest_of_config, write_manifest
from efnas.runs.seal import file_sha256, sealed, unsealed
from efnas.search import fidelity_trainings, retraining
from efnas.search.against import of_another
from efnas.search.answer import with_errors
from efnas.search.benchmark import benchmark_of
from efnas.search.errors import ABOUT, GrowingErrors, read_errors
from efnas.search.fidelity_errors import MEASURED, FidelityErrors, read_measured
from efnas.search.fidelity_folder import write_fidelity
from efnas.search.fidelity_trainings import alone_errors
from efnas.search.folder import Search, write_search
from efnas.search.measured import _read
from efnas.search.settling import Along
from efnas.search.settling_folder import write_settling
from efnas.search.trainings import train_all

PAIRS = [f"{number:07}" for number in range(40)]


@pytest.fixture(autouse=True)
def _small_supernet(monkeypatch):
    monkeypatch.setitem(supernet.SUPERNETS, SMALL.name, SMALL)


@pytest.fixture
def config(tmp_path):
    """By its geometry, that of a run below tmp_path."""
    return lambda geometry: load_config(
        assignments=["network.name=small", "data.input_height=36", "data.input_width=48", f"data.geometry={geometry}",
                     f"runtime.output_root={tmp_path / 'runs'}"]
    )  # fmt: skip


def of_geometry(geometry):
    """The made-up errors; without one they are of a time when there was no other than crops."""
    errors = made_up.errors()
    said = {} if geometry is None else {"geometry": geometry}
    return errors._replace(about={**errors.about, "of": {**errors.about["of"], **said}})


def kept(folder, errors):
    growing = GrowingErrors(folder, errors.about["of"], SPACE.size, overwrite=False)
    growing.write(0, errors.errors)
    growing.finish(errors.about["zero_epe"], errors.about["second_recalibration"])


@pytest.mark.parametrize("stored, wanted", [(None, WHOLE), (CROP, WHOLE), (WHOLE, CROP)])
def test_errors_of_the_other_geometry_are_refused(tmp_path, stored, wanted):
    kept(tmp_path, of_geometry(stored))
    said = f"errors of something else: geometry was '{stored or CROP}' and is '{wanted}'"
    with pytest.raises(EfnasError, match=said):
        GrowingErrors(tmp_path, of_geometry(wanted).about["of"], SPACE.size, overwrite=False)
    assert read_errors(tmp_path).geometry == (stored or CROP)


def test_older_errors_are_of_crops_and_go_on_as_such(tmp_path):
    kept(tmp_path, of_geometry(None))
    assert "geometry" not in unsealed((tmp_path / ABOUT).read_text())["of"]
    growing = GrowingErrors(tmp_path, of_geometry(CROP).about["of"], SPACE.size, overwrite=False)
    assert growing.finished and growing.known_count == SPACE.size


def test_a_table_says_of_which_frames_its_errors_are(tmp_path):
    errors = of_geometry(WHOLE)
    kept(tmp_path, errors)
    content = write_search(tmp_path, made_up.costs(), errors).content
    assert content["of"]["geometry"] == WHOLE
    table = read_table(tmp_path, SPACE)
    assert table.about["geometry"] == WHOLE and table.title == "made up, whole frames"
    # As the costs of a search of crops the table says nothing of the errors that it had.
    assert with_errors(table, of_geometry(None)).title == made_up.costs().title == "made up"
    about = benchmark_of(Search(table, errors))["about"]
    assert json.loads(str(about))["geometry"] == WHOLE


@pytest.mark.parametrize("searched, trained", [(WHOLE, CROP), (None, WHOLE)])
def test_trainings_of_a_search_have_its_geometry(config, tmp_path, monkeypatch, searched, trained):
    errors = of_geometry(searched)
    sealed_as = SimpleNamespace(data_sha256=errors.about["of"]["checkpoint"])
    monkeypatch.setattr(retraining, "read_whole", lambda path, expected: sealed_as)
    monkeypatch.setattr(retraining, "read_search", lambda folder: Search(made_up.costs(), errors))
    same = config(searched or CROP)
    assert retraining.search_of_run(same, tmp_path)[0].errors is errors
    of_search = f"data.input_height: 36, data.input_width: 48, data.geometry: {searched or CROP}"
    for other in (config(trained), same.changed("data", input_height=40)):
        with pytest.raises(EfnasError, match=f"is of {of_search}, and the trainings would not be"):
            retraining.search_of_run(other, tmp_path)


def test_a_run_that_was_trained_on_other_frames_is_not_taken_for_one_of_these(config):
    crop, whole = config(CROP), config(WHOLE)
    folder = crop.runtime.run_folder
    folder.mkdir(parents=True)
    write_manifest(folder, manifest_of_config(crop))
    with pytest.raises(EfnasError, match="was trained with data.geometry: crop; take another --out"):
        train_all([whole])
    assert len(list(folder.iterdir())) == 1


def test_errors_of_a_training_are_kept_by_geometry(config, tmp_path, monkeypatch):
    monkeypatch.setattr(fidelity_trainings, "read_seal", lambda path: SimpleNamespace(data_sha256="a" * 64))
    known = tmp_path / "known.json"
    known.write_text(as_json({"checkpoint": "a" * 64, "pairs": PAIRS, "epe": [1.0] * 40}))  # older: of crops
    assert alone_errors(config(CROP), known)[0] == PAIRS
    with pytest.raises(EfnasError, match="There is no checkpoint"):  # it is measured anew
        alone_errors(config(WHOLE), known)


def test_what_was_measured_of_a_file_is_kept_by_geometry(tmp_path):
    file, known = tmp_path / "net.tflite", tmp_path / "net.measured.json"
    file.write_bytes(b"net")
    of = {"checkpoint": "a", "steps": 3, "form": "two-scale"}
    content = {"of": of, "file_sha256": file_sha256(file), "pairs": PAIRS[:2], "float_epe": [1.0, 2.0],
               "int8_epe": [1.1, 2.1], "cost": [1.0, 2.0, 3.0, {}]}  # fmt: skip
    known.write_text(as_json(content))
    assert _read(known, {**of, "geometry": CROP}, file).pairs == PAIRS[:2]
    assert _read(known, {**of, "geometry": WHOLE}, file) is None


def fidelity(geometry):
    table = measured(subnets=12, pairs=40, twice=6)
    archs = [str(SPACE.at(place)) for place in range(12)]
    how, budget = ["baseline"] + ["cell"] * 11, {"epochs": 3, "batch_size": 4}
    return FidelityErrors("one", [SPACE.name, SPACE.version], archs, how, PAIRS, "0" * 64, geometry, budget, table)


def test_a_fidelity_says_its_geometry_and_is_not_compared_with_the_other(config, tmp_path):
    written = write_fidelity(tmp_path, fidelity(WHOLE))
    assert written.content["geometry"] == WHOLE and written.tables[0].title == "On 40 pairs, whole frames"
    assert "40 pairs, whole frames." in (tmp_path / "fidelity.md").read_text()
    known = read_measured(tmp_path)
    assert known.geometry == WHOLE
    with pytest.raises(EfnasError, match="measured with data.geometry: whole, supernet would be with crop"):
        of_another(known, config(CROP), "best")


def test_an_older_fidelity_is_of_crops(tmp_path):
    write_fidelity(tmp_path, fidelity(CROP))
    content = unsealed((tmp_path / MEASURED).read_text())
    content.pop("geometry")
    (tmp_path / MEASURED).write_text(sealed(content))
    assert read_measured(tmp_path).geometry == CROP


def test_how_a_ranking_settles_is_told_with_its_geometry(tmp_path):
    errors = np.random.default_rng(0).random((2, 32, 12))
    along = [Along(epoch, 10 * epoch, own, 0.1) for epoch, own in enumerate(errors, start=1)]
    assert len(scenes_of(PAIRS[:12])) == 12
    written = write_settling(tmp_path, along, PAIRS[:12], WHOLE)
    assert written.content["geometry"] == WHOLE
    assert "All 32 subnets on 12 pairs, whole frames" in (tmp_path / "settling.md").read_text()
