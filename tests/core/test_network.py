"""The network and its walks: that of the flow, and a second one unlike it."""

from collections import Counter

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small_supernet import SMALL

from efnas.core.baseline import bilinear_baseline
from efnas.core.costs import supernet_variables, variables_of
from efnas.core.geometry import valid_part
from efnas.core.layers import Layers
from efnas.core.routing import Fixed, Lanes, Switch
from efnas.core.sampler import fair_cycle
from efnas.core.space import ArchCode
from efnas.core.supernet import EDGEFLOW
from efnas.core.weights import Weights
from efnas.training.loss import multiscale_loss

HEIGHT, WIDTH, BASE_WIDTH = 36, 48, 4


class Walks:
    """Lanes, Switch and, for every code of some fair cycles, Fixed: all in one graph over the same weights."""

    def __init__(self, supernet):
        space, heads = supernet.space, supernet.heads
        rng = np.random.RandomState(1)
        self.supernet = supernet
        self.cycles = [fair_cycle(space, 11, step) for step in range(3)]
        self.images = tf.constant(rng.uniform(-1, 1, (2, HEIGHT, WIDTH, 6)).astype("f"))
        self.truth = tf.constant(rng.randn(2, HEIGHT, WIDTH, 2).astype("f"))
        self.codes = tf.placeholder(tf.int32, [space.options_per_block, len(space.blocks)])
        self.code = tf.placeholder(tf.int32, [len(space.blocks)])
        self.weights = Weights(supernet_variables(supernet, BASE_WIDTH), seed=5)
        self.lanes_layers = Layers(self.weights, gradients_as_convolutions=True, small_maps=True)
        self.lanes = supernet.network(self.lanes_layers, Lanes(space, self.codes), self.images, BASE_WIDTH)
        self.variables = self.lanes_layers.used
        lanes_loss = tf.add_n([multiscale_loss(heads, maps, self.truth) for maps in self.lanes]) / len(self.lanes)
        self.lanes_gradients = dict(zip(self.variables, tf.gradients(lanes_loss, list(self.variables.values()))))
        first_loss = multiscale_loss(heads, self.lanes[0], self.truth)
        self.first_lane_gradients = dict(zip(self.variables, tf.gradients(first_loss, list(self.variables.values()))))
        self.switch_layers = Layers(self.weights)
        self.switch_router = Switch(space, self.code, self.switch_layers)
        (self.switch,) = supernet.network(self.switch_layers, self.switch_router, self.images, BASE_WIDTH)
        self.fixed, self.fixed_gradients, self.fixed_layers = {}, {}, {}
        for code in {tuple(map(int, code)) for cycle in self.cycles for code in cycle}:
            layers = self.fixed_layers[code] = Layers(self.weights)
            (maps,) = supernet.network(layers, Fixed(space, ArchCode(code)), self.images, BASE_WIDTH)
            self.fixed[code] = maps
            gradients = tf.gradients(multiscale_loss(heads, maps, self.truth), list(layers.used.values()))
            self.fixed_gradients[code] = dict(zip(layers.used, gradients))
        # Away from the first values, where scales are one and offsets zero.
        moves = [v.assign_add(0.1 * rng.randn(*v.shape.as_list()).astype("f")) for v in self.variables.values()]
        self.session = tf.Session()
        self.session.run(tf.global_variables_initializer())
        self.session.run(moves)


@pytest.fixture(scope="module")
def walks():
    with tf.Graph().as_default():
        return Walks(EDGEFLOW)


@pytest.fixture(scope="module")
def walks_of_small():
    with tf.Graph().as_default():
        return Walks(SMALL)


@pytest.fixture(params=["walks", "walks_of_small"])
def any_walks(request):
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("number", range(3))
def test_the_three_walks_give_the_same_maps(any_walks, number):
    walks, cycle = any_walks, any_walks.cycles[number]
    lanes = walks.session.run([maps.accumulated for maps in walks.lanes], {walks.codes: cycle})
    for lane, code in zip(lanes, cycle):
        fixed = walks.session.run(walks.fixed[tuple(map(int, code))].accumulated)
        switch = walks.session.run(walks.switch.accumulated, {walks.code: code})
        for one, two, three in zip(lane, fixed, switch):
            scale = np.abs(two).max()
            np.testing.assert_allclose(one, two, atol=1e-5 * scale)
            np.testing.assert_allclose(three, two, atol=1e-5 * scale)


