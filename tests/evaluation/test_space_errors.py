"""The errors of all subnets by `Tree` walks: the same as one by one, however the space is divided."""

import numpy as np
import pytest
import small_supernet
import tensorflow.compat.v1 as tf
from drawn_supernet import SIZE, DrawnSupernet
from given_values import give

from efnas.config_files import load_config
from efnas.core.branches import Branches, joined, pairs
from efnas.core.convolution import together
from efnas.core.costs import supernet_variables
from efnas.core.supernet import EDGEFLOW
from efnas.core.weights import Weights
from efnas.data.sources import open_datasets
from efnas.evaluation.opened import bytes_of_pair, opened_blocks, opened_within
from efnas.evaluation.space_errors import SpaceEvaluator, bundles, errors_of_sums
from efnas.evaluation.subnets import PoolEvaluation, evaluate, result_of


class Random(DrawnSupernet):
    def expected(self, archs):
        """By pair: one evaluation for each, as the error of an evaluation is a mean."""
        found = []
        for images, truth in self.batches[2:]:
            for k in range(len(images)):
                alone = [(images[k : k + 1], truth[k : k + 1])]
                epe = result_of(evaluate(self.one_by_one, self.session, archs, self.batches[:2], alone)).epe
                found.append([epe[arch] for arch in archs])
        return np.array(found).T

    def found(self, evaluator, bundle, batches):
        statistics = evaluator.recalibrate(self.session, bundle, [images for images, _ in self.batches[:2]])
        return np.concatenate(list(evaluator.errors(self.session, bundle, statistics, batches)), axis=1)


def test_on_real_pairs_at_full_size_and_width_the_errors_are_those_of_the_subnets_alone(real_chairs, graph):
    """Both real validation pairs, recalibrated on the four of training; a pass that opens the last three blocks."""
    settings = [f"data.base_path={real_chairs}", "train.batch_size=2", "eval.bn_recal_batches=2"]
    config = load_config(assignments=[*settings, "eval.eval_batches_per_arch=all"])
    size = {"height": 180, "width": 240, "base_width": 32}
    weights = Weights(supernet_variables(EDGEFLOW, 32))
    evaluation = PoolEvaluation(EDGEFLOW, weights, config, open_datasets(config.data), threads=2)
    opened = ["H1Out", "H2", "H2Out"]
    evaluator, rng = SpaceEvaluator(EDGEFLOW, weights, **size, opened=opened), np.random.RandomState(5)
    (bundle,) = (each for each in bundles(EDGEFLOW.space, opened) if each.code[:6] == (2, 1, 0, 2, 1, 0))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        give(session, {variable: rng.normal(name.endswith("gamma"), 0.1, variable.shape.as_list())
                       for name, variable in weights.trained.items()})  # fmt: skip
        images = [images for images, _ in evaluation.recalibration_batches(session)]
        validation = list(evaluation.validation_batches(session, evaluation.validation_plan()))
        statistics = evaluator.recalibrate(session, bundle, images)
        errors = np.concatenate(list(evaluator.errors(session, bundle, statistics, validation)), axis=1)
        places = [0, 11, 26]
        archs = [EDGEFLOW.space.at(bundle.first + place) for place in places]
        alone = result_of(evaluation.errors(session, archs))
    assert errors.shape == (27, 2)
    np.testing.assert_allclose(errors[places], alone.by_pair, atol=1e-4)
    assert np.ptp(errors.mean(axis=1)) > 0.01  # of other subnets


@pytest.fixture(scope="module", params=[EDGEFLOW, small_supernet.SMALL], ids=lambda supernet: supernet.name)
def random(request):
    with tf.Graph().as_default():
        yield Random(request.param)


def chosen(space, opened, count=2):
    return [bundles(space, opened)[place] for place in np.random.RandomState(0).permutation(
        len(bundles(space, opened)))[:count]]  # fmt: skip


@pytest.mark.parametrize("open_count", [1, 2, 5])
def test_the_error_of_every_subnet_on_every_pair_is_that_of_the_subnet_alone(random, open_count):
    space = random.supernet.space
    opened = [block.name for block in space.blocks[-open_count:]]
    evaluator = SpaceEvaluator(random.supernet, random.weights, **SIZE, opened=opened)
    for bundle in chosen(space, opened):
        errors = random.found(evaluator, bundle, random.batches[2:])
        assert errors.shape == (bundle.count, 6)
        places = sorted({0, bundle.count - 1, *np.random.RandomState(1).randint(0, bundle.count, 4)})
        archs = [space.at(bundle.first + place) for place in places]
        np.testing.assert_allclose(errors[places], random.expected(archs), atol=1e-5)
        # They differ: a row in another's place would be seen.
        assert len(np.unique(errors.mean(axis=1).round(4))) > 0.9 * bundle.count


def test_neither_the_batch_size_nor_what_was_evaluated_before_matters(random):
    space = random.supernet.space
    opened = [block.name for block in space.blocks[-3:]]
    evaluator = SpaceEvaluator(random.supernet, random.weights, **SIZE, opened=opened)
    first, second = chosen(space, opened)
    expected = random.found(evaluator, first, random.batches[2:])
    random.found(evaluator, second, random.batches[2:])
    single = [(images[k : k + 1], truth[k : k + 1]) for images, truth in random.batches[2:] for k in range(len(images))]
    np.testing.assert_allclose(random.found(evaluator, first, single), expected, atol=1e-5)


