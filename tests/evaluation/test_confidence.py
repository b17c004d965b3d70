"""Confidence from a paired bootstrap: against plain NumPy, and on made-up tables whose truth is known."""

import numpy as np
import pytest
from scipy import stats

from efnas.data.scenes import scenes_of
from efnas.evaluation.confidence import (
    BLOCK,
    compared_with_best,
    intervals,
    resampled_means,
    resampled_weights,
    winners_curse,
)

TABLES = 200


def table(seed, subnets=20, pairs=60, worse=0.0):
    """Hard and easy pairs that all subnets share, and 0.3 px of a subnet's own: float32 [subnets, pairs]."""
    random = np.random.default_rng(seed)
    hardness = 5 * random.gamma(2, 1, pairs)
    own = 0.3 * random.standard_normal((subnets, pairs))
    return (hardness + own + np.reshape(worse, (-1, 1))).astype(np.float32)


def weights_of(pairs, resamples=400, seed=1):
    return resampled_weights(np.arange(pairs), resamples, seed)


# Means and intervals


def test_resampled_means_are_weighted_means_over_more_than_one_block(tmp_path):
    errors = table(0, BLOCK + 3, 20)
    weights = weights_of(20, 50)
    np.save(tmp_path / "errors.npy", errors)
    for source in (errors, np.load(tmp_path / "errors.npy", mmap_mode="r")):
        means = resampled_means(source, weights)
        assert means.shape == (50, BLOCK + 3)
        assert means == pytest.approx(np.array([[np.average(e, weights=w) for e in errors] for w in weights]), rel=1e-5)


def test_intervals_are_the_quantiles_of_the_resampled_means():
    errors, weights = table(1, BLOCK + 3, 20), weights_of(20, 50)
    mean, low, high = intervals(errors, weights, level=0.8)
    means = weights @ errors.T.astype(float)
    assert mean.tolist() == errors.mean(axis=1, dtype=float).tolist()
    assert low == pytest.approx(np.quantile(means, 0.1, axis=0), rel=1e-5)
    assert high == pytest.approx(np.quantile(means, 0.9, axis=0), rel=1e-5)


def test_intervals_hold_the_true_mean_about_as_often_as_they_say():
    random = np.random.default_rng(5)
    errors = 3 * random.gamma(2, 1, (1000, 80))
    _, low, high = intervals(errors, weights_of(80))
    assert np.mean((low <= 6) & (6 <= high)) == pytest.approx(0.95, abs=0.025)


def test_a_single_pair_says_nothing_of_the_spread():
    mean, low, high = intervals(table(1, 3, 1), weights_of(1))
    assert np.isfinite(mean).all()
    assert low.tolist() == [-np.inf] * 3
    assert high.tolist() == [np.inf] * 3


# Against the best


def plain_comparison(errors, weights, scenes, level):
    errors = errors.astype(float)
    best = errors.mean(axis=1).argmin()
    largest = []
    deviation = weights @ errors.T - errors.mean(axis=1)
    for row in deviation:
        winner = row.argmin()
        t = [0.0]
        for other in range(len(errors)):
            if other != winner:
                t.append(
                    (row[other] - row[winner]) / np.sqrt(np.mean((deviation[:, other] - deviation[:, winner]) ** 2))
                )
        largest.append(max(t))
    c = stats.t.isf(stats.norm.sf(np.quantile(largest, level)), scenes - 1) * np.sqrt(scenes / (scenes - 1))
    width = c * np.sqrt(np.mean((deviation - deviation[:, [best]]) ** 2, axis=0))
    difference = (errors - errors[best]).mean(axis=1)
    return best, difference, difference - width, difference + width


@pytest.mark.parametrize("names", [[str(i) for i in range(24)], [f"{i // 4}/{i}" for i in range(24)]])
def test_the_comparison_is_what_plain_loops_compute(names):
    errors = table(2, 12, 24, worse=np.arange(12) * 0.03)
    weights = resampled_weights(scenes_of(names), 100, seed=4)
    found = compared_with_best(errors, range(12), weights, level=0.9)
    best, *expected = plain_comparison(errors, weights, len(set(scenes_of(names))), 0.9)
    assert found.best == best
    for array, plain in zip((found.difference, found.low, found.high), expected):
        assert array == pytest.approx(plain, abs=1e-9)
    assert found.indistinguishable.tolist() == [low <= 0 for low in found.low]


def test_candidates_are_rows_of_the_errors_in_any_number_of_blocks(tmp_path):
    errors = table(3, 2 * BLOCK, 20)
    candidates = np.arange(2 * BLOCK - 1, 100, -1)
    np.save(tmp_path / "errors.npy", errors)
    found = compared_with_best(np.load(tmp_path / "errors.npy", mmap_mode="r"), candidates, weights_of(20, 50))
    assert found.best == candidates[errors[candidates].mean(axis=1, dtype=float).argmin()]
    _, difference, low, _ = plain_comparison(errors[candidates], weights_of(20, 50), 20, 0.95)
    assert found.difference == pytest.approx(difference, abs=1e-9)
    assert found.low == pytest.approx(low, abs=1e-6)
    assert all(type(array) is np.ndarray for array in found[1:])