@pytest.mark.parametrize("number", range(3))
def test_a_lanes_gradient_is_the_mean_of_the_subnets(any_walks, number):
    walks, cycle = any_walks, any_walks.cycles[number]
    lanes = walks.session.run(walks.lanes_gradients, {walks.codes: cycle})
    expected = {name: np.zeros(value.shape) for name, value in lanes.items()}
    for code in cycle:
        for name, gradient in walks.session.run(walks.fixed_gradients[tuple(map(int, code))]).items():
            expected[name] += gradient / len(cycle)
    largest = max(np.linalg.norm(value) for value in expected.values())
    for name, gradient in lanes.items():
        error = np.linalg.norm(gradient - expected[name])
        assert error <= 1e-4 * max(np.linalg.norm(expected[name]), 1e-4 * largest), name


def test_an_options_variables_get_their_gradient_from_the_lane_that_picked_it(walks):
    cycle = walks.cycles[0]
    of_lane_0 = walks.session.run(walks.first_lane_gradients, {walks.codes: cycle})
    of_all = walks.session.run(walks.lanes_gradients, {walks.codes: cycle})
    in_lane_0 = walks.fixed_layers[tuple(map(int, cycle[0]))].used
    in_every_lane = set.intersection(*(set(walks.fixed_layers[tuple(map(int, code))].used) for code in cycle))
    for name, gradient in of_lane_0.items():
        assert np.abs(of_all[name]).max() > 0, f"{name} gets no gradient at all"
        if name not in in_lane_0:
            assert np.abs(gradient).max() == 0, name
        elif name not in in_every_lane:
            np.testing.assert_allclose(gradient, 3 * of_all[name], rtol=1e-3, atol=1e-4 * np.abs(gradient).max())


def test_batch_statistics_of_one_lane_do_not_leak_into_another(walks):
    """The moments of each lane are those of its subnet alone, and differ between the lanes."""
    cycle = walks.cycles[1]
    seen = walks.session.run([(m.mean, m.variance) for m in walks.lanes_layers.seen], {walks.codes: cycle})
    by_name = {}
    for moments, value in zip(walks.lanes_layers.seen, seen):
        by_name.setdefault(moments.name, []).append(np.concatenate(value))
    alone = {}
    for code in map(tuple, cycle.tolist()):
        moments = walks.fixed_layers[code].seen
        for m, value in zip(moments, walks.session.run([(m.mean, m.variance) for m in moments])):
            alone.setdefault(m.name, []).append(np.concatenate(value))
    assert set(by_name) == set(alone)
    for name, values in by_name.items():
        assert len(values) == (1 if name.startswith(("E0", "E1")) else len(alone[name])), name
        for value in values:  # lanes stand in the order of the last choice, so look for each among the three
            assert min(np.abs(value - other).max() for other in alone[name]) < 1e-4 * max(1, np.abs(value).max()), name
    assert np.abs(by_name["H2/bn"][0] - by_name["H2/bn"][1]).max() > 1e-3


def test_a_switch_runs_no_option_that_was_not_picked(any_walks):
    """By the operators that TensorFlow says it executed."""
    walks = any_walks
    for code in walks.cycles[0]:
        metadata = tf.RunMetadata()
        walks.session.run(walks.switch.accumulated, {walks.code: code},
                          tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE), metadata)  # fmt: skip
        ran = {node.node_name for device in metadata.step_stats.dev_stats for node in device.node_stats}
        mine = walks.fixed_layers[tuple(map(int, code))].used
        for name in walks.variables:
            if name.endswith("/kernel"):
                executed = any(f"{name[: -len('/kernel')]}/conv" in node for node in ran)
                assert executed == (name in mine), name


def test_the_stem_runs_once_for_all_lanes(walks):
    runs = Counter(moments.name for moments in walks.lanes_layers.seen)
    assert runs["E0/bn"] == runs["E1/bn"] == 1
    assert runs["Down1/bn"] == runs["H2/bn"] == 3
    assert runs["EB0/depth3/block2/bn1"] == 1


