"""A subnet's INT8 file put together from parts: subnets differ in their choice blocks alone.

The files of one fair cycle hold every option of every block. The operators of a choice block are taken from the file
that has its option, the others from the first file.

This holds for weights that do not depend on the subnet, as seeded random ones: what a checkpoint's weights become,
recalibrated and folded, does. Operators, shapes, weights and their scales are then those of an exported file. The
scales of the maps between are those of the file that a part comes from, where an exported file has been calibrated as
a whole; no cost depends on them.
"""

from collections import Counter
from typing import Dict, List, Sequence

import numpy as np
import tflite

from efnas.core.space import ArchCode, SearchSpace
from efnas.export.file_graph import CONVOLUTION, Graph, Operator, Quantisation, Tensor, read_graph, write_graph

# Operators that pass values on: what comes out is scaled as what goes in.
PASSING = (tflite.BuiltinOperator.RESIZE_BILINEAR, tflite.BuiltinOperator.SLICE, tflite.BuiltinOperator.PAD,
           tflite.BuiltinOperator.CONCATENATION, tflite.BuiltinOperator.RESHAPE)  # fmt: skip


class Composer:
    """Composes files from those of a fair cycle: `parts[digit]` is that of the subnet with this digit everywhere.

    Raises ValueError for parts with biases, whose stored values depend on the scales of the maps, and for a block that
    has operators with some options alone.
    """

    def __init__(self, space: SearchSpace, parts: Sequence[bytes]):
        self._blocks = [block.name for block in space.blocks]
        self._parts = [_Part(read_graph(part)) for part in parts]
        stages = [set(part.stages) for part in self._parts]
        if set.union(*stages) != set.intersection(*stages):
            odd = ", ".join(sorted(set.union(*stages) - set.intersection(*stages)))
            raise ValueError(f"not every part has operators named after {odd}: a network groups those of each block")

    def compose(self, arch: ArchCode) -> bytes:
        """The file of a subnet; equal codes give equal bytes."""
        first = self._parts[0]
        part_of = dict.fromkeys(first.stages, first)
        part_of.update((block, self._parts[digit]) for block, digit in zip(self._blocks, arch))
        tensors: Dict[str, Tensor] = {name: first.graph.tensors[name] for name in first.graph.inputs}
        operators = [
            _place(operator, part_of[operator.stage], part_of, tensors) for operator in _in_order(first, part_of)
        ]
        outputs = tuple(part_of[stage].results[stage] for stage in map(first.producers.get, first.graph.outputs))
        return write_graph(Graph(tensors, operators, first.graph.inputs, outputs))


class _Part:
    """A file by its stages: the operators of each, and the map that each hands on."""

    def __init__(self, graph: Graph):
        self.graph = graph
        self.stages: Dict[str, List[Operator]] = {}
        for operator in graph.operators:
            self.stages.setdefault(operator.stage, []).append(operator)
            if operator.kind == CONVOLUTION and graph.tensors[operator.inputs[2]].content.any():
                raise ValueError(f"{operator.outputs[0]} has a bias; parts are composed without")
        self.producers = {name: operator.stage for operator in graph.operators for name in operator.outputs}
        used_by = [(name, operator.stage) for operator in graph.operators for name in operator.inputs]
        handed_on = [name for name, user in used_by if self.producers.get(name, user) != user]
        self.results = {self.producers[name]: name for name in (*handed_on, *graph.outputs)}


def _in_order(first: _Part, part_of: Dict[str, _Part]) -> List[Operator]:
    """The picked operators in the first file's order; a block with more of them runs to its end at its last place."""
    left = Counter(operator.stage for operator in first.graph.operators)
    waiting = {stage: list(part.stages[stage]) for stage, part in part_of.items()}
    ordered: List[Operator] = []
    for operator in first.graph.operators:
        stage = operator.stage
        left[stage] -= 1
        count = 1 if left[stage] else len(waiting[stage])
        ordered += waiting[stage][:count]
        del waiting[stage][:count]
    return ordered


def _place(operator: Operator, part: _Part, part_of: Dict[str, _Part], tensors: Dict[str, Tensor]) -> Operator:
    """Connect an operator to what was placed before it, and add the tensors that it brings."""
    inputs = []
    for name in operator.inputs:
        stage = part.producers.get(name)
        inputs.append(part_of[stage].results[stage] if stage not in (None, operator.stage) else name)
    brought = {name: part.graph.tensors[name] for name in (*operator.inputs, *operator.outputs)}
    (output,) = operator.outputs
    if operator.kind == CONVOLUTION:
        # The converter lets convolutions share a bias of zeros; of its scales only one can then be right.
        data, kernel, shared = operator.inputs
        scale = tensors[inputs[0]].quantisation.scale * brought[kernel].quantisation.scale
        inputs[2] = f"{output}/bias"
        brought[inputs[2]] = brought.pop(shared)._replace(quantisation=_of_bias(scale))
    if operator.kind in PASSING:
        brought[output] = brought[output]._replace(quantisation=tensors[inputs[0]].quantisation)
    tensors.update((name, tensor) for name, tensor in brought.items() if name not in part.producers or name == output)
    return operator._replace(inputs=tuple(inputs))


def _of_bias(scale: np.ndarray) -> Quantisation:
    none = np.empty(0, np.float32)
    return Quantisation(none, none, scale, np.zeros(scale.size, np.int64), 0)