def test_statistics_of_another_bundle_are_seen(random):
    space = random.supernet.space
    opened = [block.name for block in space.blocks[-3:]]
    evaluator = SpaceEvaluator(random.supernet, random.weights, **SIZE, opened=opened)
    first, second = bundles(space, opened)[0], bundles(space, opened)[-1]
    statistics = evaluator.recalibrate(random.session, first, [random.batches[0][0]])
    (errors,) = evaluator.errors(random.session, second, statistics, random.batches[3:])
    assert np.isnan(errors).all()


def test_bundles_are_the_whole_space_in_the_order_of_its_codes():
    for supernet, opened, count in ((EDGEFLOW, 6, 27), (small_supernet.SMALL, 5, 1)):
        space = supernet.space
        assert opened_blocks(space) == [block.name for block in space.blocks[-opened:]]
        found = bundles(space, opened_blocks(space))
        assert len(found) == count and sum(bundle.count for bundle in found) == space.size
        assert all(space.index_of(bundle.code) == bundle.first for bundle in found)
        assert [bundle.first for bundle in found] == list(range(0, space.size, found[0].count))
    assert opened_blocks(EDGEFLOW.space, 80) == ["H1Out", "H2", "H2Out"]


@pytest.mark.parametrize("supernet", [EDGEFLOW, small_supernet.SMALL], ids=lambda supernet: supernet.name)
def test_fewer_blocks_are_opened_where_memory_is_short(supernet):
    """As many as fit, and never none; where the system does not say what is free, as many as pay."""
    names, size = [block.name for block in supernet.space.blocks], (32, 48, 4)
    most = opened_blocks(supernet.space)
    needed = {count: 3 * bytes_of_pair(supernet, names[-count:], *size) for count in range(1, len(most) + 1)}
    assert needed[1] < needed[len(most)]
    assert opened_within(supernet, *size, 3, None) == opened_within(supernet, *size, 3, needed[len(most)]) == most
    assert opened_within(supernet, *size, 3, needed[2]) == names[-2:]
    assert opened_within(supernet, *size, 3, 0.0) == names[-1:]


def test_the_maps_of_a_pass_grow_with_its_branches_pixels_and_channels():
    """By hand for the last block alone: its three kernels of the flow's space give 4 maps each at full size."""
    last, two = (bytes_of_pair(EDGEFLOW, names, 32, 48, 4) for names in (["H2Out"], ["H2", "H2Out"]))
    one_h2 = 4 * 32 * 48 * (2 + 2)  # its convolution and its batch norm have half of the base width
    one_head = 4 * 32 * 48 * 4
    assert two - last == 2 * one_h2 + 6 * one_head
    assert bytes_of_pair(EDGEFLOW, ["H2Out"], 64, 96, 4) == 4 * last


def test_branches_belong_together_where_they_agree():
    assert joined(((1, 0), (3, 2)), ((2, 1), (3, 2))) == ((1, 0), (2, 1), (3, 2))
    assert joined(((1, 0),), ((1, 1),)) is None
    ones = Branches({((0, digit),): digit for digit in range(3)})
    others = Branches({((0, a), (1, b)): 10 * a + b for a in range(3) for b in range(3)})
    assert len(list(pairs(ones, others))) == 9


def test_the_error_of_a_sum_is_the_mean_length_over_the_pixels():
    rng = np.random.RandomState(0)
    coarse = {((0, a), (1, b)): rng.normal(size=(2, 50, 60, 2)) for a in range(2) for b in range(2)}
    fine = {((1, b), (2, c)): rng.normal(size=(2, 50, 60, 2)) for b in range(2) for c in range(3)}
    truth = rng.normal(size=(2, 50, 60, 2))
    found = dict(errors_of_sums(coarse, fine, truth))
    assert len(found) == 2 * 2 * 3
    for ((_, a), (_, b), (_, c)), errors in found.items():
        flow = coarse[(0, a), (1, b)] + fine[(1, b), (2, c)]
        np.testing.assert_allclose(errors, np.linalg.norm(flow - truth, axis=-1).mean(axis=(1, 2)), rtol=1e-6)
    alone = dict(errors_of_sums({}, fine, truth))
    flow = fine[(1, 0), (2, 2)]
    np.testing.assert_allclose(
        alone[(1, 0), (2, 2)], np.linalg.norm(flow - truth, axis=-1).mean(axis=(1, 2)), rtol=1e-6
    )


def test_few_channels_are_convolved_together_and_say_the_same(graph, rng):
    x = tf.constant(rng.normal(size=(2, 20, 24, 5)).astype("f"))
    kernels = [tf.constant(rng.normal(size=(size, size, 5, 4)).astype("f")) for size in (7, 5, 3)]
    apart = [tf.nn.conv2d(x, filter=kernel, strides=1, padding="SAME") for kernel in kernels]
    joint = together(apart)
    assert len({output.op.name for output in joint}) == 1 and joint[0].op.type == "SplitV"
    with tf.Session() as session:
        for one, other in zip(*session.run([apart, joint])):
            np.testing.assert_allclose(one, other, atol=1e-4)
    assert together(apart, most_channels=11) is apart
    another = tf.nn.conv2d(x + 1, filter=kernels[0], strides=1, padding="SAME")
    for others in ([apart[0], another], [tf.nn.relu(y) for y in apart], apart[:1]):
        assert together(others) is others
