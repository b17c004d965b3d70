"""What the benchmark of samplers measures, on tables that can be reckoned by hand."""

import subprocess
import sys

import numpy as np
import pytest
import replays
import samplers
from conftest import PROJECT
from replays import ALL, FOR_ERROR, POINTS, Truth, choices_on_half, first_enough
from small_supernet import SPACE

LATENCY = np.arange(32) + 1.0


def in_order(space, lookup, seed):
    lookup.ask_in_order(range(space.size))


def test_regret_and_share_are_those_of_the_subnets_evaluated_so_far():
    # The slower, the better, in steps of 1 ms and 0.0001 px; the first is the worst of all and beats nothing.
    truth = Truth(SPACE, LATENCY, 2.0 - 0.0001 * np.arange(32))
    regret, share, near_least, near_front, evaluated, asked = replays.replay(in_order, truth, 20, seed=0)
    known = POINTS <= 20
    assert regret[known] == pytest.approx(0.0001 * (32 - POINTS[known]))
    whole = sum(0.0001 * place for place in range(31))
    after = [sum(min(place, count - 1) for place in range(31)) * 0.0001 for count in POINTS[known]]
    assert share[known] == pytest.approx(np.array(after) / truth.volume())
    assert truth.volume() == pytest.approx(whole)
    assert np.isnan(regret[~known]).all() and np.isnan(share[~known]).all()
    assert np.isnan(near_least) and np.isnan(near_front)
    assert (evaluated, asked) == (20, 20)


def test_what_came_near_is_counted_and_what_rests_keeps_what_it_has():
    truth = Truth(SPACE, LATENCY, 2.0 - 0.00024 * np.arange(32))
    regret, share, near_least, near_front, evaluated, _ = replays.replay(in_order, truth, 3000, seed=0)
    assert near_least == 32 - 4
    whole = truth.volume()
    assert near_front == min(count for count in range(1, 33) if truth.volume(slice(count)) >= 0.99 * whole)
    assert evaluated == 32
    assert (regret[-1], share[-1]) == (0, 1)


def test_the_first_that_is_enough_is_found_for_every_place():
    for first in range(1, 12):
        assert first_enough(11, lambda count, first=first: count >= first) == first
    assert np.isnan(first_enough(11, lambda count: False))


def drawn_errors(noise):
    """Errors [32, 40] that add up option by option, pairs of different difficulty, and noise."""
    rng = np.random.RandomState(0)
    gains = rng.uniform(0, 0.05, (5, 2))[np.arange(5), samplers.codes_of(SPACE)].sum(axis=1)
    return 1 + gains[:, None] + rng.uniform(0, 1, 40) + rng.normal(0, noise, (32, 40)), gains


@pytest.fixture
def _few_fitted(monkeypatch):
    """The small space has 32 subnets; its pool has no room for twelve."""
    monkeypatch.setattr(samplers, "FITTED", 16)
    monkeypatch.setattr(replays, "samplers_of", lambda latency: {FOR_ERROR: samplers.predictor_for_error})


def test_without_noise_a_half_promises_what_the_other_holds(_few_fitted):
    errors, gains = drawn_errors(noise=0)
    chosen = choices_on_half(errors, np.arange(40), LATENCY, SPACE, seed=1)
    for choice in (chosen[ALL], chosen[FOR_ERROR]):
        assert (choice.promised, choice.measured) == pytest.approx([gains.mean() - gains.min()] * 2)
        assert choice.front == pytest.approx(1)


def test_with_noise_alone_a_half_promises_what_the_other_does_not_hold(_few_fitted):
    rng = np.random.RandomState(0)
    found = [
        choices_on_half(rng.normal(1, 0.1, (32, 40)), np.arange(40), LATENCY, SPACE, seed)[ALL] for seed in range(40)
    ]
    promised, measured, front = (np.mean(column) for column in zip(*found))
    assert promised > 0.03
    assert abs(measured) < 0.01
    assert front < 0.99


def test_the_pairs_of_a_scene_stay_in_one_half(_few_fitted):
    # Two scenes; subnet 3 is best on one of them and 7 on the other, which no mix of pairs would have chosen.
    errors = np.ones((32, 6))
    errors[3, :3], errors[3, 3:], errors[7, :3], errors[7, 3:] = 0, 2, 2, 0
    chosen = choices_on_half(errors, np.array([0, 0, 0, 1, 1, 1]), LATENCY, SPACE, seed=0)[ALL]
    assert (chosen.promised, chosen.measured) == pytest.approx((1, -1))


def test_without_a_search_the_benchmark_is_skipped_and_says_what_makes_one(tmp_path):
    words = [sys.executable, str(PROJECT / "tests" / "bench" / "bench_search.py"), str(tmp_path / "none")]
    said = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path)
    assert (said.returncode, said.stderr) == (0, "")
    assert len(said.stdout.splitlines()) == 1
    assert "skipped" in said.stdout and "make demo" in said.stdout


def test_a_damaged_search_is_told_in_one_sentence(tmp_path):
    words = [sys.executable, str(PROJECT / "tests" / "bench" / "bench_search.py"), str(tmp_path)]
    said = subprocess.run(words, capture_output=True, text=True)
    assert said.returncode == 1
    assert said.stderr.startswith("There are no errors in") and len(said.stderr.splitlines()) == 1
