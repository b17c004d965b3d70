"""Which layers the error of an INT8 file comes from: each quantised alone, all others in float."""

from typing import Callable, Iterator, List, NamedTuple, Sequence, Tuple

import numpy as np
import tflite

from efnas.data.scaling import scaled_flow
from efnas.evaluation.places import paired_margin
from efnas.export.compose import PASSING
from efnas.export.content import KINDS
from efnas.export.file_graph import CONVOLUTION, Graph, Operator, Quantisation, Tensor, read_graph, write_graph
from efnas.export.host import Interpreter
from efnas.export.requantised import ends_of, require_alike
from efnas.runs.subnet_errors import Margin

NONE = Quantisation(*(np.empty(0, np.float32),) * 3, np.empty(0, np.int64), 0)
INPUT = "input"
EXACT = set(PASSING) - {tflite.BuiltinOperator.RESIZE_BILINEAR}  # no value of theirs is computed


class LayerError(NamedTuple):
    """What quantising one layer alone adds to the error, in px: its mean over the pairs and a 95 % interval."""

    layer: str
    kind: str
    adds: Margin

    def as_dict(self) -> dict:
        return {"layer": self.layer, "kind": self.kind, **self.adds._asdict()}


def layer_errors(
    model: bytes, exact: bytes, pairs: Sequence[Tuple[np.ndarray, np.ndarray]], names: Sequence[str],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> List[LayerError]:  # fmt: skip
    """Of every layer of the INT8 file `model`, the one that adds most first.

    `exact` is the same network in float, `pairs` are images [h, w, 6] and flow [h, w, 2] with their names.
    """
    graph, floats = read_graph(model), read_graph(exact)
    require_alike(graph, floats)
    hybrids = [(graph.inputs[0], INPUT, write_graph(_with_input(graph, floats))), *quantised_alone(graph, floats)]
    base = _errors(exact, pairs)
    found = []
    for layer, kind, hybrid in hybrids:
        found.append(LayerError(layer, kind, paired_margin(_errors(hybrid, pairs) - base, names)))
        progress(len(found), len(hybrids))
    return sorted(found, key=lambda each: -each.adds.mean)


def _errors(model: bytes, pairs: Sequence[Tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    interpreter = Interpreter(model, reference=False)
    flows = (scaled_flow(interpreter.flow(images), *truth.shape[:2]) - truth for images, truth in pairs)
    return np.array([np.linalg.norm(apart, axis=-1).mean() for apart in flows], np.float64)


def quantised_alone(graph: Graph, exact: Graph) -> Iterator[Tuple[str, str, bytes]]:
    """Name and kind of each layer that rounds, with the float file in which it alone does: its kernel and bias are
    those of the INT8 file, and its map goes through the steps of its scale."""
    for number, operator in enumerate(graph.operators):
        if operator.kind in EXACT:
            continue
        (output,) = operator.outputs
        tensors, operators = dict(exact.tensors), list(exact.operators)
        inputs = operator.inputs
        if operator.kind == CONVOLUTION:
            given, *constants = inputs
            for name in constants:  # a name of its own: others may share a bias
                tensors[f"{output}/{name}"] = _real(graph.tensors[name])
            inputs = (given, *(f"{output}/{name}" for name in constants))
        tensors[f"{output}/exact"] = tensors[output]
        operators[number] = exact.operators[number]._replace(inputs=inputs, outputs=(f"{output}/exact",))
        operators.insert(number + 1, _stepped(f"{output}/exact", output, graph.tensors[output].quantisation))
        yield output, KINDS[operator.kind], write_graph(exact._replace(tensors=tensors, operators=operators))


def _with_input(graph: Graph, exact: Graph) -> Graph:
    (name,) = exact.inputs
    tensors = {**exact.tensors, f"{name}/stored": exact.tensors[name]}
    operators = [_stepped(name, f"{name}/stored", graph.tensors[name].quantisation)]
    for operator in exact.operators:
        inputs = tuple(f"{name}/stored" if given == name else given for given in operator.inputs)
        operators.append(operator._replace(inputs=inputs))
    return exact._replace(tensors=tensors, operators=operators)


def _stepped(given: str, output: str, quantisation: Quantisation) -> Operator:
    """Takes a map through the 256 steps of an INT8 scale."""
    low, high = ends_of(quantisation)
    options = (("Min", low), ("Max", high), ("NumBits", 8), ("NarrowRange", False))
    return Operator(tflite.BuiltinOperator.FAKE_QUANT, 1, (given,), (output,),
                    tflite.BuiltinOptions.FakeQuantOptions, options)  # fmt: skip


def _real(tensor: Tensor) -> Tensor:
    """A constant of an INT8 file as the float values that it stands for."""
    kind = np.int32 if tensor.type == tflite.TensorType.INT32 else np.int8
    stored = np.frombuffer(tensor.content.tobytes(), kind).reshape(tensor.shape[0], -1)
    scale = tensor.quantisation.scale.reshape(-1, 1)
    values = (stored * scale.astype(np.float64)).astype(np.float32)
    return Tensor(tensor.shape, tflite.TensorType.FLOAT32, NONE, values.ravel().view(np.uint8))
