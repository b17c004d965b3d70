"""What a supernet's ranking is worth: against plain counting, on tables of known truth, and what cannot be said."""

import json
from itertools import combinations

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from efnas.search.agreement import Estimate
from efnas.search.fidelity import Measured, Trained, fidelity_of, reachable, verdict
from efnas.search.fidelity_pictures import draw_fidelity

NOTHING = Estimate(None)


def measured(seed=0, subnets=30, pairs=40, like=0.7, reliability=0.8, twice=10, own=0.3):
    """Normal errors: `like` is how the supernet's correlate with the first training's, `reliability` how two trainings
    do. Pairs are hard or easy for all, and `own` px of noise is a subnet's on a pair."""
    random = np.random.default_rng(seed)
    first = random.standard_normal(subnets)
    supernet = like * first + np.sqrt(1 - like**2) * random.standard_normal(subnets)
    second = reliability * first + np.sqrt(1 - reliability**2) * random.standard_normal(subnets)
    hardness = 2 * random.gamma(2, 1, pairs)

    def errors(truth):
        return 10 + truth[:, None] + hardness + own * random.standard_normal((subnets, pairs))

    supernet, first, second = errors(supernet), errors(first), errors(second)
    rows = np.sort(random.permutation(subnets)[:twice])
    alone = first.copy()
    alone[rows] = (first + second)[rows] / 2
    return Measured(supernet, alone, random.uniform(50, 60, subnets), np.arange(pairs),
                    Trained(rows, first[rows], second[rows]))  # fmt: skip


def flat(rows, pairs=12):
    """Errors that are the same on all pairs."""
    return np.repeat(np.array(rows, dtype=float)[:, None], pairs, axis=1)


def table_of(supernet, alone, pairs=12, latency=None, twice=None):
    latency = np.arange(len(alone)) + 1.0 if latency is None else latency
    return Measured(flat(supernet, pairs), flat(alone, pairs), latency, np.arange(pairs), twice)


def figures(fidelity):
    """All numbers of a result, None as NaN."""

    def numbers(value):
        if isinstance(value, dict):
            return sum((numbers(each) for each in value.values()), [])
        return sum((numbers(each) for each in value), []) if isinstance(value, list) else [value]

    return np.array(numbers(fidelity.as_dict()), dtype=float)


# Tau and rho


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
    assert other.regrets == one.regrets
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
    latency = np.array([100.0, 101, 102.5, 200, 201, 300, np.nan])
    alone = np.array([1.0, 2, 3, 5, 4, 9, 1])
    found = fidelity_of(table_of(range(7), alone, latency=latency), resamples=20)
    # 100 with 101, 101 with 102.5 (100 with 102.5 is too far), 200 with 201, which is the other way round.
    assert (found.window.couples, found.window.tau.value) == (3, pytest.approx(1 / 3))
    assert found.window.tau.low is None
    narrow = fidelity_of(table_of(range(7), alone, latency=latency), window=0.001, resamples=20)
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


@pytest.mark.parametrize("subnets", [1, 2, 3, 4])
def test_too_few_subnets_leave_unknown_what_they_do(subnets):
    found = fidelity_of(measured(0, subnets=subnets, twice=subnets), resamples=20)
    for estimate in (found.tau, found.rho, found.tau_of_trainings, found.rho_of_trainings, found.against_training):
        assert (estimate.value is None) == (subnets < 3)
        assert (estimate.low, estimate.high) == (None, None)
    assert "cannot be said" in verdict(found)


@pytest.mark.parametrize(("pairs", "scenes"), [(1, [0]), (4, [2, 2, 2, 2])])
def test_a_single_pair_or_scene_gives_figures_without_intervals(pairs, scenes):
    found = fidelity_of(measured(0, pairs=pairs)._replace(scenes=np.array(scenes)), resamples=20)
    assert 0 < found.tau.value < 1
    estimates = [found.tau, found.rho, found.tau_of_trainings, found.reachable, found.window.tau, found.regrets[0].px]
    assert {estimate[1:] for estimate in estimates} == {(None, None)}
    assert (found.noise.by_pairs_supernet, found.noise.by_pairs_alone) == (None, None)
    assert "cannot be said" in verdict(found)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e5 / 3])
def test_errors_that_are_all_the_same_rank_nothing(value):
    constant = np.full((8, 7), value)
    for supernet, alone in (
        (constant, measured(0, 8, 7).alone),
        (measured(0, 8, 7).supernet, constant),
        (constant,) * 2,
    ):
        twice = Trained(np.arange(6), alone[:6], constant[:6])
        found = fidelity_of(Measured(supernet, alone, np.ones(8), np.arange(7), twice), resamples=20)
        assert [found.tau, found.rho, found.tau_of_trainings, found.reachable] == [NOTHING] * 4
        assert found.window.tau.value == 0
        assert "cannot be said" in verdict(found)


