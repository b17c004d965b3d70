"""The input size as an axis: one front over all sizes, by errors that may be compared, and what the command does."""

import csv
import json

import made_up
import numpy as np
import pytest
from command import answer, is_refused_in_a_sentence
from conftest import events_of
from small_supernet import SMALL, SPACE, run_of_small
from vela_stand_in import stand_in_program

from efnas.config import CROP, WHOLE
from efnas.config_files import load_config
from efnas.core import supernet
from efnas.core.input_size import Size
from efnas.errors import EfnasError
from efnas.evaluation.ranking import subnet_errors
from efnas.search import sweeping
from efnas.search.answer import Limits, with_errors
from efnas.search.folder import Search
from efnas.search.sizes import answer_over
from efnas.search.sizes_folder import FRONT, PICTURE, SIZES

LARGE, SMALLER = Size(36, 48), Size(24, 32)


@pytest.fixture(autouse=True)
def _small_supernet(monkeypatch):
    monkeypatch.setitem(supernet.SUPERNETS, SMALL.name, SMALL)


def costs_at(size, factor=1.0):
    """The made-up costs, at another size and faster by a factor."""
    made = made_up.costs()
    rows = [row._replace(latency_ms=row.latency_ms * factor) for row in made.rows]
    return made._replace(rows=rows, about={**made.about, "height": size.height, "width": size.width})


def at(size, worse=0.0, factor=1.0, **changed):
    """A search at a size whose errors are larger by `worse` px."""
    errors = made_up.errors()
    of = {**errors.about["of"], "input": list(size), "geometry": WHOLE, **changed}
    errors = errors._replace(errors=errors.errors + np.float32(worse), about={**errors.about, "of": of})
    return Search(with_errors(costs_at(size, factor), errors), errors)


@pytest.fixture(scope="module")
def two():
    """The smaller size is four times as fast, and 0.2 px worse."""
    return {LARGE: at(LARGE), SMALLER: at(SMALLER, 0.2, 0.25)}


def test_no_subnet_at_any_size_beats_one_of_the_front(two):
    found = answer_over(two)
    every = [(size, row) for size, search in two.items() for row in search.table.rows]
    assert {each.size for each in found.front} == {LARGE, SMALLER}
    for each in found.front:
        assert not [row for _, row in every if row.latency_ms < each.row.latency_ms and row.epe <= each.row.epe]
    assert found.front[-1] == found.best and found.best.row.epe == min(row.epe for _, row in every)
    assert found.found == 2 * SPACE.size


def test_subnets_of_all_sizes_are_told_apart_by_their_pairs(two):
    found = answer_over(two)
    assert {each.size for each in found.alike} == {LARGE} and len(found.alike) == SPACE.size // 2
    assert found.best.size == LARGE and found.best.worse_by.mean == 0
    for each in found.front:
        if each.size == SMALLER:
            assert 0.15 < each.worse_by.low < each.worse_by.mean < each.worse_by.high < 0.3
    assert found.cheapest.row.latency_ms == min(each.row.latency_ms for each in found.alike)


def test_where_size_costs_no_error_the_smaller_one_is_the_cheapest_alike():
    found = answer_over({LARGE: at(LARGE), SMALLER: at(SMALLER, 0.0, 0.25)})
    assert found.cheapest.size == SMALLER and {each.size for each in found.front} == {SMALLER}


def test_limits_hold_at_every_size_and_say_what_is_left(two):
    found = answer_over(two, Limits({"latency_ms": 2.0}))
    large, smaller = found.sizes
    assert (large.size, large.found, large.least_epe) == (LARGE, 1, two[LARGE].table.rows[0].epe)
    assert smaller.found > 10 and found.found == 1 + smaller.found
    none = answer_over(two, Limits({"latency_ms": 0.5})).sizes[0]
    assert (none.found, none.on_front, none.mean_epe, none.least_ms) == (0, 0, None, None)
    with pytest.raises(EfnasError, match="No subnet keeps these limits at any of the sizes 36x48, 24x32"):
        answer_over(two, Limits({"latency_ms": 0.01}))


