"""How a ranking settles, on made-up tables of known truth."""

import csv
import json
from itertools import combinations

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from efnas.search import settling
from efnas.search.agreement import Estimate
from efnas.search.settling import Along, between_recalibrations, settling_of, settling_verdict
from efnas.search.settling_folder import write_settling

PAIRS = 30


def along(truths, own=0.05, apart=0.1, pairs=PAIRS, seed=0):
    """A checkpoint for each row of true errors [checkpoints, subnets]; pairs are hard or easy for all, and `own` px of
    noise is a subnet's on a pair."""
    random = np.random.default_rng(seed)
    hardness = random.gamma(2, 1, pairs)
    return [Along(number, 100 * number, 5 + truth[:, None] + hardness + own * random.standard_normal((len(truth), pairs)), apart)
            for number, truth in enumerate(np.asarray(truths, float), start=1)]  # fmt: skip


def settled(checkpoints, scenes=None, **more):
    scenes = np.arange(checkpoints[0].errors.shape[1]) if scenes is None else np.array(scenes)
    return settling_of(checkpoints, scenes, **{"resamples": 100, **more})


def on_the_way(shares, subnets=200):
    """Rankings that are the last one's by so much, and chance for the rest."""
    random = np.random.default_rng(1)
    end = random.standard_normal(subnets)
    return along([share * end + np.sqrt(1 - share**2) * random.standard_normal(subnets) for share in shares])


def test_figures_are_those_counted_one_by_one_and_of_scipy():
    checkpoints = on_the_way([0.3, 0.8, 1.0], subnets=150)
    means = [each.errors.mean(axis=1) for each in checkpoints]
    found = settled(checkpoints).moments
    for before, now, moment in zip(means, means[1:], found[1:]):
        agreeing = sum(np.sign((before[i] - before[j]) * (now[i] - now[j])) for i, j in combinations(range(150), 2))
        assert moment.tau.value == pytest.approx(agreeing / (150 * 149 / 2))
        assert moment.tau.low < moment.tau.value < moment.tau.high
        assert moment.rho == pytest.approx(stats.spearmanr(before, now).correlation)
    for now, moment in zip(means, found):
        assert moment.tau_last == pytest.approx(stats.kendalltau(now, means[-1]).correlation)
        assert (moment.mean, moment.spread) == (pytest.approx(now.mean()), pytest.approx(now.std()))
        ranked = sorted(range(150), key=lambda place: now[place])
        best_last = sorted(range(150), key=lambda place: means[-1][place])[:2]  # 1 % of 150, rounded
        assert moment.best_shared == len(set(ranked[:2]) & set(best_last)) / 2
        assert moment.lost_best == pytest.approx(means[-1][ranked[0]] - means[-1].min())
        assert moment.lost_ten == pytest.approx(min(means[-1][place] for place in ranked[:10]) - means[-1].min())
    assert found[0].tau == Estimate(None) and found[0].rho is None
    assert (found[-1].tau_last, found[-1].best_shared, found[-1].lost_best) == (pytest.approx(1), 1, 0)


def test_a_ranking_that_settles_is_said_to_have():
    found = settled(on_the_way([0.0, 0.5, 0.9, 0.999, 1.0]))
    taus = [moment.tau.value for moment in found.moments[1:]]
    assert taus == sorted(taus) and taus[0] < 0.2 and taus[-1] > 0.9
    assert settling_verdict(found).startswith("The ranking has settled: tau 0.9")
    assert "from step 400 to step 500" in settling_verdict(found)
    # One checkpoint earlier it had not.
    assert settling_verdict(settled(on_the_way([0.0, 0.5, 0.9]))).startswith("The ranking is still moving: tau 0.")


def test_a_ranking_that_is_turned_round_each_time_is_still_moving():
    truth = np.linspace(0, 1, 100)
    found = settled(along([truth, -truth, truth], own=1e-6))
    assert [moment.tau.value for moment in found.moments[1:]] == [pytest.approx(-1)] * 2
    assert [moment.tau_last for moment in found.moments] == [pytest.approx(each) for each in (1, -1, 1)]
    assert [moment.best_shared for moment in found.moments] == [1, 0, 1]
    assert found.moments[1].lost_best == pytest.approx(1, abs=1e-4)
    assert found.moments[1].lost_ten == pytest.approx(90 / 99, abs=1e-4)
    assert settling_verdict(found).startswith("The ranking is still moving: tau -1.00")


def test_pure_noise_is_not_settled_however_little_recalibrations_agree():
    random = np.random.default_rng(2)
    noise = along(random.standard_normal((3, 500)), apart=np.sqrt(2))  # all of the spread is recalibration
    found = settled(noise)
    assert abs(found.moments[-1].tau.value) < 0.1 and found.moments[-1].recalibrations < 0.1
    assert not settling_verdict(found).startswith("The ranking has settled")
    # Were recalibration sure, it would be the ranking that moves.
    assert "still moving" in settling_verdict(settled([each._replace(apart=0.1) for each in noise]))


def test_errors_that_are_equal_credit_nothing():
    equal = np.array([[0.0, 0, 0, 0], [3, 1, 0, 2]])
    found = settled([each._replace(errors=np.repeat(truth[:, None], 4, axis=1)) for each, truth in zip(along(equal), equal)],
                    scenes=range(4))  # fmt: skip
    first, last = found.moments
    assert (first.lost_best, first.lost_ten, first.best_shared) == (3, 0, 0)
    assert (first.recalibrations, first.tau_last, last.tau, last.rho) == (None, None, Estimate(None), None)
    assert "cannot be said" in settling_verdict(found)


