"""What trainings of each budget say of one another: against SciPy, on made-up schedules."""

import csv
import io
import json
from itertools import combinations, permutations

import numpy as np
import pytest
from fidelity_tables import NOTHING, measured
from PIL import Image
from scipy import stats

from efnas.errors import EfnasError
from efnas.search.agreement import Estimate
from efnas.search.budget_pictures import draw_schedule
from efnas.search.budgets import Schedule, TrainedFor, budgets_of, epochs_of_text, schedule_csv
from efnas.search.fidelity import fidelity_of, plain
from efnas.search.verdict import verdict_of_budgets


def schedule(subnets=12, seeds=2, noises=(2.0, 0.5, 0.1), pairs=30, of_seed=0.0):
    """Subnets with an expected error, trained at as many budgets as there are noises, in px of one training; `of_seed`
    px of noise are a subnet's with a seed, at every budget the same. Longer trainings end 1 px lower."""
    random = np.random.default_rng(0)
    expected, shared = random.standard_normal(subnets), of_seed * random.standard_normal((seeds, subnets))
    hard = random.gamma(2, 1, pairs)
    trained = []
    for number, noise in enumerate(noises):
        ends = 9 - number + expected + shared + noise * random.standard_normal((seeds, subnets))
        errors = ends[..., None] + hard + 0.1 * random.standard_normal((seeds, subnets, pairs))
        trained.append(TrainedFor(2**number, 50 * 2**number, errors))
    archs = [f"{place:09b}" for place in range(subnets)]
    return Schedule(archs, list(range(42, 42 + seeds)), np.arange(pairs), trained)


def tau(one, other):
    return stats.kendalltau(one.mean(axis=1), other.mean(axis=1)).correlation


@pytest.mark.parametrize("seeds", [2, 3])
def test_taus_are_those_between_different_seeds_at_one_budget_and_at_another(seeds):
    made = schedule(seeds=seeds)
    found = budgets_of(made, resamples=50)
    *shorter, longest = (each.errors for each in made.trained)
    assert [(each.epochs, each.steps) for each in found] == [(1, 50), (2, 100), (4, 200)]
    for each, errors in zip(found, [*shorter, longest]):
        assert each.epe == pytest.approx(errors.mean())
        assert each.between_subnets == pytest.approx(np.std(errors.mean(axis=2).mean(axis=0), ddof=1))
        assert each.ceiling.value == pytest.approx(np.mean([tau(*both) for both in combinations(errors, 2)]))
    for each, errors in zip(found, shorter):
        taus = [tau(errors[one], longest[other]) for one, other in permutations(range(seeds), 2)]
        assert each.with_longest.value == pytest.approx(np.mean(taus))
        assert each.with_longest.low < each.with_longest.value < each.with_longest.high
    assert found[-1].with_longest is None
    assert found[0].ceiling.value < found[1].ceiling.value < found[2].ceiling.value


def test_what_a_seed_does_at_every_budget_alike_is_not_taken_for_agreement():
    # Expected errors count for little beside what the seed does: trainings of one seed agree, those of two do not.
    made = schedule(subnets=200, noises=(0.01, 0.01), of_seed=5.0)
    short, longest = (each.errors for each in made.trained)
    assert tau(short[0], longest[0]) > 0.98
    found = budgets_of(made, resamples=20)
    assert abs(found[0].with_longest.value) < 0.15
    assert found[0].with_longest.value == pytest.approx(found[1].ceiling.value, abs=0.01)


def test_the_ceiling_is_what_a_fidelity_says_of_two_trainings_with_the_same_interval():
    table = measured(3)
    rows, first, second = table.twice
    made = Schedule(["0"] * len(rows), [42, 43], table.scenes, [TrainedFor(1, 50, np.stack([first, second]))])
    (found,) = budgets_of(made, resamples=200)
    assert found.ceiling == pytest.approx(fidelity_of(table, resamples=200).tau_of_trainings)


def test_what_a_seed_does_to_all_subnets_alike_changes_only_the_mean_error():
    made = schedule()
    shifted = [each._replace(errors=each.errors + np.array([0, 3])[:, None, None]) for each in made.trained]
    for was, now in zip(budgets_of(made, 50), budgets_of(made._replace(trained=shifted), 50)):
        assert now.epe == pytest.approx(was.epe + 1.5)
        assert now.between_subnets == pytest.approx(was.between_subnets)
        assert (now.ceiling, now.with_longest) == (was.ceiling, was.with_longest)


def test_one_seed_has_no_ceiling_and_is_compared_with_itself():
    made = schedule(seeds=1)
    short, _, longest = budgets_of(made, resamples=50)
    assert (short.ceiling, longest.ceiling) == (NOTHING, NOTHING)
    assert short.with_longest.value == pytest.approx(tau(made.trained[0].errors[0], made.trained[-1].errors[0]))


def test_too_few_subnets_or_scenes_leave_unknown_what_they_do():
    (one, _, _), few = budgets_of(schedule(subnets=1), 20), budgets_of(schedule(subnets=4), 20)[0]
    assert (one.between_subnets, one.ceiling, one.with_longest) == (None, NOTHING, NOTHING)
    single = budgets_of(schedule()._replace(scenes=np.zeros(30, int)), 20)[0]
    for each in (few, single):
        assert each.ceiling.value is not None and each.ceiling.low is None and each.with_longest.low is None
    json.dumps(plain([one, few, single]), allow_nan=False)


def test_the_shortest_budget_whose_ceiling_is_surely_no_chance_is_named():
    def said(*ceilings):
        budgets = budgets_of(schedule(), 20)
        return verdict_of_budgets([each._replace(ceiling=Estimate(*tau)) for each, tau in zip(budgets, ceilings)])

    known = (0.9, 0.5, 1.0)
    assert "The shortest budget that ranks is 1 epoch (50 steps)" in said((0.6, 0.31, 0.8), known, known)
    for lacking in ((0.59, 0.4, 0.8), (0.8, 0.3, 0.9), (0.8,), NOTHING):
        assert "2 epochs (100 steps): two trainings have tau 0.90 (0.50 to 1.00)" in said(lacking, known, known)
        assert "None of these budgets ranks" in said(lacking, (0.5, 0.2, 0.7), lacking)
    assert "Which budget ranks cannot be said" in said(NOTHING, (0.8,), NOTHING)


def test_a_row_of_the_table_is_a_training():
    made = schedule(subnets=3)
    rows = list(csv.DictReader(io.StringIO(schedule_csv(made))))
    assert len(rows) == 3 * 2 * 3
    for row in rows:
        (trained,) = (each for each in made.trained if each.epochs == int(row["epochs"]))
        errors = trained.errors[int(row["seed"]) - 42, made.archs.index(row["arch"])]
        assert float(row["epe"]) == pytest.approx(errors.mean())


def test_epochs_are_read_in_rising_order():
    assert (epochs_of_text("20,2, 5"), epochs_of_text("7")) == ([2, 5, 20], [7])
    for wrong in ("", ",", "2,", "0", "-1", "2,2", "2,02", "1.5", "1e3", "two", "٣", "1000001", "9" * 5000, "2;5"):
        with pytest.raises(EfnasError, match="--schedule takes different numbers of epochs"):
            epochs_of_text(wrong)


@pytest.mark.parametrize("made", [schedule(), schedule(subnets=1), schedule(seeds=1, noises=(1.0,))])
def test_a_picture_is_drawn_of_any_schedule(made):
    with Image.open(io.BytesIO(draw_schedule(budgets_of(made, 20), str(made)))) as picture:
        assert len(set(picture.convert("RGB").getdata())) > 50
