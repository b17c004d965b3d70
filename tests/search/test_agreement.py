"""Rank correlations under resamples: against couples counted one by one and SciPy, and intervals on known truth."""

import numpy as np
import pytest
from scipy import stats

from efnas.evaluation.confidence import resampled_weights
from efnas.search.agreement import FEWEST, agreement, drawn_subnets, estimate, rank_estimate

TABLES = 200


def alone(*values):
    return np.array([values], dtype=float)


def counted(x, y, couples):
    """Of these couples: agreeing less disagreeing, and how many are not tied in x, and in y."""
    agreeing, in_x, in_y = 0, 0, 0
    for i, j in couples:
        one, other = np.sign(x[i] - x[j]), np.sign(y[i] - y[j])
        agreeing, in_x, in_y = agreeing + one * other, in_x + abs(one), in_y + abs(other)
    return agreeing, in_x, in_y


def couples_of(count):
    return [(i, j) for i in range(count) for j in range(i)]


@pytest.mark.parametrize("decimals", [6, 0])
def test_tau_and_rho_are_those_of_couples_counted_one_by_one_and_of_scipy_with_and_without_ties(decimals):
    x, y = np.round(2 * np.random.default_rng(0).standard_normal((2, 15)), decimals)
    (tau,), (rho,), _ = agreement(x[None], y[None], np.ones((1, 15)))
    agreeing, in_x, in_y = counted(x, y, couples_of(15))
    assert tau == pytest.approx(agreeing / np.sqrt(in_x * in_y)) == pytest.approx(stats.kendalltau(x, y).correlation)
    assert rho == pytest.approx(stats.spearmanr(x, y).correlation)


def test_a_subnet_that_is_drawn_twice_counts_as_two_tied_with_each_other():
    random = np.random.default_rng(1)
    errors, times = random.standard_normal((2, 12)), np.array(random.multinomial(12, np.ones(12) / 12, size=20), float)
    tau, rho, _ = agreement(*(np.tile(each, (20, 1)) for each in errors), times)
    for row, often in enumerate(times.astype(int)):
        x, y = (np.repeat(each, often) for each in errors)
        assert tau[row] == pytest.approx(stats.kendalltau(x, y).correlation)
        assert rho[row] == pytest.approx(stats.spearmanr(x, y).correlation)


def test_duplicates_do_not_lower_tau_as_they_would_lower_the_share_of_agreeing_couples():
    times = drawn_subnets(30, np.arange(0), 50, seed=0)
    x = np.tile(np.arange(30.0), (50, 1))
    assert agreement(x, x, times)[0] == pytest.approx(1)
    # The control: couples of a subnet with itself counted as not agreeing.
    assert ((times.sum(axis=1) ** 2 - (times**2).sum(axis=1)) / (30 * 29) < 1).all()


def test_of_near_couples_only_those_count():
    x, y = np.random.default_rng(2).standard_normal((2, 8))
    near = np.zeros((8, 8), dtype=bool)
    chosen = [(0, 1), (1, 2), (5, 7)]
    for i, j in chosen:
        near[i, j] = near[j, i] = True
    agreeing, _, _ = counted(x, y, chosen)
    assert agreement(x[None], y[None], np.ones((1, 8)), near)[2] == pytest.approx(agreeing / 3)
    assert np.isnan(agreement(x[None], y[None], np.ones((1, 8)), np.zeros((8, 8), dtype=bool))[2])
    times = np.array([[3.0, 2, 0, 1, 1, 0, 0, 1]])
    assert agreement(x[None], y[None], times, near)[2] == counted(x, y, [(0, 1)])[0]


def test_errors_that_differ_by_rounding_are_equal():
    x = 0.1 + np.array([0, 1e-17, 2e-17, 3e-16]) / 3
    assert len(set(x)) > 1
    assert np.isnan(agreement(x[None], alone(1, 2, 3, 4), np.ones((1, 4)))[0])


def test_resamples_draw_as_many_of_those_apart_and_of_the_others():
    apart = np.array([1, 4, 5])
    times = drawn_subnets(9, apart, 300, seed=3)
    assert (times[:, apart].sum(axis=1) == 3).all()
    assert (times.sum(axis=1) == 9).all()
    assert times.mean(axis=0) == pytest.approx(np.ones(9), abs=0.25)
    assert (times == drawn_subnets(9, apart, 300, seed=3)).all()
    assert (times != drawn_subnets(9, apart, 300, seed=4)).any()


