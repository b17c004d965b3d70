"""Parameters and multiply-accumulates against the known figures, and against the graph."""

import pytest

from efnas.core.baseline import bilinear_baseline
from efnas.core.costs import CostLayers, lanes_using, subnet_costs, supernet_params, supernet_variables
from efnas.core.supernet import EDGEFLOW

FLOW_SPACE = EDGEFLOW.space


@pytest.mark.parametrize("code, params", [("000022222", 2.67e6), ("000001000", 2.74e6), ("222200000", 6.48e6)])
def test_parameters_of_lightest_baseline_and_heaviest(code, params):
    assert subnet_costs(EDGEFLOW, FLOW_SPACE.parse(code), 180, 240, 32).total.params == pytest.approx(params, rel=0.002)


def test_parameters_of_the_supernet():
    assert supernet_params(EDGEFLOW, 32) == pytest.approx(12.1e6, rel=0.002)


def test_multiply_accumulates_of_the_baseline():
    assert subnet_costs(EDGEFLOW, FLOW_SPACE.baseline, 180, 240, 32).total.macs == 3_594_470_400


def test_the_baseline_described_on_its_own_costs_what_its_subnet_costs():
    layers = CostLayers()
    maps = bilinear_baseline(layers, (180, 240, 6), 32)
    subnet = subnet_costs(EDGEFLOW, FLOW_SPACE.baseline, 180, 240, 32)
    assert maps.accumulated == [(48, 60, 4), (96, 120, 4), (192, 240, 4)]
    assert layers.total.macs == subnet.total.macs
    kernels = sum(cost.params for cost in layers.costs.values() if cost.macs)
    assert kernels == sum(cost.params for cost in subnet.costs.values() if cost.macs)


def test_shared_layers_serve_all_lanes_and_options_one():
    users = lanes_using(EDGEFLOW)
    assert users["E0/conv"] == users["H1/bn"] == 3
    assert users["EB0/depth3/block2/conv1"] == users["H1/kernel5x5"] == 1
    assert set(users.values()) == {1, 3}


def test_counted_parameters_are_those_of_the_graph(graph):
    import tensorflow.compat.v1 as tf

    from efnas.core.layers import Layers
    from efnas.core.routing import Fixed
    from efnas.core.weights import Weights

    code = FLOW_SPACE.parse("120221012")
    layers = Layers(Weights(supernet_variables(EDGEFLOW, 8)))
    EDGEFLOW.network(layers, Fixed(FLOW_SPACE, code), tf.zeros([1, 64, 64, 6]), base_width=8)
    built = sum(variable.shape.num_elements() for variable in layers.used.values())
    assert built == subnet_costs(EDGEFLOW, code, 64, 64, base_width=8).total.params
