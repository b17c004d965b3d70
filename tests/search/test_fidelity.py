"""What a supernet's ranking is worth: against plain counting, on tables of known truth, and what cannot be said."""

from itertools import combinations

import numpy as np
import pytest
from fidelity_tables import NOTHING, figures, flat, measured, table_of
from scipy import stats

from efnas.search.fidelity import Measured, Trained, fidelity_of, reachable


def test_they_are_between_mean_errors_and_those_of_the_trainings_between_the_two_errors():
    table = measured(1)
    found = fidelity_of(table, resamples=50)
    x, y = table.supernet.mean(axis=1), table.alone.mean(axis=1)
    assert found.tau.value == pytest.approx(stats.kendalltau(x, y).correlation)
    assert found.rho.value == pytest.approx(stats.spearmanr(x, y).correlation)
    first, second = (each.mean(axis=1) for each in table.twice[1:])
    theirs = stats.kendalltau(first, second).correlation
    assert found.tau_of_trainings.value == pytest.approx(theirs)
    assert found.rho_of_trainings.value == pytest.approx(stats.spearmanr(first, second).correlation)
    to_both = [stats.kendalltau(x[table.twice.rows], each).correlation for each in (first, second)]
    assert found.against_training.value == pytest.approx(np.mean(to_both) - theirs)
    assert (found.subnets, found.pairs, found.scenes, found.trained_twice) == (30, 40, 40, 10)


def test_only_the_order_counts():
    supernet, alone = np.random.default_rng(0).standard_normal((2, 20))
    plain = fidelity_of(table_of(supernet, alone), resamples=100)
    turned = fidelity_of(table_of(np.exp(3 * supernet), alone), resamples=100)
    assert figures(turned._replace(noise=plain.noise)) == pytest.approx(figures(plain), nan_ok=True)
    reverse = fidelity_of(table_of(-supernet, alone), resamples=100)
    assert reverse.tau == (pytest.approx(-plain.tau.value), pytest.approx(-plain.tau.high), pytest.approx(-plain.tau.low))  # fmt: skip


def test_the_order_in_which_subnets_come_changes_no_figure_and_hardly_an_interval():
    table = measured(2)
    order = np.random.default_rng(0).permutation(30)
    rows = np.argsort(order)[table.twice.rows]
    mixed = Measured(*(each[order] for each in table[:3]), table.scenes, table.twice._replace(rows=rows))
    one, other = fidelity_of(table), fidelity_of(mixed)
    for name in ("tau", "rho", "tau_of_trainings", "against_training"):
        was, now = getattr(one, name), getattr(other, name)
        assert now.value == pytest.approx(was.value)
        assert now[1:] == pytest.approx(was[1:], abs=0.08)
    for regret, same in zip(other.regrets, one.regrets):  # equal but for the order of sums
        assert [regret.top, *regret.px, *regret[2:]] == pytest.approx(
            [same.top, *same.px, *same[2:]], rel=1e-9, abs=1e-9
        )
    assert other.window.couples == one.window.couples


def test_what_pairs_do_to_all_subnets_alike_changes_nothing():
    table = measured(3)
    harder = 50 * np.random.default_rng(0).gamma(2, 1, 40)
    moved = table._replace(supernet=table.supernet + harder)
    assert figures(fidelity_of(moved, resamples=100)) == pytest.approx(
        figures(fidelity_of(table, resamples=100)), nan_ok=True, abs=1e-9
    )


def test_noise_of_pairs_widens_the_interval():
    def width(own):
        found = [fidelity_of(measured(seed, own=own, like=0.9), resamples=300).tau for seed in range(8)]
        return np.mean([tau.high - tau.low for tau in found])

    assert width(2.0) > 1.15 * width(0.01)


def test_shuffled_subnets_hold_no_ranking():
    held = 0
    for seed in range(60):
        table = measured(seed, like=0.9)
        shuffled = table._replace(supernet=np.random.default_rng(seed).permutation(table.supernet))
        found = fidelity_of(shuffled, resamples=200)
        held += found.tau.low <= 0 <= found.tau.high
        assert fidelity_of(table, resamples=200).tau.low > 0
    assert held >= 53


def test_intervals_hold_the_truth_about_as_often_as_they_say_when_subnets_and_pairs_are_drawn():
    supernet, trainings = 0, 0
    for seed in range(200):
        found = fidelity_of(measured(seed, pairs=20, twice=0), tops=(), resamples=200, seed=seed)
        supernet += found.tau.low <= 2 / np.pi * np.arcsin(0.7) <= found.tau.high
        found = fidelity_of(measured(seed, subnets=10, pairs=20, twice=10), tops=(), resamples=200, seed=seed)
        trainings += found.tau_of_trainings.low <= 2 / np.pi * np.arcsin(0.8) <= found.tau_of_trainings.high
    assert 0.88 < supernet / 200 < 0.99
    assert 0.88 < trainings / 200


def test_frames_of_a_scene_are_no_more_evidence_than_the_scene():
    few = measured(5, pairs=6, own=1.0)
    frames = Measured(*(np.repeat(each, 8, axis=1) for each in few[:2]), few.latency, np.repeat(few.scenes, 8))
    by_scene = fidelity_of(frames, resamples=300)
    assert by_scene.tau == pytest.approx(fidelity_of(few._replace(twice=None), resamples=300).tau)
    by_frame = fidelity_of(frames._replace(scenes=np.arange(48)), resamples=300)
    assert by_scene.noise.by_pairs_alone > 2 * by_frame.noise.by_pairs_alone
    assert (by_scene.scenes, by_scene.pairs) == (6, 48)


