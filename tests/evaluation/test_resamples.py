"""What is drawn together, the halves of the pairs, and the resamples themselves."""

import hashlib

import numpy as np
import pytest

from efnas.data.scenes import scenes_of
from efnas.evaluation.confidence import halves, resampled_weights
from efnas.evaluation.places import placed

# Scenes and halves


@pytest.mark.parametrize(
    ("names", "scenes"),
    [
        (["0000001", "0000002", "0000003"], [0, 1, 2]),
        (["val/0000001", "val/0000002"], [0, 1]),
        (["clean/alley_1/frame_0001", "clean/alley_1/frame_0002"], [0, 1]),
        (["clean/b/1", "clean/a/1", "clean/b/2", "final/a/1"], [0, 1, 0, 2]),
        (["1", "a/1", "2", "a/2"], [0, 1, 2, 1]),
        (["1", "1/1", "1/2"], [0, 1, 1]),
        ([], []),
    ],
)
def test_a_folder_is_a_scene_where_there_are_several_else_each_pair_is_one(names, scenes):
    assert scenes_of(names).tolist() == scenes
    assert scenes_of(names).dtype == int


def test_halves_stay_when_names_are_added_and_hold_about_half_each():
    names = [f"{number:07}" for number in range(1000)]
    half = halves(names)
    assert half.dtype == bool
    assert 450 < half.sum() < 550
    assert (halves(names[:10] + ["other"] + names[10:])[[0, 5, 11, 1000]] == half[[0, 5, 10, 999]]).all()
    assert (halves(names[::-1])[::-1] == half).all()


def test_halves_are_the_same_on_every_machine():
    expected = [hashlib.sha256(name.encode()).digest()[0] < 128 for name in "abcdefgh"]
    assert halves("abcdefgh").tolist() == expected == [False, True, True, True, True, True, False, False]


def test_a_scene_lies_in_one_half_as_a_whole():
    names = [f"scene_{scene}/{frame}" for scene in range(40) for frame in range(5)]
    half = halves(names).reshape(40, 5)
    assert (half == half[:, :1]).all()
    assert 10 < half[:, 0].sum() < 30
    assert (halves(names + ["another/0"])[:-1] == half.ravel()).all()


def test_of_a_single_name_one_half_is_empty():
    assert halves(["1"]).all() or not halves(["1"]).any()


# Resamples


def test_the_same_seed_draws_the_same_and_another_seed_does_not():
    assert (resampled_weights(np.arange(9), 400, seed=1) == resampled_weights(np.arange(9), 400, seed=1)).all()
    assert (resampled_weights(np.arange(9), 400, seed=1) != resampled_weights(np.arange(9), 400, seed=2)).any()
    # Known for this generator: a change of the stream would change published intervals.
    assert (resampled_weights(np.arange(4), 2, seed=0) * 4).tolist() == [[2, 1, 0, 1], [1, 2, 1, 0]]


def test_pairs_of_a_scene_are_drawn_together_and_rows_sum_to_one():
    scenes = np.array([7, 7, 7, 3, 5, 5])
    weights = resampled_weights(scenes, 500, seed=3)
    assert weights.shape == (500, 6)
    assert weights.sum(axis=1) == pytest.approx(np.ones(500))
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, 4] == weights[:, 5]).all()
    # A draw of three scenes with times (a, b, c) has 3 a + b + 2 c pairs.
    assert set(np.round(weights[:, 3], 6)) <= {round(b / (3 * a + b + 2 * (3 - a - b)), 6) for a in range(4) for b in range(4 - a)}  # fmt: skip


def test_those_that_cannot_be_told_apart_share_a_rank():
    rng = np.random.RandomState(0)
    hardness = rng.uniform(1, 3, 60)
    worse = np.array([0.0, 0.0, 0.2, 0.2, 0.2, 0.5])
    errors = hardness + worse[:, None] + rng.normal(0, 0.01, (6, 60))
    order = [3, 0, 5, 1, 2, 4]
    found = placed(errors[order], [f"{number:07}" for number in range(60)])
    assert [place.rank for place in found] == [3, 1, 6, 1, 3, 3]
    for place, added in zip(found, worse[order]):
        assert place.worse_by.low <= added + 0.01 and place.worse_by.high >= added - 0.01
        assert place.worse_by.mean == pytest.approx(added, abs=0.01)
    # Of one pair nothing is known, whatever the differences.
    assert {place.rank for place in placed(errors[:, :1], ["0"])} == {1}
