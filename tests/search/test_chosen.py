"""Which subnets are trained alone: their properties on made-up spaces."""

import made_up
import numpy as np
import pytest
from small_supernet import SPACE

from efnas.core.network import FLOW_SPACE
from efnas.cost.table import front
from efnas.search.chosen import NEAR, cells_of, drawn_for_fidelity, drawn_from_front, repeated

BASELINE = FLOW_SPACE.index_of(FLOW_SPACE.baseline)


def space(size=FLOW_SPACE.size, seed=0):
    """Latency, and an error that falls with it: float [size] each."""
    random = np.random.default_rng(seed)
    latency = 50 + 100 * random.gamma(2, 1, size)
    return latency, 5 - np.log(latency) / 3 + 0.1 * random.standard_normal(size)


LATENCY, EPE = space()
CHOSEN = drawn_for_fidelity(LATENCY, EPE, BASELINE, 40, 5, seed=0)


def test_there_are_as_many_as_asked_for_each_once_and_the_baseline_is_among_them():
    for subnets, twins in ((1, 0), (3, 1), (30, 4), (40, 5), (41, 20)):
        chosen = drawn_for_fidelity(LATENCY, EPE, BASELINE, subnets, twins, seed=0).subnets
        assert len(set(chosen)) == len(chosen) == subnets
        assert BASELINE in chosen
    assert len(CHOSEN.twins) == 5


def test_the_seed_decides_and_the_same_one_draws_the_same():
    assert drawn_for_fidelity(LATENCY, EPE, BASELINE, 40, 5, seed=0) == CHOSEN
    other = drawn_for_fidelity(LATENCY, EPE, BASELINE, 40, 5, seed=1)
    assert len(set(other.in_cells) & set(CHOSEN.in_cells)) < 3
    assert other.twins == CHOSEN.twins


def test_one_is_drawn_in_each_cell():
    taken = {BASELINE, *sum(CHOSEN.twins, ())}
    left = np.array([place for place in range(FLOW_SPACE.size) if place not in taken])
    cells = cells_of(LATENCY, EPE, left, len(CHOSEN.in_cells))
    assert [sum(place in CHOSEN.in_cells for place in cell) for cell in cells] == [1] * len(cells)


@pytest.mark.parametrize(("size", "count"), [(19683, 29), (100, 7), (97, 90), (32, 20), (31, 31), (5, 1), (4, 0)])
def test_cells_share_out_all_places_evenly(size, count):
    latency, epe = space(size)
    places = np.arange(size)[::-1]
    cells = cells_of(latency, epe, places, count)
    sizes = [len(cell) for cell in cells]
    assert len(cells) == count
    if count:
        assert sorted(np.concatenate(cells)) == sorted(places)
        assert max(sizes) - min(sizes) <= 2
        assert min(sizes) >= 1


def test_cells_are_bands_of_latency_cut_by_error():
    cells = cells_of(LATENCY, EPE, np.arange(FLOW_SPACE.size), 25)
    for band in range(5):
        inside = cells[5 * band : 5 * band + 5]
        assert all(EPE[one].max() <= EPE[other].min() for one, other in zip(inside, inside[1:]))
        if band:
            assert LATENCY[np.concatenate(cells[: 5 * band])].max() <= LATENCY[np.concatenate(inside)].min()


def test_what_is_drawn_in_cells_is_spread_as_the_space_is_and_more_evenly_than_a_plain_draw():
    draws = [drawn_for_fidelity(LATENCY, EPE, BASELINE, 30, 0, seed).in_cells for seed in range(40)]
    plain = [np.random.default_rng(seed).integers(FLOW_SPACE.size, size=29) for seed in range(40)]
    for values in (LATENCY, EPE):
        in_cells, blindly = (np.array([values[each].mean() for each in some]) for some in (draws, plain))
        assert in_cells.mean() == pytest.approx(values.mean(), abs=0.1 * values.std())
        assert in_cells.std() < 0.6 * blindly.std()


def test_twins_are_near_in_latency_and_the_farthest_apart_in_error_of_their_band():
    bands = np.array_split(np.argsort(LATENCY), 5)
    for (one, other), band in zip(CHOSEN.twins, bands):
        assert 0 <= LATENCY[other] - LATENCY[one] < NEAR * LATENCY[one]
        assert {one, other} <= set(band)
        latency, epe = LATENCY[band[:900]], EPE[band[:900]]
        near = np.abs(latency[:, None] - latency) < NEAR * np.minimum(latency[:, None], latency)
        assert (np.abs(epe[:, None] - epe) * near).max() <= abs(EPE[one] - EPE[other]) + 1e-12
    few = space(60, seed=5)
    twins = drawn_for_fidelity(*few, 0, 10, 1, seed=0).twins
    apart = [(abs(few[1][i] - few[1][j]), {i, j}) for i in range(60) for j in range(i)
             if abs(few[0][i] - few[0][j]) < NEAR * min(few[0][i], few[0][j])]  # fmt: skip
    assert [set(couple) for couple in twins] == [max(apart, key=lambda each: each[0])[1]]