def test_shares_of_size_and_architecture_are_those_of_the_variance(two):
    shares = answer_over(two).shares["epe"]
    # Size moves all by 0.2 px, the first block by 0.05 px; standard deviations are half of that.
    assert shares.size == pytest.approx(0.1**2 / (0.1**2 + 0.025**2), abs=0.01)
    assert shares.size + shares.architecture + shares.both == pytest.approx(1) and shares.both < 1e-6


@pytest.mark.parametrize("changed, said", [
    ({"geometry": CROP}, "are of crops"), ({"checkpoint": "1" * 64}, "different checkpoint"),
    ({"pairs": [f"other{number}" for number in range(40)]}, "different pairs"),
])  # fmt: skip
def test_what_cannot_be_compared_is_refused(changed, said):
    with pytest.raises(EfnasError, match=said):
        answer_over({LARGE: at(LARGE), SMALLER: at(SMALLER, **changed)})


@pytest.mark.parametrize("text", ["180", "x240", "180x", "180x240x3", "-4x8", "1e2x4", "²x4", "123456x4"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(EfnasError, match="--size is height x width, as in 180x240"):
        Size.of_text(text)
    assert Size.of_text("180x240") == (180, 240)


def test_the_command_searches_every_size_with_the_same_weights(small_chairs, tmp_path, monkeypatch):
    """Real errors of a run that was trained on crops; made-up costs."""
    config = load_config(assignments=run_of_small(
        small_chairs, tmp_path / "runs", "data.input_height=36", "data.input_width=48", "train.num_epochs=1",
        "train.lr=0.005", "eval.bn_recal_batches=1",
    ))  # fmt: skip
    events_of(config)
    monkeypatch.setattr(sweeping, "swept_costs", lambda settings, *more: costs_at(
        Size(settings.data.input_height, settings.data.input_width), settings.data.input_height / 36))  # fmt: skip
    out = tmp_path / "out"
    words = ["search", "--output-root", tmp_path / "runs", "--checkpoint", "last", "--vela", stand_in_program(tmp_path),
             "--no-cache", "--out", out]  # fmt: skip
    code, said, noted = answer([*words, "--size", "36x48", "--size", "24x32"])
    assert code == 0 and "64 of 64 subnets and sizes, 6 pairs, made up, whole frames" in said
    assert "Trained with data.geometry: crop, measured with whole." in noted
    content = json.loads((out / SIZES).read_text())
    assert content["geometry"] == WHOLE and [each["size"] for each in content["sizes"]] == ["36x48", "24x32"]
    with open(out / FRONT, newline="") as file:
        assert [row["size"] for row in csv.DictReader(file)] == [each["size"] for each in content["front"]]
    assert (out / PICTURE).stat().st_size > 5000
    for size in (LARGE, SMALLER):  # each is a search of its own
        code, told, _ = answer(["search", "query", out / str(size), "--json", "--top", "1"])
        told = json.loads(told)
        here = config.changed("data", geometry=WHOLE, input_height=size.height, input_width=size.width)
        arch = SPACE.parse(told["best"]["arch"])
        known = subnet_errors(here, "last", [arch], lambda done, total: None)
        assert told["geometry"] == WHOLE and told["best"]["epe"] == pytest.approx(known.epe[arch], abs=1e-4)
    code, told, _ = answer(["search", "query", out, "--max-ms", "3", "--json"])
    told = json.loads(told)
    assert code == 0 and 0 < told["found"] < 64 and told["best"]["size"] in ("36x48", "24x32")
    refused = answer(words)
    assert is_refused_in_a_sentence(*refused) and "holds a search of several sizes" in refused[2]
    (out / SIZES).write_text("{}")
    assert "damaged" in answer(["search", "query", out])[2]