def test_none_trained_twice_leaves_their_part_unknown():
    found = fidelity_of(measured(0)._replace(twice=None), resamples=50)
    assert [found.tau_of_trainings, found.rho_of_trainings, found.against_training, found.reachable] == [NOTHING] * 4
    assert (found.trained_twice, found.noise.between_trainings) == (0, None)
    assert found.tau.low > 0
    assert verdict(found).endswith("too few were trained twice to say how good a ranking could be.")


@pytest.mark.parametrize("table", [measured(0), measured(0, 1, 1, twice=0), measured(0, 3, 2, twice=2)])
def test_a_result_goes_through_json(table):
    found = fidelity_of(table, resamples=20).as_dict()
    text = json.dumps(found, allow_nan=False)
    assert json.loads(text) == found
    assert list(found["tau"]) == ["value", "low", "high"]


def test_tables_that_do_not_fit_each_other_are_refused():
    table = measured(0)
    rows, first, second = table.twice
    for wrong, reason in (
        (table._replace(alone=table.alone[:-1]), "same subnets and pairs"),
        (table._replace(supernet=table.supernet[0], alone=table.alone[0]), "same subnets and pairs"),
        (table._replace(supernet=table.supernet[:0], alone=table.alone[:0]), "same subnets and pairs"),
        (table._replace(latency=table.latency[1:]), "a latency a subnet"),
        (table._replace(scenes=table.scenes[1:]), "a scene a pair"),
        (table._replace(alone=np.where(table.alone > 15, np.nan, table.alone)), "finite"),
        (table._replace(twice=Trained(rows, first[1:], second)), "errors of 10 subnets trained twice"),
        (table._replace(twice=Trained(np.append(rows[1:], rows[1]), first, second)), "different rows of 30"),
        (table._replace(twice=Trained(np.append(rows[1:], 30), first, second)), "different rows of 30"),
    ):
        with pytest.raises(ValueError, match=reason):
            fidelity_of(wrong)


# The verdict


def said(tau, theirs=NOTHING, against=NOTHING):
    found = fidelity_of(measured(0), resamples=20)
    return verdict(found._replace(tau=Estimate(*tau), tau_of_trainings=Estimate(*theirs), against_training=Estimate(*against)))  # fmt: skip


@pytest.mark.parametrize(
    ("tau", "theirs", "against", "words"),
    [
        ((0.1, -0.2, 0.4), (0.8, 0.5, 0.9), (-0.7, -1, -0.3), "cannot be told from chance: tau 0.10 (-0.20 to 0.40), of 30 subnets, while training alone agrees with itself"),
        ((0.1, -0.2, 0.4), (0.2, -0.3, 0.7), (-0.1, -0.8, 0.5), "this budget cannot rank these networks, whatever the supernet says; train longer"),
        ((0.1, -0.2, 0.4), NOTHING, NOTHING, "cannot be told from chance"),
        ((-0.5, -0.7, -0.3), (0.8, 0.5, 0.9), (-1.3, -1.5, -1), "worse than chance"),
        ((0.4, 0.2, 0.6), (0.9, 0.7, 1), (-0.5, -0.7, -0.2), "better than chance and not as good as a second training"),
        ((0.8, 0.7, 0.9), (0.8, 0.6, 0.9), (0.0, -0.09, 0.1), "is as good as a second training"),
        ((0.8, 0.7, 0.9), (0.8, 0.6, 0.9), (0.0, -0.11, 0.1), "cannot be told: two trainings of 10 have 0.80 (0.60 to 0.90)"),
        ((0.5, 0.3, 0.7), (0.2, -0.3, 0.7), (0.3, -0.3, 0.8), "better than chance: tau 0.50"),
        ((0.5, 0.3, 0.7), (0.4,), (0.1,), "too few were trained twice to say how good"),
        ((0.5,), (0.4,), (0.1,), "cannot be said"),
    ],
)  # fmt: skip
def test_the_verdict_follows_the_intervals(tau, theirs, against, words):
    assert words in said(tau, theirs, against)
    assert said(tau, theirs, against).count("\n") == 0


def test_the_verdict_on_tables_of_known_truth():
    def of(**given):
        return verdict(fidelity_of(measured(1, subnets=60, **given), resamples=300))

    assert "not as good as a second training" in of(like=0.5, reliability=0.995, twice=60)
    assert "as good as a second training: tau" in of(like=0.97, reliability=0.9, twice=60)
    assert "while training alone agrees with itself" in of(like=0.0, reliability=0.95, twice=30)
    assert "this budget cannot rank" in of(like=0.0, reliability=0.0, twice=30)


# The picture


@pytest.mark.parametrize(
    "table",
    [
        measured(0),
        measured(0, twice=0)._replace(latency=np.full(30, np.nan)),
        measured(0, subnets=1, pairs=1, twice=1),
        measured(0, subnets=6)._replace(scenes=np.zeros(40, dtype=int), twice=None),
    ],
)
def test_a_picture_is_drawn_of_any_table(table, tmp_path):
    content = draw_fidelity(table, fidelity_of(table, resamples=20), 0, "made up")
    (tmp_path / "picture.png").write_bytes(content)
    with Image.open(tmp_path / "picture.png") as picture:
        assert len(set(picture.convert("RGB").getdata())) > 50
