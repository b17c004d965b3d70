"""The learning rate by samples seen."""

import pytest

from efnas.config import Train
from efnas.training.schedule import learning_rate


def test_cosine_falls_from_lr_to_zero():
    train = Train(lr=0.1, lr_schedule="cosine")
    assert learning_rate(train, 0, 1000) == pytest.approx(0.1)
    assert learning_rate(train, 500, 1000) == pytest.approx(0.05)
    assert learning_rate(train, 1000, 1000) == pytest.approx(0.0)


def test_the_rate_depends_on_samples_and_not_on_steps():
    few, many = Train(lr=0.1, batch_size=100), Train(lr=0.1, batch_size=10)
    assert learning_rate(few, 300, 1000) == learning_rate(many, 300, 1000)


def test_step_multiplies_at_its_parts():
    train = Train(lr=0.8, lr_schedule="step", lr_step_at=[0.5, 0.75], lr_step_factor=0.5)
    assert [learning_rate(train, seen, 100) for seen in (0, 49, 50, 75)] == pytest.approx([0.8, 0.8, 0.4, 0.2])


def test_constant_stays():
    train = Train(lr=0.3, lr_schedule="constant")
    assert {learning_rate(train, seen, 100) for seen in (0, 50, 100)} == {0.3}


def test_warm_up_rises_to_the_schedule():
    train = Train(lr=0.1, lr_schedule="constant", lr_warmup_steps=4, batch_size=10)
    rates = [learning_rate(train, seen, 1000) for seen in range(0, 60, 10)]
    assert rates == pytest.approx([0.02, 0.04, 0.06, 0.08, 0.1, 0.1])
