"""Which subnet to take: the front, limits, who cannot be told from the best, and the folder that keeps it."""

import json

import made_up
import numpy as np
import pytest
from small_supernet import SMALL, SPACE

from efnas.core import supernet
from efnas.cost.table import FAILED, read_table
from efnas.errors import EfnasError
from efnas.search import folder as folder_module
from efnas.search.answer import Limits, answer_of, with_errors
from efnas.search.folder import lessons_of, read_search, write_search


@pytest.fixture
def errors():
    return made_up.errors()


@pytest.fixture
def table(errors):
    return with_errors(made_up.costs(), errors)


def test_each_row_has_the_mean_over_the_pairs_and_an_interval_around_it(table, errors):
    for row, own in zip(table.rows, errors.errors):
        assert row.epe == pytest.approx(own.mean(dtype=np.float64))
        assert row.epe_low < row.epe < row.epe_high
        # Pairs differ by a px: the error of one subnet is known to about a third of their spread over sqrt(40).
        assert 0.1 < row.epe_high - row.epe_low < 0.3


def test_those_with_the_better_option_are_told_from_the_others_though_no_interval_of_theirs_is(table, errors):
    answer = answer_of(table, errors)
    assert {row.arch[0] for row in answer.alike} == {"1"} and len(answer.alike) == SPACE.size // 2
    worse = [margin for arch, margin in answer.margins.items() if arch[0] == "0"]
    assert all(0.04 < margin.low < margin.mean < margin.high < 0.06 for margin in worse)
    others = [row for row in table.rows if row.arch[0] == "0"]
    assert min(row.epe_low for row in others) < answer.best.epe


def test_the_cheapest_is_the_fastest_of_those_that_cannot_be_told_from_the_best(table, errors):
    answer = answer_of(table, errors)
    assert answer.cheapest.arch == "1,0,0,0,0"
    assert answer.cheapest.latency_ms == min(row.latency_ms for row in answer.alike)
    assert answer.best.epe == min(row.epe for row in table.rows) and answer.best in answer.alike


def test_no_subnet_beats_one_of_the_front(table, errors):
    answer = answer_of(table, errors)
    assert answer.front[-1] == answer.best
    for row in answer.front:
        assert not [each for each in table.rows if each.latency_ms < row.latency_ms and each.epe <= row.epe]


def test_limits_leave_out_what_may_break_them(table, errors):
    answer = answer_of(table, errors, Limits({"latency_ms": 5.0}))
    kept = [row for row in table.rows if row.latency_ms + row.latency_error_ms <= 5.0]
    assert answer.found == len(kept) < SPACE.size and answer.best.epe == min(row.epe for row in kept)
    assert {*answer.margins} == {row.arch for row in kept}
    assert answer_of(table, errors, Limits(fits=True)).found == sum(row.fits for row in table.rows)
    assert answer_of(table, errors, Limits(min_fps=200.0)).best.latency_ms <= 4.9


@pytest.mark.parametrize("limits, nearest", [
    (Limits({"latency_ms": 0.5}), "the fastest takes 1.100 ms"), (Limits({"sram_kib": 1.0}), "the least SRAM is 10.0 KiB"),
    (Limits({"flash_kib": 1.0, "latency_ms": 9.0}), "the least flash is 5.0 KiB, the fastest takes 1.100 ms"),
    (Limits(min_fps=1e6), "the fastest gives 909.09 frames a second"),
])  # fmt: skip
def test_limits_that_no_subnet_keeps_name_the_nearest(table, errors, limits, nearest):
    with pytest.raises(EfnasError, match=nearest):
        answer_of(table, errors, limits)


def test_choosing_among_equals_promises_what_other_pairs_do_not_give():
    equal = made_up.errors(noise=0.2, gain=0.0)
    promise = answer_of(with_errors(made_up.costs(), equal), equal).promise
    assert promise.promised > 0.03 and promise.measured < 0.6 * promise.promised
    honest = made_up.errors(noise=0.001, gain=0.05)
    promise = answer_of(with_errors(made_up.costs(), honest), honest).promise
    assert promise.measured == pytest.approx(0.025, abs=0.002)


@pytest.mark.parametrize("key, value", [("height", 40), ("base_width", 8), ("space", ["small", 9])])
def test_costs_of_other_networks_are_refused(errors, key, value):
    costs = made_up.costs()
    with pytest.raises(EfnasError, match=f"other networks than the errors: its {key}"):
        with_errors(costs._replace(about={**costs.about, key: value}), errors)


def test_the_space_teaches_that_one_block_decides_the_error_and_the_last_most_of_the_latency(table):
    lessons = lessons_of(table)
    assert lessons["epe"]["blocks"]["Body"] > 0.99
    assert lessons["epe"]["options"]["Body"] == pytest.approx([0.025, -0.025], abs=1e-3)
    latency = lessons["latency_ms"]
    assert max(latency["blocks"], key=latency["blocks"].get) == "Fine" and latency["rest"] == pytest.approx(0)
    failed = table._replace(rows=[table.rows[0]._replace(known=FAILED, latency_ms=None), *table.rows[1:]])
    assert "latency_ms" not in lessons_of(failed)


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """Where errors are read as they were given, a folder is written and read as ever."""
    monkeypatch.setitem(supernet.SUPERNETS, SMALL.name, SMALL)

    def keep(errors):
        monkeypatch.setattr(folder_module, "read_errors", lambda folder: errors)
        return write_search(tmp_path, made_up.costs(), errors)

    return keep


def test_a_search_is_read_as_it_was_written(errors, table, kept, tmp_path):
    written = kept(errors)
    assert {path.name for path in tmp_path.iterdir()} == {
        "table.csv",
        "table.json",
        "front.csv",
        "search.json",
        *written.pictures,
    }
    found = read_search(tmp_path)
    for row, own in zip(found.table.rows, table.rows):
        assert row.arch == own.arch
        assert (row.epe, row.epe_low, row.epe_high) == pytest.approx((own.epe, own.epe_low, own.epe_high), abs=1e-6)
    assert answer_of(found.table, found.errors).margins == answer_of(table, errors).margins
    told = json.loads((tmp_path / "search.json").read_text())
    assert told == written.content and told["front_lost_without"]["Fine"] == pytest.approx(0, abs=0.01)
    assert (told["indistinguishable"], told["found"], told["pairs"]) == (16, 32, 40)
    assert told["best"]["arch"] == answer_of(table, errors).best.arch


def test_of_a_single_pair_nothing_is_told_apart_and_nothing_is_infinite(kept, tmp_path):
    single = made_up.errors(pairs=1)
    kept(single)
    text = (tmp_path / "search.json").read_text()
    assert "Infinity" not in text and "NaN" not in text
    told = json.loads(text)
    assert told["indistinguishable"] == 32 and told["promise"] is None
    assert {row.epe_low for row in read_table(tmp_path).rows} == {None}
