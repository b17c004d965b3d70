"""The step of a network that is trained alone, against the strict-fairness step of a space with one option a block."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from given_values import give

from efnas.config import Config, Network, Runtime, Train
from efnas.core.alone import alone, network_named
from efnas.core.costs import supernet_variables
from efnas.core.space import ArchCode, ChoiceBlock
from efnas.core.supernet import EDGEFLOW
from efnas.core.weights import Weights
from efnas.data.batches import Batch
from efnas.training.fair_step import FairStep
from efnas.training.single_step import SingleStep

ARCH = EDGEFLOW.space.parse("120210121")
RATE = 0.003
WIDTH = 4


def narrowed(arch):
    """The supernet of a space in which every block has the option alone that a code picks."""
    blocks = tuple(
        ChoiceBlock(block.name, (block.options[digit],)) for block, digit in zip(EDGEFLOW.space.blocks, arch)
    )
    return replace(EDGEFLOW, space=replace(EDGEFLOW.space, blocks=blocks, baseline=ArchCode((0,) * len(blocks))))


class Stepping:
    """One step of a kind on a batch that is fixed, and what it starts from and gives."""

    def __init__(self, kind, supernet, **settings):
        config = Config(
            runtime=Runtime(seed=1), network=Network(base_width=WIDTH), train=Train(batch_size=4, **settings)
        )
        rng = np.random.RandomState(2)
        images = rng.uniform(-1, 1, (4, 32, 48, 6)).astype("f")
        truth = rng.randn(4, 32, 48, 2).astype("f")
        with tf.Graph().as_default(), tf.Session() as session:
            weights = Weights(supernet_variables(supernet, WIDTH), seed=3)
            step = kind(supernet, config)
            step.connect(Batch(tf.constant(images), tf.constant(truth)), weights, gradients_as_convolutions=True)
            session.run(tf.global_variables_initializer())
            self.codes = step.draw(0)
            # Other values than the first ones, from which several layers have no gradient at all.
            first = session.run(weights.trained)
            give(session, {variable: first[name] + 0.1 * rng.randn(*variable.shape.as_list())
                           for name, variable in weights.trained.items()})  # fmt: skip
            self.before = session.run([weights.trained, weights.moving])
            given = {getattr(step, "codes", step.update.share): self.codes} if kind is FairStep else {}
            terms = session.run(step.update.terms, given)
            self.gradients = dict(zip(step.layers.used, terms))
            self.loss, self.loss_with_decay = terms[-2:]
            self.result = step.run(session, self.codes, RATE, [4])
            self.after = session.run([weights.trained, weights.moving])


@pytest.fixture(scope="module")
def single():
    return Stepping(SingleStep, alone(EDGEFLOW, ARCH), weight_decay=0.01)


@pytest.fixture(scope="module")
def lanes():
    return Stepping(FairStep, narrowed(ARCH), weight_decay=0.01)


def test_it_draws_its_code_for_every_step():
    step = SingleStep(alone(EDGEFLOW, ARCH), Config())
    assert step.draw(0).tolist() == step.draw(7).tolist() == [list(ARCH)] and step.draw(0).dtype == np.int32
    assert step.identity == {}


def test_its_gradient_is_that_of_the_lanes_with_one_option_a_block(single, lanes):
    assert single.gradients.keys() == lanes.gradients.keys() == single.before[0].keys()
    for name, gradient in lanes.gradients.items():
        np.testing.assert_array_equal(single.before[0][name], lanes.before[0][name])
        largest = np.abs(gradient).max()
        assert largest > 0, name
        np.testing.assert_allclose(single.gradients[name], gradient, atol=1e-4 * largest, err_msg=name)


def test_its_losses_are_theirs(single, lanes):
    for name in ("loss", "loss_with_decay"):
        assert getattr(single, name) == pytest.approx(getattr(lanes, name), rel=1e-4)
    assert single.result == pytest.approx(lanes.result, rel=1e-4)
    decay = sum(0.01 * (value**2).sum() / 2 for name, value in single.before[0].items() if name.endswith("/kernel"))
    assert single.loss_with_decay - single.loss == pytest.approx(decay, rel=1e-3)


def test_one_update_moves_weights_and_moving_averages_as_theirs_does(single, lanes):
    for name, value in lanes.after[0].items():
        sure = np.abs(lanes.gradients[name]) > 1e-4 * np.abs(lanes.gradients[name]).max()
        moved = value - lanes.before[0][name]
        assert np.abs(moved).max() == pytest.approx(RATE, rel=0.01), name  # Adam's first step
        np.testing.assert_allclose((single.after[0][name] - single.before[0][name])[sure], moved[sure], rtol=1e-2,
                                   err_msg=name)  # fmt: skip
    for name, moments in lanes.after[1].items():
        np.testing.assert_allclose(single.after[1][name], moments, rtol=1e-4, atol=1e-6, err_msg=name)
        assert np.abs(np.array(moments) - lanes.before[1][name]).max() > 0, name


def test_the_first_values_of_a_subnet_are_those_in_the_supernet():
    for text in ("120210121", "222222222"):
        found = []
        for each in (EDGEFLOW, alone(EDGEFLOW, EDGEFLOW.space.parse(text))):
            with tf.Graph().as_default(), tf.Session() as session:
                weights = Weights(supernet_variables(each, WIDTH), seed=3)
                session.run(tf.global_variables_initializer())
                found.append(session.run(weights.trained))
        whole, own = found
        assert set(own) < set(whole)
        for name, value in own.items():
            np.testing.assert_array_equal(value, whole[name], err_msg=name)


def test_the_baseline_begins_as_subnets_do():
    """With no flow: residual blocks are the identity, heads zero, kernels of the features 3x3 within zeros."""
    baseline = alone(EDGEFLOW, network_named(EDGEFLOW.space, "baseline"))
    with tf.Graph().as_default(), tf.Session() as session:
        weights = Weights(supernet_variables(baseline, WIDTH), seed=3)
        session.run(tf.global_variables_initializer())
        found = session.run(weights.trained)
    zero = {name for name, value in found.items() if not value.any() and not name.endswith("/beta")}
    blocks = {f"{block}/second/bn/gamma" for block in ("EB0", "EB1", "DB0", "DB1")}
    assert zero == {"H0Out/kernel", "H1Out/kernel", "H2Out/kernel", *blocks}
    for name, border in (("H1/kernel", 1), ("H2/kernel", 2)):
        kernel = found[name]
        core = kernel[border:-border, border:-border]
        assert core.shape[:2] == (3, 3) and core.all() and np.count_nonzero(kernel) == core.size


def test_the_baseline_is_no_subnet_though_it_has_the_digits_of_one():
    baseline, subnet = network_named(EDGEFLOW.space, "baseline"), EDGEFLOW.space.baseline
    assert list(baseline) == list(subnet) and baseline == network_named(EDGEFLOW.space, " baseline ")
    assert baseline != subnet and subnet != baseline and len({baseline, subnet}) == 2
    assert (str(baseline), baseline.compact, str(subnet)) == ("baseline", "baseline", "0,0,0,0,0,1,0,0,0")
    assert set(supernet_variables(alone(EDGEFLOW, baseline), WIDTH)) != set(
        supernet_variables(alone(EDGEFLOW, subnet), WIDTH)
    )
