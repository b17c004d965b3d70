"""The strict-fairness step against its definition."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small_supernet import SMALL

from efnas.config import Config, Network, Runtime, Train
from efnas.core.costs import supernet_variables
from efnas.core.layers import BN_MOMENTUM
from efnas.core.sampler import fair_cycle
from efnas.core.supernet import EDGEFLOW
from efnas.core.weights import Weights
from efnas.data.batches import Batch
from efnas.training.fair_step import FairStep

RATE = 0.003


class Setup:
    """A step whose batch is fed by hand, so that micro batches can be chosen."""

    def __init__(self, supernet=EDGEFLOW, **settings):
        self.images = tf.placeholder(tf.float32, [None, 32, 48, 6])
        self.truth = tf.placeholder(tf.float32, [None, 32, 48, 2])
        config = Config(runtime=Runtime(seed=1), network=Network(base_width=4), train=Train(batch_size=4, **settings))
        self.weights = Weights(supernet_variables(supernet, 4), seed=3)
        self.step = FairStep(supernet, config)
        self.step.connect(Batch(self.images, self.truth), self.weights, gradients_as_convolutions=True)
        self.update = self.step.update
        self.session = FeedingSession(self)
        self.session.run(tf.global_variables_initializer())
        self.codes = self.step.draw(0)
        rng = np.random.RandomState(2)
        self.data = (rng.uniform(-1, 1, (4, 32, 48, 6)).astype("f"), rng.randn(4, 32, 48, 2).astype("f"))

    def values(self):
        return self.session.run(self.weights.trained)


class FeedingSession(tf.Session):
    """Feeds the next piece of the data to every call of the step."""

    def __init__(self, setup):
        super().__init__()
        self.setup, self.pieces = setup, []

    def run(self, fetches, feed_dict=None, **kwargs):
        if feed_dict is not None and self.setup.step.codes in feed_dict:
            images, truth = self.pieces.pop(0)
            feed_dict = {**feed_dict, self.setup.images: images, self.setup.truth: truth}
        return super().run(fetches, feed_dict, **kwargs)


@pytest.fixture(scope="module")
def single():
    with tf.Graph().as_default():
        yield Setup(weight_decay=0.01)


def test_a_step_is_drawn_from_its_number_and_says_what_it_is_before_it_is_connected():
    step = FairStep(EDGEFLOW, Config(runtime=Runtime(seed=42)))
    assert step.draw(0).tolist() == fair_cycle(EDGEFLOW.space, 42, 0).tolist()
    assert step.identity == {}


def test_one_step_moves_every_variable_of_the_supernet_once(single):
    before = single.values()
    single.session.pieces = [single.data]
    result = single.step.run(single.session, single.codes, RATE, [4])
    after = single.values()
    moved = {name: np.abs(after[name] - before[name]).max() for name in before}
    # Adam's first step is the rate times the sign of the gradient.
    assert max(moved.values()) == pytest.approx(RATE, rel=0.01)
    output_heads = [name for name in moved if "Out/" in name]
    assert all(moved[name] > 0 for name in output_heads)
    assert result.loss_with_decay > result.loss > 0
    assert np.isfinite(result.gradient_norm)


def test_the_decay_that_is_logged_is_that_of_the_lanes(single):
    values = single.values()
    single.session.pieces = [single.data]
    result = single.step.run(single.session, single.codes, 0.0, [4])
    expected = 0.0
    for name, value in values.items():
        if name.endswith("/kernel"):
            lanes = 1 if "/depth" in name or "/kernel3" in name or "/kernel5" in name or "/kernel7" in name else 3
            expected += 0.01 * lanes / 3 * (value**2).sum() / 2
    assert result.loss_with_decay - result.loss == pytest.approx(expected, rel=1e-3)


def test_moving_averages_take_a_tenth_of_the_mean_over_the_lanes(single):
    names = ["E0/bn", "H2/bn", "EB0/depth2/block1/bn1"]
    variables = [single.weights.moving[name] for name in names]
    seen = {}
    for moments in single.step.layers.seen:
        seen.setdefault(moments.name, []).append((moments.mean, moments.variance))
    before = single.session.run(variables)
    single.session.pieces = [single.data] * 2
    feed = {single.step.codes: single.codes, single.update.share: 1.0, single.update.rate: 0.0}
    lanes = single.session.run([seen[name] for name in names], feed)
    single.step.run(single.session, single.codes, 0.0, [4])
    after = single.session.run(variables)
    for old, new, each in zip(before, after, lanes):
        expected = BN_MOMENTUM * np.array(old) + (1 - BN_MOMENTUM) * np.array(each).mean(axis=0)
        np.testing.assert_allclose(new, expected, rtol=1e-4, atol=1e-6)


def test_micro_batches_are_weighted_by_their_size_and_applied_once():
    """Pieces of 3 and 1: the update is that of the weighted mean of the two gradients, and no other."""
    with tf.Graph().as_default():
        pieces = Setup(SMALL, micro_batch_size=3, grad_clip_global_norm=0)
        images, truth = pieces.data
        parts = [(images[:3], truth[:3]), (images[3:], truth[3:])]
        start = pieces.values()
        step = pieces.step
        variables = list(step.layers.used.values())
        losses = []
        for part in parts:
            pieces.session.pieces = [part]
            losses.append(pieces.session.run(pieces.update.terms, {step.codes: pieces.codes}))
        pieces.session.pieces = list(parts)
        result = step.run(pieces.session, pieces.codes, RATE, [3, 1])
        assert result.loss == pytest.approx(0.75 * losses[0][-2] + 0.25 * losses[1][-2], rel=1e-5)
        gradients = [0.75 * one + 0.25 * two for one, two in zip(losses[0], losses[1])][: len(variables)]
        norm = np.sqrt(sum((gradient**2).sum() for gradient in gradients))
        assert result.gradient_norm == pytest.approx(norm, rel=1e-4)
        moved = pieces.values()
        for name, gradient in zip(step.layers.used, gradients):
            sure = np.abs(gradient) > 1e-4  # Adam's first step: the sign of the gradient
            np.testing.assert_allclose((start[name] - moved[name])[sure], RATE * np.sign(gradient)[sure], rtol=0.01)
        # Nothing is left in the sums for the next step.
        pieces.session.pieces = list(parts)
        again = step.run(pieces.session, pieces.codes, 0.0, [3, 1])
        assert again.loss < 2 * result.loss


def test_the_gradient_is_clipped_once_by_its_global_norm():
    """With a tiny clip Adam's moments hold a gradient of exactly that norm."""
    with tf.Graph().as_default():
        setup = Setup(SMALL, grad_clip_global_norm=0.1)
        setup.session.pieces = [setup.data]
        result = setup.step.run(setup.session, setup.codes, RATE, [4])
        assert result.gradient_norm > 0.1
        slots = [mean for mean, _ in setup.update.adam.slots]
        norm = np.sqrt(sum((moment**2).sum() for moment in setup.session.run(slots))) / 0.1
        assert norm == pytest.approx(0.1, rel=1e-3)
