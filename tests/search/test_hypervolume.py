"""The hypervolume of a front, and what a space loses without the choice of a block."""

import made_up
import numpy as np
import pytest
from small_supernet import SPACE

from efnas.search.hypervolume import hypervolume, lost_without


def test_it_is_the_area_that_the_points_beat():
    assert hypervolume(np.array([1.0]), np.array([2.0]), (4.0, 5.0)) == 3 * 3
    # (1, 4) beats 3 x 1, (2, 2) beats 2 x 3, 2 x 1 of which it shares with the first.
    assert hypervolume(np.array([2.0, 1.0]), np.array([2.0, 4.0]), (4.0, 5.0)) == 3 + 6 - 2
    rng = np.random.RandomState(0)
    first, second = rng.uniform(0, 1, (2, 30))
    drawn = rng.uniform(0, 1, (200_000, 2))
    beaten = ((first <= drawn[:, :1]) & (second <= drawn[:, 1:])).any(axis=1)
    assert hypervolume(first, second, (1.0, 1.0)) == pytest.approx(beaten.mean(), abs=0.004)


def test_points_that_others_beat_add_nothing():
    alone = hypervolume(np.array([1.0]), np.array([2.0]), (4.0, 5.0))
    assert hypervolume(np.array([1.0, 2.0, 1.0]), np.array([2.0, 3.0, 4.0]), (4.0, 5.0)) == alone


def test_a_block_that_gives_nothing_is_not_missed_and_the_one_that_decides_is():
    latency = np.array([row.latency_ms for row in made_up.costs().rows])
    first, last = (np.array([code[place] for code in SPACE.codes()]) for place in (0, -1))
    lost = lost_without(SPACE, latency, 2.0 - 0.05 * first + 0.1 * last)
    # The last block costs time and makes it worse: with its faster option alone nothing is lost.
    assert lost["Fine"] == pytest.approx(0)
    # The front is (1, 2.0) and (2, 1.95), the worst (16, 2.1); with option 1 alone only the second is left.
    assert lost["Body"] == pytest.approx(1 - (14 * 0.15) / (15 * 0.1 + 14 * 0.05))
    assert set(lost_without(SPACE, latency, np.full(32, 2.0)).values()) == {0.0}
