"""What stands in a `.tflite` file, and the proof that it is the network and all of it INT8."""

from collections import Counter
from typing import Dict, List, NamedTuple, Optional, Tuple

import numpy as np
import tflite

from efnas.errors import CheckFailed
from efnas.export.file_graph import Graph, read_graph
from efnas.export.networks import ExportedNetwork

KINDS = {number: name for name, number in vars(tflite.BuiltinOperator).items() if isinstance(number, int)}
TYPES = {number: name for name, number in vars(tflite.TensorType).items() if isinstance(number, int)}


class Port(NamedTuple):
    """An input or output of a file; a real value is scale * (stored - zero_point)."""

    name: str
    shape: List[int]
    type: str
    scale: Optional[float]
    zero_point: Optional[int]


class Content(NamedTuple):
    """`operators` are (kind, name of the output, its multiply-accumulates)."""

    operators: List[Tuple[str, str, int]]
    tensor_types: Dict[str, int]
    inputs: List[Port]
    outputs: List[Port]

    @property
    def convolution_macs(self) -> int:
        return sum(macs for _, _, macs in self.operators)


def read_content(model: bytes) -> Content:
    """Operators, types and ports of a file."""
    graph = read_graph(model)
    operators = []
    for operator in graph.operators:
        (output,) = operator.outputs
        macs = 0
        if operator.kind == tflite.BuiltinOperator.CONV_2D:
            # Kernels lie as [out, height, width, in]: a position of an output channel costs the product of the rest.
            kernel = graph.tensors[operator.inputs[1]].shape
            macs = int(np.prod(graph.tensors[output].shape) * np.prod(kernel[1:]))
        operators.append((KINDS[operator.kind], output, macs))

    counted = Counter(TYPES[tensor.type] for tensor in graph.tensors.values())
    return Content(operators, dict(counted), *_ports(graph))


def read_ports(model: bytes) -> Tuple[List[Port], List[Port]]:
    """Inputs and outputs of a file, which may be a compiled one."""
    return _ports(read_graph(model))


def _ports(graph: Graph) -> Tuple[List[Port], List[Port]]:
    def port(name: str) -> Port:
        tensor = graph.tensors[name]
        known = tensor.quantisation.scale.size > 0
        return Port(name, list(tensor.shape), TYPES[tensor.type],
                    float(tensor.quantisation.scale[0]) if known else None,
                    int(tensor.quantisation.zero_point[0]) if known else None)  # fmt: skip

    return [port(name) for name in graph.inputs], [port(name) for name in graph.outputs]


def require_network(content: Content, network: ExportedNetwork, height: int, width: int, form: str) -> None:
    """Raises CheckFailed when the file does not hold the convolutions of this network, and no others."""
    costs = network.counted(height, width, form).costs
    expected = sorted(cost.macs for cost in costs.values() if cost.macs)
    found = sorted(macs for kind, _, macs in content.operators if kind == "CONV_2D")
    if found != expected:
        raise CheckFailed(
            f"The file is not {network.name}: it has {len(found)} convolutions and {sum(found):,} "
            f"multiply-accumulates, the network {len(expected)} and {sum(expected):,}."
        )


def require_int8(content: Content) -> None:
    """Raises CheckFailed when anything in the file is not INT8 (biases are INT32), inputs and outputs included."""
    others = sorted(set(content.tensor_types) - {"INT8", "INT32"})
    ports = sorted({port.type for port in content.inputs + content.outputs} - {"INT8"})
    floating = [kind for kind, _, _ in content.operators if kind in ("QUANTIZE", "DEQUANTIZE")]
    if others or ports or floating:
        raise CheckFailed(f"The file is not fully INT8: it holds {', '.join(others + ports + floating)}.")
