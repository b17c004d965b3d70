"""The names of tensors are those of TensorFlow 1.15's converter, whichever wrote the file."""

import tflite

from efnas.cache import Cache
from efnas.config_files import load_config
from efnas.core.network import FLOW_SPACE
from efnas.export.file_graph import read_graph, write_graph
from efnas.export.network_files import NetworkFiles
from efnas.export.tensor_names import named_as_in_the_graph

SETTINGS = ["data.input_height=32", "data.input_width=48", "network.base_width=4"]


def merged(graph):
    """As the newer converter calls them: kernels by their convolution, maps by all that was merged, biases by constants
    that they happen to equal."""
    names = {}
    for number, operator in enumerate(graph.operators):
        if operator.kind == tflite.BuiltinOperator.CONV_2D:
            place = operator.inputs[1].rsplit("/kernel", 1)[0]
            scope = place if place.endswith("conv") else f"{place}/conv"
            bare = operator.outputs[0] == scope
            names[operator.inputs[1]] = scope
            names[operator.inputs[2]] = f"Const_{number}"
            names[operator.outputs[0]] = f"{scope}1" if bare else f"{operator.outputs[0]};{scope}"
    for name in (*graph.inputs, *graph.outputs):
        names.pop(name, None)
    operators = [operator._replace(inputs=tuple(names.get(name, name) for name in operator.inputs),
                                   outputs=tuple(names.get(name, name) for name in operator.outputs))
                 for operator in graph.operators]  # fmt: skip
    return graph._replace(tensors={names.get(name, name): tensor for name, tensor in graph.tensors.items()},
                          operators=operators)  # fmt: skip


def test_merged_names_become_those_of_the_operators():
    model = NetworkFiles(load_config(assignments=SETTINGS), Cache(None)).subnet(
        FLOW_SPACE.parse("000001000"), "two-scale"
    )
    graph = read_graph(model)
    again = read_graph(named_as_in_the_graph(write_graph(merged(graph))))
    maps = [operator.outputs for operator in graph.operators]
    assert [operator.outputs for operator in again.operators] == maps
    assert ("H0Out/kernel7x7/conv",) in maps and ("E0/Relu",) in maps
    kernels = [operator.inputs[1] for operator in again.operators if operator.kind == tflite.BuiltinOperator.CONV_2D]
    assert all(name.endswith("/kernel") for name in kernels)
    assert again.inputs == graph.inputs and again.outputs == graph.outputs


def test_names_that_are_so_already_leave_the_file_as_it_is():
    model = NetworkFiles(load_config(assignments=SETTINGS), Cache(None)).subnet(
        FLOW_SPACE.parse("000001000"), "two-scale"
    )
    assert named_as_in_the_graph(model) is model
