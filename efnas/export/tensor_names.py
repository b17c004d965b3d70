"""The names of a file's tensors as the graph has them, whatever converter wrote it.

That of TensorFlow 1.15 calls a map by its operator, and a kernel and a bias by their convolution. That of 2.15 calls a
map by all operators that it merged, as in `E0/Relu;E0/bn/FusedBatchNormV3;E0/conv/conv`, a kernel by its convolution,
which then has a number behind its own name, and a bias by whatever constant it became one with.
"""

import re

from efnas.export.file_graph import CONVOLUTION, read_graph, write_graph


def named_as_in_the_graph(model: bytes) -> bytes:
    """The same file with the names of TensorFlow 1.15's converter, and a bias of its own for each convolution; one that
    has those names stays as it is."""
    graph = read_graph(model)
    tensors, operators, names = dict(graph.tensors), [], {}
    for operator in graph.operators:
        inputs, (output,) = [names.get(name, name) for name in operator.inputs], operator.outputs
        own = output.split(";")[0]
        if operator.kind == CONVOLUTION:
            kernel, bias = inputs[1:]
            place = re.sub(r"/conv\d*$", "", kernel)
            if place != kernel:
                inputs[1:] = f"{place}/kernel", f"{place}/conv_bias"
                tensors.update(zip(inputs[1:], (graph.tensors[kernel], graph.tensors[bias])))
                own = re.sub(rf"^{re.escape(place)}/conv\d+$", f"{place}/conv", own)
        if output not in graph.outputs:
            names[output] = own
            tensors[own] = graph.tensors[output]
        operators.append(operator._replace(inputs=tuple(inputs), outputs=(names.get(output, output),)))
    used = {name for operator in operators for name in (*operator.inputs, *operator.outputs)}
    if used == set(graph.tensors):
        return model
    made = [name for operator in operators for name in operator.outputs]
    if len(set(made)) < len(made):
        raise ValueError(f"two maps would have one name: {sorted(made)}")
    return write_graph(
        graph._replace(tensors={name: tensors[name] for name in tensors if name in used}, operators=operators)
    )