def test_sizes_of_the_maps_at_180x240_and_of_their_valid_parts(graph):
    layers = Layers(Weights(supernet_variables(EDGEFLOW, 4)))
    router = Fixed(EDGEFLOW.space, EDGEFLOW.space.baseline)
    (maps,) = EDGEFLOW.network(layers, router, tf.zeros([1, 180, 240, 6]), 4)
    assert [tuple(m.shape.as_list()) for m in maps.accumulated] == [(1, 48, 60, 4), (1, 96, 120, 4), (1, 192, 240, 4)]
    valid = [
        valid_part(m, 180 // scale, 240 // scale).shape.as_list()[1:3] for m, scale in zip(maps.accumulated, (4, 2, 1))
    ]
    assert valid == [[45, 60], [90, 120], [180, 240]]


def test_scales_are_added_up_in_full_resolution_pixels(walks):
    residual, accumulated = walks.session.run(
        [walks.switch.residual, walks.switch.accumulated], {walks.code: walks.cycles[0][0]}
    )
    np.testing.assert_array_equal(accumulated[0], residual[0])
    np.testing.assert_allclose(accumulated[1][:, ::2, ::2], accumulated[0] + residual[1][:, ::2, ::2], atol=1e-4)
    np.testing.assert_allclose(accumulated[2][:, ::2, ::2], accumulated[1] + residual[2][:, ::2, ::2], atol=1e-4)


def test_variables_are_named_by_their_place_in_every_walk(walks):
    assert "EB0/depth2/block1/conv1/kernel" in walks.variables
    assert "H1/kernel5x5/kernel" in walks.variables
    assert set(walks.switch_layers.used) == set(walks.variables)
    for layers in walks.fixed_layers.values():
        assert set(layers.used) <= set(walks.variables)
    for name, variable in walks.variables.items():
        assert variable.op.name == name
        assert walks.switch_layers.used[name] is variable


def test_operators_of_a_fixed_walk_are_named_by_their_block(graph):
    weights = Weights(supernet_variables(EDGEFLOW, 4))
    router = Fixed(EDGEFLOW.space, EDGEFLOW.space.baseline)
    EDGEFLOW.network(Layers(weights, weights.moving), router, tf.zeros([1, 32, 32, 6]), 4)
    convolutions = [op.name for op in graph.get_operations() if op.type == "Conv2D"]
    assert "EB0/depth1/block1/conv1/conv" in convolutions
    assert "H2/kernel7x7/conv" in convolutions
    assert len(convolutions) == 4 * 2 + 11


def test_the_baseline_builds_with_the_same_maps(graph):
    weights = Weights(variables_of(lambda layers: bilinear_baseline(layers, (64, 64, 6), base_width=4)))
    maps = bilinear_baseline(Layers(weights), tf.zeros([2, 64, 64, 6]), base_width=4)
    assert [m.shape.as_list() for m in maps.accumulated] == [[2, 16, 16, 4], [2, 32, 32, 4], [2, 64, 64, 4]]


def test_the_order_in_which_walks_are_built_changes_nothing():
    """Neither first values nor what a walk computes, nor does a walk that is built while the session runs."""
    space, found = EDGEFLOW.space, []
    code = space.parse("120210121")
    for order in (("lanes", "switch", "fixed"), ("fixed", "switch", "lanes"), ("switch", "lanes", "fixed")):
        with tf.Graph().as_default(), tf.Session() as session:
            images = tf.constant(np.random.RandomState(3).uniform(-1, 1, (1, 32, 32, 6)).astype("f"))
            weights = Weights(supernet_variables(EDGEFLOW, BASE_WIDTH), seed=9)
            session.run(tf.global_variables_initializer())
            means = {}
            for kind in order:
                layers = Layers(weights)
                routers = {"fixed": Fixed(space, code), "switch": Switch(space, tf.constant(code), layers),
                           "lanes": Lanes(space, tf.constant(space.shifts(code)))}  # fmt: skip
                EDGEFLOW.network(layers, routers[kind], images, BASE_WIDTH)
                means[kind] = session.run([seen.mean for seen in layers.seen if seen.name == "E1/bn"])
            assert set(tf.global_variables()) == set(weights.saved)
            found.append((session.run(weights.trained), means))
    (first, means), *others = found
    np.testing.assert_array_equal(means["fixed"], means["switch"])
    np.testing.assert_array_equal(means["fixed"], means["lanes"])
    for values, other_means in others:
        np.testing.assert_array_equal(other_means["fixed"], means["fixed"])
        for name, value in first.items():
            np.testing.assert_array_equal(values[name], value, err_msg=name)