def test_subnets_are_not_drawn_by_the_numbers_that_draw_pairs():
    subnets, pairs = drawn_subnets(9, np.arange(0), 500, seed=0), 9 * resampled_weights(np.arange(9), 500, seed=0)
    assert abs(np.corrcoef(subnets.ravel(), pairs.ravel())[0, 1]) < 0.1


# Intervals


@pytest.mark.parametrize("rho", [0.0, 0.6, 0.95])
def test_intervals_of_tau_and_rho_hold_the_truth_about_as_often_as_they_say(rho):
    truth = 2 / np.pi * np.arcsin(rho), 6 / np.pi * np.arcsin(rho / 2)
    held, by_halves = np.zeros(2), 0
    for seed in range(TABLES):
        random = np.random.default_rng(seed)
        x, noise = random.standard_normal((2, 30))
        y = rho * x + np.sqrt(1 - rho**2) * noise
        times = np.concatenate([np.ones((1, 30)), drawn_subnets(30, np.arange(0), 300, seed)])
        found = agreement(np.tile(x, (301, 1)), np.tile(y, (301, 1)), times)
        for which in (0, 1):
            interval = rank_estimate(found[which], 30, 0.95)
            held[which] += interval.low <= truth[which] <= interval.high
        half = rank_estimate(found[0], 30, 0.5)
        by_halves += half.low <= truth[0] <= half.high
    assert (0.88 < held / TABLES).all() and (held / TABLES < 0.99).all()
    assert 0.38 < by_halves / TABLES < 0.65


def test_full_agreement_is_no_certainty_and_more_subnets_are_more_of_it():
    perfect = np.ones(301)
    lows = [rank_estimate(perfect, count, 0.95).low for count in (FEWEST, 13, 30, 100)]
    assert lows == pytest.approx([0.025 ** (2 / count) for count in (5, 13, 30, 100)])
    assert rank_estimate(-perfect, 30, 0.95) == (-1, -1, pytest.approx(-lows[2]))
    # What is the same in all resamples though it is not perfect, as the difference of two perfect rankings.
    assert rank_estimate(np.zeros(301), 30, 0.95) == (0, pytest.approx(lows[2] - 1), pytest.approx(1 - lows[2]))


def test_few_subnets_have_no_interval_and_two_have_no_value():
    values = np.linspace(-1, 1, 301)
    assert rank_estimate(values, 2, 0.95) == (None, None, None)
    assert rank_estimate(values, FEWEST - 1, 0.95) == (-1, None, None)
    assert rank_estimate(values, FEWEST, 0.95).low is not None


def test_resamples_without_a_value_are_left_out_and_without_any_there_are_no_ends():
    assert estimate(np.array([np.nan, 1, 2]), 0.95) == (None, None, None)
    assert estimate(np.array([0.5, np.nan, np.nan]), 0.95) == (0.5, None, None)
    values = np.random.default_rng(0).standard_normal(500)
    values[0] = 0.1
    assert estimate(np.append(values, [np.nan] * 9), 0.95) == estimate(values, 0.95)


def test_an_interval_follows_resamples_that_lie_below_what_was_measured_up_but_holds_it():
    resamples = np.random.default_rng(0).standard_normal(4000)
    values = [estimate(np.append(measured, resamples), 0.95) for measured in (0.0, 0.3, 9.0)]
    assert values[0][1:] == pytest.approx((-1.96, 1.96), abs=0.12)
    assert values[1][1:] == pytest.approx((-1.96 + 0.6, 1.96 + 0.6), abs=0.2)
    # So far off, only part of it is taken for bias.
    assert values[2][1:] == (pytest.approx(-1.96 + 1, abs=0.12), 9.0)


def test_resamples_that_say_the_same_as_was_measured_count_half_as_below_it():
    assert estimate(np.repeat([0.0, -1, 0, 1], [1, 80, 240, 80]), 0.5) == (0, 0, 0)


def test_an_estimate_reads_as_a_figure_and_its_interval():
    assert [str(estimate(np.array(values), 0.95)) for values in ([0.5, 0.5], [0.5], [np.nan])] == [
        "0.50 (0.50 to 0.50)", "0.50", "unknown"
    ]  # fmt: skip
