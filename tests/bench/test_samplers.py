"""The samplers of the benchmark do what their names say, on drawn tables of which the answer is known."""

from functools import partial

import numpy as np
import pytest
import samplers
from samplers import FITTED, PATIENCE, Lookup, codes_of, layers_of

from efnas.core.network import FLOW_SPACE as SPACE
from efnas.search.hypervolume import hypervolume

EVALUATIONS = 200
NAMES = ("random_search", "evolution", "nsga2", "predictor_for_error", "predictor_for_front", "pool")


def drawn_table(seed, interaction=0.0):
    """Latency and error that add up option by option, and an interaction that does not."""
    rng, codes = np.random.RandomState(seed), codes_of(SPACE)
    latency, error = (rng.uniform(0, 1, (2, 9, 3))[:, np.arange(9), codes]).sum(axis=-1)
    return 20 + latency, 1 + 0.01 * error + interaction * rng.normal(size=SPACE.size)


def order_of(name, table, seed, evaluations=EVALUATIONS):
    latency, error = table
    sampler = getattr(samplers, name)
    if name == "nsga2":
        pytest.importorskip("pymoo", reason="NSGA-II is pymoo's, which the extra bench installs")
    if name == "predictor_for_front":
        sampler = partial(sampler, latency=latency)
    lookup = Lookup(latency, error, evaluations)
    sampler(SPACE, lookup, seed)
    return lookup.order


@pytest.mark.parametrize("name", NAMES)
def test_each_evaluation_is_of_another_subnet_and_there_are_as_many_as_were_given(name):
    order = order_of(name, drawn_table(0, interaction=0.002), seed=1)
    assert len(order) == (12 if name == "pool" else EVALUATIONS)
    assert len(set(order)) == len(order)
    assert set(order) <= set(range(SPACE.size))


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_gives_one_order_and_another_seed_another(name):
    table = drawn_table(0, interaction=0.002)
    assert order_of(name, table, seed=1) == order_of(name, table, seed=1)
    assert order_of(name, table, seed=1) != order_of(name, table, seed=2)


@pytest.mark.parametrize("name", NAMES)
def test_the_errors_of_subnets_that_were_not_evaluated_decide_nothing(name):
    latency, error = drawn_table(0, interaction=0.002)
    order = order_of(name, (latency, error), seed=1)
    hidden = np.random.RandomState(3).uniform(0, 2, SPACE.size)
    hidden[order] = error[order]
    assert order_of(name, (latency, hidden), seed=1) == order


@pytest.mark.parametrize("name", ["evolution", "nsga2", "predictor_for_error", "predictor_for_front"])
def test_the_errors_that_were_seen_do(name):
    latency, error = drawn_table(0, interaction=0.002)
    assert order_of(name, (latency, error), seed=1) != order_of(name, (latency, -error), seed=1)


@pytest.mark.parametrize("seed", range(5))
def test_of_an_additive_error_the_predictor_knows_the_best_as_soon_as_it_is_fitted(seed):
    latency, error = drawn_table(seed)
    order = order_of("predictor_for_error", (latency, error), seed, FITTED + 1)
    assert error[order].argmin() == FITTED or error[order[:FITTED]].min() == error.min()
    assert error[order].min() == error.min()


def test_of_an_additive_error_the_predictor_evaluates_the_exact_front_next():
    latency, error = drawn_table(0)
    front = set(np.flatnonzero(layers_of(latency, error) == 0).tolist())
    assert len(front) > 10
    order = order_of("predictor_for_front", (latency, error), 0, FITTED + len(front))
    assert front <= set(order)
    assert not front <= set(order[:-2])


def test_evolution_finds_less_error_than_random_search():
    tables = [drawn_table(seed, interaction=0.001) for seed in range(8)]
    best = {
        name: [error[order_of(name, (latency, error), seed)].min() - error.min() for seed, (latency, error) in enumerate(tables)]
        for name in ("random_search", "evolution")
    }  # fmt: skip
    assert np.median(best["evolution"]) < np.median(best["random_search"]) / 2


def test_nsga2_beats_more_of_the_plane_than_random_search():
    for seed in range(3):
        latency, error = drawn_table(seed, interaction=0.001)
        worst = latency.max(), error.max()
        volume = {}
        for name in ("random_search", "nsga2"):
            order = order_of(name, (latency, error), seed, 400)
            volume[name] = hypervolume(latency[order], error[order], worst)
        assert volume["nsga2"] > 1.03 * volume["random_search"]


def test_a_child_of_evolution_differs_in_one_digit_from_a_subnet_evaluated_before():
    order = order_of("evolution", drawn_table(0, interaction=0.002), seed=1)
    codes = codes_of(SPACE)[order]
    for place in range(samplers.POPULATION, len(order)):
        assert (codes[:place] != codes[place]).sum(axis=1).min() == 1


def test_asking_again_costs_nothing_until_patience_ends():
    lookup = Lookup(np.array([1.0, 2.0]), np.array([3.0, 4.0]), 2)
    for _ in range(2 * PATIENCE - 1):
        assert lookup(1) == (2.0, 4.0)
        assert not lookup.spent
    lookup(1)
    assert lookup.spent
    assert (lookup.order, lookup.asked) == ([1], 2 * PATIENCE)


def test_layers_are_the_fronts_of_what_is_left():
    rng = np.random.RandomState(0)
    first, second = rng.randint(0, 30, (2, 300)).astype(float)
    layers, left = layers_of(first, second), np.arange(300)
    for layer in range(layers.max() + 1):
        a, b = first[left], second[left]
        at_least, better = (a[:, None] <= a) & (b[:, None] <= b), (a[:, None] < a) | (b[:, None] < b)
        front = left[~(at_least & better).any(axis=0)]
        here = np.flatnonzero(layers == layer)
        # Of twins one is on this front and the others on the next ones: as points they are the front.
        assert set(zip(first[here], second[here])) == set(zip(first[front], second[front]))
        left = np.setdiff1d(left, here)


def test_codes_are_those_of_the_space_in_its_order():
    assert codes_of(SPACE).tolist() == [list(code) for code in SPACE.codes()]