def test_without_near_couples_or_with_errors_all_the_same_cells_make_up_for_twins():
    latency = 10.0 * 1.01 ** np.arange(100)
    for costs, epe in ((latency, EPE[:100]), (np.full(100, 7.0), np.full(100, 2.0))):
        chosen = drawn_for_fidelity(costs, epe, 3, 20, 4, seed=0)
        assert (chosen.twins, len(chosen.in_cells), len(chosen.subnets)) == ([], 19, 20)


@pytest.mark.parametrize("twins", [0, 3, 15])
def test_all_of_a_small_space_may_be_taken(twins):
    latency = np.array([row.latency_ms for row in made_up.costs().rows])
    epe = np.random.default_rng(0).standard_normal(SPACE.size)
    for subnets in (32, 31):
        chosen = drawn_for_fidelity(latency, epe, SPACE.index_of(SPACE.baseline), subnets, twins, seed=0)
        assert len(set(chosen.subnets)) == subnets


def test_a_subnet_of_unknown_latency_is_left_out_unless_it_is_the_baseline():
    latency, epe = space(40)
    latency[10:20] = np.nan
    chosen = drawn_for_fidelity(latency, epe, 12, 31, 2, seed=0)
    assert set(chosen.subnets) == set(range(40)) - set(range(10, 20)) | {12}
    with pytest.raises(ValueError, match="cannot be had of 31"):
        drawn_for_fidelity(latency, epe, 12, 32, 2, seed=0)


@pytest.mark.parametrize(("subnets", "twins"), [(41, 0), (0, 0), (4, 2), (5, -1)])
def test_more_than_there_is_is_refused(subnets, twins):
    with pytest.raises(ValueError, match="cannot be had of 40"):
        drawn_for_fidelity(*space(40), 0, subnets, twins, seed=0)


def test_what_is_not_a_space_is_refused():
    with pytest.raises(ValueError, match="one latency and one error"):
        drawn_for_fidelity(LATENCY, EPE[:-1], 0, 5, 0, seed=0)
    for baseline in (-1, 40):
        with pytest.raises(ValueError, match="the baseline is one of 40"):
            drawn_for_fidelity(*space(40), baseline, 5, 0, seed=0)


def test_those_trained_twice_are_one_of_each_part_by_predicted_error():
    twice = repeated(CHOSEN.subnets, EPE, 10, seed=0)
    parts = np.array_split(sorted(CHOSEN.subnets, key=lambda place: EPE[place]), 10)
    assert [sum(place in twice for place in part) for part in parts] == [1] * 10
    assert twice == sorted(twice) == repeated(CHOSEN.subnets[::-1], EPE, 10, seed=0)
    assert len({tuple(repeated(CHOSEN.subnets, EPE, 10, seed)) for seed in range(5)}) == 5
    assert repeated(CHOSEN.subnets, EPE, 40, seed=0) == CHOSEN.subnets
    assert repeated(CHOSEN.subnets, EPE, 0, seed=0) == []
    with pytest.raises(ValueError, match="41 of 40"):
        repeated(CHOSEN.subnets, EPE, 41, seed=0)


# Of a front


def a_front(*latencies):
    row = made_up.costs().rows[0]
    rows = [row._replace(arch=str(place), latency_ms=float(ms), epe=9.0 - place) for place, ms in enumerate(latencies)]
    assert front(rows) == rows
    return rows


def taken(latencies, count):
    return [row.latency_ms for row in drawn_from_front(a_front(*latencies), count)]


def test_of_a_front_its_ends_are_taken_and_the_nearest_to_even_steps():
    assert taken([1, 2, 3, 4, 5, 6, 7, 8, 9], 3) == [1, 5, 9]
    assert taken([1, 2, 3, 4, 5, 6, 7, 8, 9], 5) == [1, 3, 5, 7, 9]
    assert taken([10, 11, 12, 13, 14, 19, 31], 3) == [10, 19, 31]
    # All even steps fall into the gap: none is taken twice, and all that were asked for are found.
    assert taken([1, 2, 98, 99, 100], 4) == [1, 2, 98, 100]
    assert taken([1, 2, 3, 4, 100], 4) == [1, 3, 4, 100]
    assert taken([1, 97, 98, 99, 100], 4) == [1, 97, 98, 100]


def test_of_one_the_most_accurate_and_of_a_short_front_all():
    assert taken([1, 2, 3], 1) == [3]
    assert taken([1, 2, 3], 2) == [1, 3]
    assert taken([1, 2, 3], 3) == taken([1, 2, 3], 9) == [1, 2, 3]
    with pytest.raises(ValueError, match="cannot take 0"):
        taken([1, 2], 0)