def test_of_equal_subnets_one_is_called_worse_in_about_five_tables_in_a_hundred():
    alarms, against_a_fixed_best = 0, 0
    for seed in range(TABLES):
        errors, weights = table(seed).astype(float), weights_of(60, seed=seed)
        found = compared_with_best(errors, range(20), weights)
        alarms += not found.indistinguishable.all()
        deviation = weights @ (errors - errors[found.best]).T - found.difference
        error = np.where(np.arange(20) == found.best, np.inf, deviation.std(axis=0))
        against_a_fixed_best += (found.difference / error).max() > np.quantile((deviation / error).max(axis=1), 0.95)
    assert 0.02 < alarms / TABLES < 0.09
    # The control: the best taken as if it had been named beforehand.
    assert against_a_fixed_best / TABLES > 0.3


@pytest.mark.parametrize("step", [0.0, 0.02, 0.2])
def test_the_band_holds_all_true_differences_at_once_however_far_apart_they_are(step):
    truth, held = step * np.arange(20), 0
    for seed in range(TABLES // 2):
        found = compared_with_best(table(seed, worse=truth), range(20), weights_of(60, seed=seed))
        true_difference = truth - truth[found.best]
        held += ((found.low <= true_difference) & (true_difference <= found.high)).all()
    assert held / (TABLES // 2) > 0.9


def test_pairing_tells_apart_what_separate_intervals_do_not_and_shuffled_pairs_do_not():
    errors = table(6, 2, 60, worse=[0, 0.5])
    paired = compared_with_best(errors, [0, 1], weights_of(60))
    assert paired.best == 0
    assert paired.indistinguishable.tolist() == [True, False]
    _, low, high = intervals(errors, weights_of(60))
    assert low[1] < high[0]
    errors[1] = np.random.default_rng(0).permutation(errors[1])
    assert compared_with_best(errors, [0, 1], weights_of(60)).indistinguishable.all()


def test_frames_of_a_scene_are_no_more_evidence_than_the_scene():
    few = table(7, 5, 12)
    frames = np.repeat(few, 10, axis=1)
    scenes = resampled_weights(np.repeat(np.arange(12), 10), 400, seed=1)
    by_scene, by_frame = (compared_with_best(frames, range(5), w) for w in (scenes, weights_of(120)))
    assert by_scene.low == pytest.approx(compared_with_best(few, range(5), weights_of(12)).low, abs=1e-6)
    assert (by_scene.high - by_scene.low).max() > 2 * (by_frame.high - by_frame.low).max()


def test_the_same_errors_are_indistinguishable_and_a_constant_difference_is_not():
    errors = np.round(table(8, 1, 30)) + np.array([[0], [0], [0.25], [8]])
    found = compared_with_best(errors, [3, 2, 1, 0], weights_of(30))
    assert found.best == 1
    assert found.difference.tolist() == [8, 0.25, 0, 0]
    assert found.indistinguishable.tolist() == [False, False, True, True]
    assert np.isfinite(found[1:]).all()


def test_on_a_single_pair_nothing_is_told_apart():
    found = compared_with_best(np.array([[3.0], [1.0], [2.0]]), [0, 1, 2], weights_of(1))
    assert (found.best, found.difference.tolist()) == (1, [2, 0, 1])
    assert (found.low.tolist(), found.high.tolist()) == ([-np.inf, 0, -np.inf], [np.inf, 0, np.inf])
    assert found.indistinguishable.all()
    one_scene = resampled_weights(np.zeros(5, int), 100, seed=1)
    assert compared_with_best(table(9, 4, 5), range(4), one_scene).indistinguishable.all()


def test_two_pairs_give_finite_numbers():
    assert np.isfinite(compared_with_best(table(9, 30, 2), range(30), weights_of(2))[1:]).all()


def test_one_candidate_is_the_best():
    for pairs in (1, 20):
        found = compared_with_best(table(0, 5, pairs), [3], weights_of(pairs))
        assert [found.best, *(array.tolist() for array in found[1:])] == [3, [0], [0], [0], [True]]


# Winner's curse


def test_what_was_promised_and_what_was_measured_are_gains_over_the_candidates_mean():
    errors = np.array([[9.0, 9, 0, 0], [1, 3, 7, 7], [4, 4, 5, 3], [3, 5, 4, 6]])
    promise = winners_curse(errors, [1, 2, 3], np.array([True, True, False, False]))
    assert promise == (1, pytest.approx(10 / 3 - 2), pytest.approx(16 / 3 - 7))


def test_the_best_of_equal_subnets_keeps_nothing_of_its_promise():
    half = np.arange(60) % 2 == 0
    promises = [winners_curse(table(seed), range(20), half) for seed in range(TABLES)]
    assert min(promise.promised for promise in promises) > 0
    # The largest of 20 normal means of 30 pairs: 1.87 standard errors.
    assert np.mean([p.promised for p in promises]) == pytest.approx(1.87 * 0.3 / np.sqrt(30), rel=0.05)
    assert np.mean([p.measured for p in promises]) == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("half", [[True] * 4, [False] * 4])
def test_an_empty_half_checks_nothing(half):
    with pytest.raises(ValueError, match="both halves"):
        winners_curse(table(0, 3, 4), range(3), np.array(half))
