"""Lanes that see different slices of a batch, against each subnet alone on its slice."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from given_values import give

from efnas.config import Config, Network, Runtime, Train
from efnas.core.alone import alone
from efnas.core.costs import supernet_variables
from efnas.core.space import ArchCode
from efnas.core.supernet import EDGEFLOW
from efnas.core.weights import Weights
from efnas.data.batches import Batch
from efnas.errors import EfnasError
from efnas.training.fair_step import FairStep, slices_of
from efnas.training.plan import prepare
from efnas.training.single_step import SingleStep

WIDTH = 4


def gradients_and_loss(kind, supernet, images, truth, **settings):
    """Of one step on a batch, with weights that are the same for every call; and the codes that it trained."""
    train = Train(batch_size=len(images), weight_decay=0.0, **settings)
    config = Config(runtime=Runtime(seed=1), network=Network(base_width=WIDTH), train=train)
    with tf.Graph().as_default(), tf.Session() as session:
        weights = Weights(supernet_variables(supernet, WIDTH), seed=3)
        step = kind(supernet, config)
        step.connect(Batch(tf.constant(images), tf.constant(truth)), weights, gradients_as_convolutions=True)
        session.run(tf.global_variables_initializer())
        first = session.run(weights.trained)  # at these values several layers have no gradient
        noise = {name: np.random.RandomState(len(name)).randn(*value.shape) for name, value in first.items()}
        give(session, {weights.trained[name]: value + 0.1 * noise[name] for name, value in first.items()})
        codes = step.draw(0)
        terms = session.run(step.update.terms, {step.codes: codes} if kind is FairStep else {})
    return dict(zip(step.layers.used, terms)), terms[-2], codes


@pytest.fixture(scope="module")
def pairs():
    rng = np.random.RandomState(2)
    return rng.uniform(-1, 1, (7, 32, 48, 6)).astype("f"), rng.randn(7, 32, 48, 2).astype("f")


def test_the_gradient_is_that_of_each_subnet_on_its_own_slice_weighted_by_its_size(pairs):
    found, loss, codes = gradients_and_loss(FairStep, EDGEFLOW, *pairs, lane_batches="different")
    expected, expected_loss = dict.fromkeys(found, 0.0), 0.0
    for code, (first, end) in zip(codes, ((0, 2), (2, 4), (4, 7))):
        subnet = alone(EDGEFLOW, ArchCode(code.tolist()))
        own, own_loss, _ = gradients_and_loss(SingleStep, subnet, *(each[first:end] for each in pairs))
        expected_loss += (end - first) / 7 * own_loss
        for name, gradient in own.items():
            expected[name] = expected[name] + (end - first) / 7 * gradient
    assert loss == pytest.approx(expected_loss, rel=1e-4)
    for name, gradient in expected.items():
        largest = np.abs(gradient).max()
        assert largest > 0, name
        np.testing.assert_allclose(found[name], gradient, atol=1e-4 * largest, err_msg=name)
    same, _, _ = gradients_and_loss(FairStep, EDGEFLOW, *pairs)
    assert np.abs(same["E0/conv/kernel"] - found["E0/conv/kernel"]).max() > 0.01 * np.abs(found["E0/conv/kernel"]).max()


@pytest.mark.parametrize("samples, cuts", [
    (9, [(0, 3), (3, 6), (6, 9)]), (4, [(0, 1), (1, 2), (2, 4)]), (2, [(0, 1), (0, 1), (1, 2)]), (1, [(0, 1)] * 3),
])  # fmt: skip
def test_slices_are_even_in_order_and_never_empty(samples, cuts):
    numbers = np.arange(samples, dtype="f")
    with tf.Graph().as_default(), tf.Session() as session:
        slices, shares = slices_of(Batch(tf.constant(numbers), tf.constant(numbers)), 3)
        found, shares = session.run([[each.images for each in slices], shares])
    assert [each.tolist() for each in found] == [numbers[first:end].tolist() for first, end in cuts]
    sizes = np.array([end - first for first, end in cuts])
    np.testing.assert_allclose(shares, sizes / sizes.sum(), rtol=1e-6)


def test_a_network_alone_has_no_lanes_to_give_slices_to():
    config = Config(train=Train(arch="000001000", lane_batches="different"))
    with pytest.raises(EfnasError, match="train.lane_batches: different is for a supernet"):
        prepare(config)
