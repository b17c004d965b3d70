"""Fidelity where little is known, what is said of it, and its picture."""

import json

import numpy as np
import pytest
from fidelity_tables import NOTHING, measured
from PIL import Image

from efnas.search.agreement import Estimate
from efnas.search.fidelity import Measured, Trained, fidelity_of
from efnas.search.fidelity_pictures import draw_fidelity
from efnas.search.verdict import verdict


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
