"""What an epoch reads: pure functions of seed and position."""

import numpy as np
import pytest

from efnas.data.sampling_plan import (
    BLOCK,
    WITH_REPLACEMENT,
    coverage,
    evaluation_plan,
    samples_per_epoch,
    training_plan,
)


def test_a_pass_without_replacement_sees_every_sample_once():
    for epoch in range(3):
        plan = training_plan(1, 50, epoch * 50, 50)
        assert sorted(plan.indices) == list(range(50))
    assert (training_plan(1, 50, 0, 50).indices != training_plan(1, 50, 50, 50).indices).any()


def test_short_epochs_go_on_through_the_pass_instead_of_beginning_anew():
    parts = [training_plan(1, 50, start, 20).indices for start in (0, 20, 40)]
    assert sorted(np.concatenate(parts)[:50]) == list(range(50))


@pytest.mark.parametrize("sampling", ["shuffle_no_replacement", WITH_REPLACEMENT])
def test_a_part_of_the_stream_does_not_depend_on_where_reading_began(sampling):
    size = 30
    whole = training_plan(9, size, 0, BLOCK + 300, sampling)
    part = training_plan(9, size, BLOCK - 50, 120, sampling)
    np.testing.assert_array_equal(part.indices, whole.indices[BLOCK - 50 : BLOCK + 70])
    np.testing.assert_array_equal(part.crops, whole.crops[BLOCK - 50 : BLOCK + 70])


def test_with_replacement_all_samples_come_about_equally_often_and_coverage_says_what_was_seen():
    plan = training_plan(3, 20, 0, 20, WITH_REPLACEMENT)
    assert coverage(plan, 20) == len(set(plan.indices)) / 20 < 1.0
    counts = np.bincount(training_plan(3, 20, 0, 8000, WITH_REPLACEMENT).indices, minlength=20)
    assert 320 < counts.min() and counts.max() < 480


def test_another_seed_gives_another_order_and_other_crops():
    one, other = training_plan(1, 50, 0, 50), training_plan(2, 50, 0, 50)
    assert (one.indices != other.indices).any()
    assert (one.crops != other.crops).any()


@pytest.mark.parametrize("mode, expected", [("full_pass", 100), ("by_samples", 37), ("fixed_steps", 40)])
def test_the_three_epoch_modes(mode, expected):
    assert samples_per_epoch(100, mode, batch_size=8, steps=5, samples=37) == expected


def test_evaluation_takes_the_first_samples_and_their_centre():
    plan = evaluation_plan(6, 4)
    assert plan.indices.tolist() == [0, 1, 2, 3]
    assert (plan.crops == -1).all()
    assert len(evaluation_plan(6, 100)) == 6