def test_a_single_scene_gives_figures_without_an_interval():
    found = settled(on_the_way([0.9, 1.0]), scenes=[3] * PAIRS)
    assert found.scenes == 1 and 0 < found.moments[1].tau.value and found.moments[1].tau.low is None
    assert "cannot be said" in settling_verdict(found)


def test_whole_scenes_are_drawn():
    """Ten copies of each pair are no more evidence than one."""
    few = on_the_way([0.5, 1.0])
    many = [each._replace(errors=np.tile(each.errors, 10)) for each in few]
    assert settled(many, scenes=np.tile(np.arange(PAIRS), 10)).moments[1].tau == pytest.approx(
        settled(few).moments[1].tau, abs=1e-4
    )
    wide, narrow = settled(few).moments[1].tau, settled(many).moments[1].tau  # the control: each pair a scene
    assert narrow.high - narrow.low < (wide.high - wide.low) / 2


def test_the_interval_holds_what_other_pairs_would_say():
    """With noise of pairs that lowers resampled taus by more than the interval is wide."""
    random = np.random.default_rng(3)
    truths = random.standard_normal((2, 300))
    truths[1] = 0.99 * truths[0] + np.sqrt(1 - 0.99**2) * truths[1]
    taus = [settled(along(truths, own=1, seed=seed), seed=seed).moments[1].tau for seed in range(40)]
    expected = np.mean([each.value for each in taus])
    assert sum(each.low <= expected <= each.high for each in taus) >= 34  # a 95 % interval: 38; 34 or more in 99.5 %


def test_resamples_of_some_subnets_say_what_those_of_all_do(monkeypatch):
    """Where pairs favour kinds of subnets; what is each subnet's own averages out over many."""
    random = np.random.default_rng(5)
    kinds = random.standard_normal((1000, 3)) @ random.standard_normal((3, PAIRS))
    checkpoints = [each._replace(errors=each.errors + share * kinds)
                   for each, share in zip(on_the_way([0.7, 1.0], subnets=1000), (0, 2))]  # fmt: skip
    of_all = settled(checkpoints, resamples=300).moments[1].tau
    monkeypatch.setattr(settling, "RESAMPLED", 400)
    of_some = settled(checkpoints, resamples=300).moments[1].tau
    assert of_some.value == of_all.value and of_some != of_all
    assert of_some.high - of_some.low == pytest.approx(of_all.high - of_all.low, rel=0.15)


@pytest.mark.parametrize("noise", [0.1, 0.5, 1.0, 3.0])
def test_the_model_of_two_recalibrations_gives_their_tau(noise):
    truth, one, other = np.random.default_rng(4).standard_normal((3, 5000))
    first, second = truth + noise * one, truth + noise * other
    said = between_recalibrations((second - first).std(), first.std())
    assert said == pytest.approx(stats.kendalltau(first, second).correlation, abs=0.03)


def test_recalibration_that_explains_all_or_nothing():
    assert between_recalibrations(5.0, 1.0) == 0 and between_recalibrations(0.0, 1.0) == 1
    assert between_recalibrations(0.1, 0.0) is None


@pytest.mark.parametrize(("tau", "other", "words"), [
    ((0.9, 0.8, 0.95), 0.99, "The ranking has settled: tau 0.90 (0.80 to 0.95)"),
    ((0.6, 0.5, 0.7), 0.5, "has settled as far as recalibration lets it be seen"),
    ((0.6, 0.5, 0.7), 0.71, "is still moving"), ((0.7, 0.6, 0.79), 0.99, "is still moving"),
    ((0.6, 0.5, 0.7), 0.6, "cannot be told"), ((0.75, 0.7, 0.81), 0.99, "cannot be told"),
    ((0.0, -0.1, 0.1), 0.0, "cannot be told"), ((0.9, None, None), 0.5, "cannot be said"),
])  # fmt: skip
def test_the_verdict_says_no_more_than_the_interval(tau, other, words):
    found = settled(on_the_way([0.9, 1.0]))
    last = found.moments[-1]._replace(tau=Estimate(*tau), recalibrations=other)
    said = settling_verdict(found._replace(moments=[found.moments[0], last]))
    assert words in said and "\n" not in said


def test_checkpoints_that_do_not_fit_each_other_are_refused():
    one, other = on_the_way([0.5, 1.0])
    for wrong in (
        [one],
        [one, other._replace(errors=other.errors[1:])],
        [one, other._replace(errors=other.errors[:, 1:])],
    ):
        with pytest.raises(ValueError, match="two checkpoints or more"):
            settled(wrong)


@pytest.mark.parametrize(
    "names", [[f"{number:07}" for number in range(PAIRS)], [f"one/{number}" for number in range(PAIRS)]]
)
def test_files_are_written_of_any_table(names, tmp_path):
    constant = [Along(1, 100, np.ones((200, PAIRS)), 0.0), *on_the_way([0.5, 1.0])]
    written = write_settling(tmp_path, constant, names)
    assert json.loads((tmp_path / "settling.json").read_text()) == json.loads(
        json.dumps(written.content, allow_nan=False)
    )
    with open(tmp_path / "settling.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["tau_high"] for row in rows] == ["", "", str(written.content["moments"][2]["tau"]["high"])]
    assert rows[2]["tau_high"]
    with Image.open(tmp_path / "settling.png") as picture:
        assert len(set(picture.convert("RGB").getdata())) > 50
