"""Several subnets in one walk: the errors of each alone, to the bit, with what they have in common run once."""

import numpy as np
import pytest
import small_supernet
import tensorflow.compat.v1 as tf
from drawn_supernet import SIZE, DrawnSupernet

from efnas.config_files import load_config
from efnas.core.costs import supernet_variables
from efnas.core.sampler import evaluation_pool
from efnas.core.supernet import EDGEFLOW
from efnas.core.weights import Weights
from efnas.data.sources import open_datasets
from efnas.evaluation.opened import bytes_of_pair
from efnas.evaluation.pool_walk import PoolWalk, groups_within
from efnas.evaluation.subnets import PoolEvaluation, SubnetEvaluator, evaluate, result_of


class Drawn(DrawnSupernet):
    def walk(self, *groups):
        return PoolWalk(self.supernet, self.weights, list(groups), **SIZE)

    def errors(self, walk, archs):
        return result_of(evaluate(walk, self.session, archs, self.batches[:2], self.batches[2:])).by_pair


@pytest.fixture(scope="module", params=[EDGEFLOW, small_supernet.SMALL], ids=lambda supernet: supernet.name)
def drawn(request):
    with tf.Graph().as_default():
        yield Drawn(request.param)


def convolutions(build):
    def count():
        return sum(op.type == "Conv2D" for op in tf.get_default_graph().get_operations())

    before = count()
    return build(), count() - before


def test_errors_are_those_of_each_alone_to_the_bit_in_any_company(drawn):
    pool = evaluation_pool(drawn.supernet.space, seed=1, size=6)
    expected = drawn.errors(drawn.one_by_one, pool)
    together, few = convolutions(lambda: drawn.walk(pool))
    divided, more = convolutions(lambda: drawn.walk(pool[3:], pool[:3]))
    np.testing.assert_array_equal(drawn.errors(together, pool), expected)
    np.testing.assert_array_equal(drawn.errors(divided, pool), expected)
    assert few < more  # what both groups have in common, the stem for one, is there once
    assert len(np.unique(expected.mean(axis=1))) == len(pool)


def test_statistics_of_other_subnets_are_seen(drawn):
    first, second, third = evaluation_pool(drawn.supernet.space, seed=1, size=6)[:3]
    one, other = drawn.walk([first, second]), drawn.walk([second, third])
    statistics = result_of(one.statistics(drawn.session, [first, second], drawn.batches[:1]))
    errors = other.errors(drawn.session, [second, third], statistics, *drawn.batches[3])
    assert np.isfinite(errors[0]).all() and np.isnan(errors[1]).all()


def test_a_pool_is_divided_until_its_maps_fit():
    pool, size = evaluation_pool(EDGEFLOW.space, seed=1), (32, 48, 4)
    blocks = [block.name for block in EDGEFLOW.space.blocks]
    needed = 2 * bytes_of_pair(EDGEFLOW, blocks, *size, pool)
    assert (
        groups_within(EDGEFLOW, pool, *size, 2, None)
        == groups_within(EDGEFLOW, pool, *size, 2, needed)
        == [sorted(pool)]
    )
    halves = groups_within(EDGEFLOW, pool, *size, 2, needed - 1)
    assert [len(group) for group in halves] == [6, 6] and sum(halves, []) == sorted(pool)
    assert all(len(group) == 1 for group in groups_within(EDGEFLOW, pool, *size, 2, 0.0))


def test_the_first_pool_has_a_walk_of_its_own_and_other_archs_none(small_chairs, graph):
    config = load_config(assignments=[f"data.base_path={small_chairs}", "data.input_height=32", "data.input_width=48",
                                      "network.base_width=4", "eval.bn_recal_batches=1"])  # fmt: skip
    weights = Weights(supernet_variables(small_supernet.SMALL, 4))
    evaluation = PoolEvaluation(small_supernet.SMALL, weights, config, open_datasets(config.data), threads=1)
    pool = evaluation_pool(small_supernet.SMALL.space, seed=1, size=6)
    assert isinstance(evaluation.walk(pool[:1]), SubnetEvaluator)
    assert isinstance(evaluation.walk(pool * 5), SubnetEvaluator)
    first = evaluation.walk(pool)
    assert isinstance(first, PoolWalk) and evaluation.walk(list(pool)) is first
    assert isinstance(evaluation.walk(pool[1:]), SubnetEvaluator)