def test_the_same_seed_gives_the_same_figures():
    table = measured(6)
    assert fidelity_of(table, resamples=100) == fidelity_of(table, resamples=100)
    assert fidelity_of(table, resamples=100, seed=1).tau.low != fidelity_of(table, resamples=100).tau.low


def test_a_ranking_by_expected_errors_agrees_better_than_two_trainings_do_and_as_well_as_reachable_says():
    random = np.random.default_rng(0)
    expected = random.standard_normal(1500)
    first, second = expected + 0.8 * random.standard_normal((2, 1500))
    between = stats.kendalltau(first, second).correlation
    of_expected = stats.kendalltau(expected, first).correlation
    assert of_expected > between + 0.1
    assert reachable(between) == pytest.approx(of_expected, abs=0.03)
    assert [reachable(tau) for tau in (-0.5, 0, 1)] == [0, 0, pytest.approx(1)]
    found = fidelity_of(measured(1), resamples=100)
    assert found.reachable == tuple(reachable(each) for each in found.tau_of_trainings)


# Regret


def test_regret_is_what_the_best_few_lack_and_what_drawing_blindly_costs_is_counted():
    # The supernet's best are those of 5, 3, 9 and 1 px.
    alone = [5.0, 3, 9, 1, 4, 2, 8]
    found = fidelity_of(table_of(range(7), alone), tops=(1, 2, 3, 4, 7), resamples=20)
    assert [regret.top for regret in found.regrets] == [1, 2, 3, 4]
    assert [regret.px for regret in found.regrets] == [pytest.approx([px] * 3) for px in (4, 2, 2, 0)]
    for regret in found.regrets:
        blind = np.array([min(some) - 1 for some in combinations(alone, regret.top)])
        assert regret.random_px == pytest.approx(blind.mean())
        assert regret.as_good_by_chance == pytest.approx(np.mean(blind <= regret.px.value))


def test_a_supernet_that_holds_all_equal_is_credited_with_nothing():
    found = fidelity_of(table_of([2.0] * 6, [5.0, 3, 9, 1, 4, 2]), tops=(1, 3), resamples=20)
    assert [regret.px.value for regret in found.regrets] == [8, 3]
    assert found.tau == NOTHING


def test_the_interval_of_a_regret_holds_that_of_endless_pairs():
    held = 0
    for seed in range(100):
        random = np.random.default_rng(seed)
        supernet, alone = random.standard_normal((2, 12))
        noise = random.standard_normal((2, 12, 25))
        table = Measured(flat(supernet, 25) + noise[0] / 10, flat(alone, 25) + noise[1], np.ones(12), np.arange(25))
        (regret,) = fidelity_of(table, tops=(1,), resamples=200).regrets
        held += regret.px.low <= alone[supernet.argmin()] - alone.min() <= regret.px.high
    assert held >= 88


# Windows of equal latency


def test_in_a_window_couples_of_nearly_equal_latency_count():
    latency = np.array([100.0, 101, 102.5, 200, 201, 300, 306.05, np.nan])
    alone = np.array([1.0, 2, 3, 5, 4, 9, 8, 1])
    found = fidelity_of(table_of(range(8), alone, latency=latency), resamples=20)
    # 100 with 101, 101 with 102.5 (100 with 102.5 and 300 with 306.05 are too far), 200 with 201, which is the other way round.
    assert (found.window.couples, found.window.tau.value) == (3, pytest.approx(1 / 3))
    assert found.window.tau.low is None
    narrow = fidelity_of(table_of(range(8), alone, latency=latency), window=0.001, resamples=20)
    assert narrow.window == (0.001, 0, NOTHING)


def test_when_all_couples_of_a_window_agree_it_is_as_sure_as_so_many_coins():
    latency = np.repeat(np.arange(10) + 1.0, 2)
    for couples in (3, 6, 10):
        found = fidelity_of(
            table_of(range(2 * couples), range(2 * couples), latency=latency[: 2 * couples]), resamples=50
        )
        assert found.window[1:] == (couples, (1, pytest.approx(2 * 0.025 ** (1 / couples) - 1), 1))
    # All couples of one latency are the couples of all.
    table = measured(7)._replace(latency=np.ones(30))
    found = fidelity_of(table, resamples=100)
    assert found.window.couples == 30 * 29 // 2
    assert found.window.tau == pytest.approx(found.tau)


# Noise


def test_noise_is_told_apart_by_where_it_comes_from():
    random = np.random.default_rng(0)
    truth, pairs = 3 * random.standard_normal(400), 50
    first, second = (truth[:, None] + 0.5 * random.standard_normal((400, 1)) + random.standard_normal((400, pairs)) * 0.2
                     for _ in range(2))  # fmt: skip
    supernet = truth[:, None] + 2 * random.standard_normal((400, pairs))
    twice = Trained(np.arange(400), first, second + 7)  # a shift of all moves no rank
    noise = fidelity_of(Measured(supernet, first, np.ones(400), np.arange(pairs), twice), resamples=40).noise
    assert noise == pytest.approx((3, 0.5, 2 / np.sqrt(pairs), 0.2 / np.sqrt(pairs)), rel=0.15)


# What cannot be said
