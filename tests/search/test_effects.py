"""Effects of choice blocks on a whole space: against plain loops, and on functions whose effects are known."""

from itertools import combinations

import numpy as np
import pytest
from small_supernet import SPACE

from efnas.core.network import FLOW_SPACE
from efnas.search.effects import effects, rank_correlation

NAMES = [block.name for block in SPACE.blocks]


def of_codes(function, space=SPACE):
    return np.array([function(*code) for code in space.codes()], dtype=float)


def shares(found):
    return [*found.blocks.values(), *found.pairs.values(), found.rest]


def test_an_additive_function_has_no_interactions():
    found = effects(of_codes(lambda a, b, c, d, e: 2 + a + 2 * b - 3 * e), SPACE)
    assert found.blocks == pytest.approx(dict(zip(NAMES, [1 / 14, 4 / 14, 0, 0, 9 / 14])))
    assert list(found.pairs.values()) + [found.rest] == pytest.approx([0] * 11)
    assert found.options == {
        name: pytest.approx([-slope / 2, slope / 2]) for name, slope in zip(NAMES, [1, 2, 0, 0, -3])
    }


def test_a_product_of_two_blocks_has_that_pair_only():
    found = effects(of_codes(lambda a, b, c, d, e: (2 * b - 1) * (2 * d - 1)), SPACE)
    assert {pair for pair, share in found.pairs.items() if share > 1e-12} == {(NAMES[1], NAMES[3])}
    assert found.pairs[NAMES[1], NAMES[3]] == pytest.approx(1)
    assert list(found.blocks.values()) + [found.rest] == pytest.approx([0] * 6)


def test_a_product_of_three_blocks_is_in_the_rest():
    found = effects(of_codes(lambda a, b, c, d, e: (2 * a - 1) * (2 * b - 1) * (2 * d - 1)), SPACE)
    assert found.rest == pytest.approx(1)


def test_the_effects_are_what_plain_loops_compute():
    values = np.random.default_rng(0).gamma(2, 1, SPACE.size)
    codes = list(SPACE.codes())
    grand = sum(values) / len(values)
    variance = sum((value - grand) ** 2 for value in values) / len(values)

    def mean(**fixed):
        chosen = [v for v, code in zip(values, codes) if all(code[NAMES.index(n)] == d for n, d in fixed.items())]
        return sum(chosen) / len(chosen) - grand

    found = effects(values, SPACE)
    for name in NAMES:
        options = [mean(**{name: digit}) for digit in (0, 1)]
        assert found.options[name] == pytest.approx(options)
        assert found.blocks[name] == pytest.approx(sum(option**2 for option in options) / 2 / variance)
    for one, other in combinations(NAMES, 2):
        square = 0
        for digit in (0, 1):
            for another in (0, 1):
                both = mean(**{one: digit, other: another})
                square += (both - mean(**{one: digit}) - mean(**{other: another})) ** 2 / 4
        assert found.pairs[one, other] == pytest.approx(square / variance)
    assert sum(shares(found)) == pytest.approx(1)


def test_shares_of_the_large_space_sum_to_one_and_its_options_are_told_apart():
    noise = np.random.default_rng(1).standard_normal(FLOW_SPACE.size)
    found = effects(of_codes(lambda *code: 5 + code[4] ** 2, FLOW_SPACE) + 0.01 * noise, FLOW_SPACE)
    assert sum(shares(found)) == pytest.approx(1)
    assert (len(found.blocks), len(found.pairs)) == (9, 36)
    name = FLOW_SPACE.blocks[4].name
    assert found.blocks[name] > 0.99
    assert found.options[name] == pytest.approx([-5 / 3, -2 / 3, 7 / 3], abs=0.001)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e6 / 3])
def test_without_variance_all_shares_are_zero(constant):
    found = effects(np.full(FLOW_SPACE.size, constant), FLOW_SPACE)
    assert shares(found) == [0] * 46
    assert set(sum(found.options.values(), [])) == {0}


def test_values_of_another_number_are_refused():
    with pytest.raises(ValueError, match="has 32 subnets"):
        effects(np.zeros(31), SPACE)


def test_rank_correlation_is_one_for_the_same_order_and_accounts_for_ties():
    x = np.random.default_rng(2).standard_normal(FLOW_SPACE.size)
    assert rank_correlation(x, np.exp(x)) == 1
    assert rank_correlation(x, -x) == -1
    # By hand: of six couples four agree, one disagrees, one is tied in y.
    assert rank_correlation([1, 2, 3, 4], [1, 3, 2, 3]) == pytest.approx(3 / np.sqrt(6 * 5))
    assert np.isnan(rank_correlation([1, 2], [1, 1]))
