"""The fair sampler: strict fairness, reproducibility, and the evaluation pool."""

import itertools
import math

import numpy as np
import pytest

from efnas.core.fairness_check import check_sampler
from efnas.core.network import FLOW_SPACE
from efnas.core.sampler import FairnessCounts, evaluation_pool, fair_cycle, nth_permutation, random_archs
from efnas.errors import EfnasError


def test_a_fair_cycle_uses_each_option_of_each_block_once():
    for step in range(50):
        cycle = fair_cycle(FLOW_SPACE, 42, step)
        assert cycle.shape == (3, 9)
        assert (np.sort(cycle, axis=0) == np.arange(3)[:, None]).all()


def test_a_cycle_is_a_function_of_seed_and_step_alone():
    assert (fair_cycle(FLOW_SPACE, 7, 123) == fair_cycle(FLOW_SPACE, 7, 123)).all()
    assert (fair_cycle(FLOW_SPACE, 7, 123) != fair_cycle(FLOW_SPACE, 8, 123)).any()
    assert (fair_cycle(FLOW_SPACE, 7, 123) != fair_cycle(FLOW_SPACE, 7, 124)).any()


def test_the_first_cycle_of_seed_42_is_what_it_always_was():
    # Written down so that a change of generator, which would break every resumed run, cannot go unnoticed.
    assert [list(map(int, code)) for code in fair_cycle(FLOW_SPACE, 42, 0)] == FIRST_CYCLE_OF_SEED_42


FIRST_CYCLE_OF_SEED_42 = [[1, 2, 0, 1, 1, 0, 0, 1, 0], [0, 0, 2, 0, 0, 2, 2, 0, 1], [2, 1, 1, 2, 2, 1, 1, 2, 2]]


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_permutations_are_counted_in_the_order_of_a_dictionary(count):
    orders = [tuple(nth_permutation(count, number)) for number in range(math.factorial(count))]
    assert orders == list(itertools.permutations(range(count)))


def test_the_gap_is_zero_after_whole_cycles_and_not_within_one():
    counts = FairnessCounts.none(FLOW_SPACE)
    cycle = fair_cycle(FLOW_SPACE, 1, 0)
    counts.add(cycle[:1])
    assert counts.gap == 1
    counts.add(cycle[1:])
    assert counts.gap == 0
    assert counts.counts.sum() == 27
    assert FairnessCounts(counts.counts.tolist()).gap == 0


def test_all_permutations_come_equally_often():
    drawn = np.stack([fair_cycle(FLOW_SPACE, 3, step) for step in range(1200)])
    for place in range(9):
        _, counts = np.unique(drawn[:, :, place], axis=0, return_counts=True)
        assert len(counts) == 6
        assert 140 < counts.min() and counts.max() < 260


@pytest.mark.parametrize("seed", [0, 42, 2**40])
@pytest.mark.parametrize("size", [6, 12, 24])
def test_the_pool_has_every_option_equally_often_and_holds_the_baseline(seed, size):
    pool = evaluation_pool(FLOW_SPACE, seed, size)
    counts = FairnessCounts.none(FLOW_SPACE)
    counts.add(pool)
    assert (counts.counts == size // 3).all()
    assert len(set(pool)) == size
    assert pool[:3] == [(0,) * 9, (1,) * 9, (2,) * 9]
    assert pool[3] == FLOW_SPACE.baseline


@pytest.mark.parametrize("size", [0, 3, 7, 13, -3, 10**9])
def test_a_pool_that_is_not_of_whole_cycles_is_refused(size):
    with pytest.raises(EfnasError, match="multiple of 3"):
        evaluation_pool(FLOW_SPACE, 42, size)


def test_random_archs_are_different_and_reproducible():
    archs = random_archs(FLOW_SPACE, 5, 200)
    assert len(set(archs)) == 200
    assert archs[:20] == random_archs(FLOW_SPACE, 5, 20)
    with pytest.raises(EfnasError):
        random_archs(FLOW_SPACE, 5, 19684)


def test_the_sampler_passes_its_own_checks():
    assert all(check.passed for check in check_sampler(FLOW_SPACE, 42, 120, 12))


STREAM = np.random.RandomState(0)


@pytest.mark.parametrize("cycles_of, failing", [
    (lambda space, seed, step, purpose=1: np.random.RandomState(step).randint(0, 3, (3, 9)), "count"),
    (lambda space, seed, step, purpose=1: np.tile(np.arange(3)[:, None], 9), "uniform"),
    (lambda space, seed, step, purpose=1: fair_cycle(space, 0, step), "another seed"),
    (lambda space, seed, step, purpose=1: np.argsort(STREAM.rand(3, 9), axis=0), "same seed"),
])  # fmt: skip
def test_an_unfair_sampler_fails_the_checks(monkeypatch, cycles_of, failing):
    monkeypatch.setattr("efnas.core.fairness_check.fair_cycle", cycles_of)
    failed = [check.name for check in check_sampler(FLOW_SPACE, 42, 60, 12) if not check.passed]
    assert any(failing in name for name in failed)
