"""A converted file with other scales: ranges of its maps without their outliers, or one scale a kernel.

TensorFlow's converter knows neither: it takes the least and the largest value that it sees, and a scale a channel. What
it does with these, other ranges and scales go through alike (TensorFlow Lite's quantisation specification): from the
float file of the same network come the kernels, the biases and what the maps hold.
"""

from typing import Dict, List, Mapping, Optional, Tuple

import numpy as np
import tflite

from efnas.errors import EfnasError
from efnas.export.calibration import Calibration
from efnas.export.compose import PASSING
from efnas.export.file_graph import CONVOLUTION, Graph, Operator, Quantisation, Tensor, read_graph, write_graph

LEAST, MOST = -128, 127
BINS = 1 << 14  # of a map's values between its extremes: 64 to a step of INT8

Ranges = Mapping[str, Tuple[float, float]]


def requantised_file(
    model: bytes, exact: bytes, calibration: Calibration, images: List[np.ndarray], learned: Ranges
) -> bytes:
    """The INT8 file `model` as a calibration wants it, or with ranges that were `learned`; `exact` is the same network
    in float, `images` are pairs [1, h, w, 6] in [-1, 1]."""
    graph, floats = read_graph(model), read_graph(exact)
    require_alike(graph, floats)
    ranges = learned
    if calibration.percentile and not learned:
        ranges = percentile_ranges(graph, exact, images, calibration.percentile)
    return write_graph(requantised(graph, floats, ranges, calibration.per_tensor))


def require_alike(graph: Graph, exact: Graph) -> None:
    """Raises EfnasError for files that do not have the same operators in the same order."""
    operators = ([(operator.kind, operator.outputs) for operator in each.operators] for each in (graph, exact))
    if next(operators) != next(operators):
        raise EfnasError("The float file of this TensorFlow has other operators than its INT8 file.")


def requantised(graph: Graph, exact: Graph, ranges: Ranges, per_tensor: bool) -> Graph:
    """The graph with these ranges of its maps, those that are not named as they were, and kernels of a scale a channel
    or, with `per_tensor`, of one."""
    tensors = dict(graph.tensors)
    for name, (low, high) in ranges.items():
        tensors[name] = tensors[name]._replace(quantisation=of_range(low, high))
    for operator in graph.operators:
        output = operator.outputs[0]
        if operator.kind in PASSING:
            tensors[output] = tensors[output]._replace(quantisation=tensors[operator.inputs[0]].quantisation)
        elif operator.kind == CONVOLUTION:
            _convolution(operator, tensors, exact, per_tensor)
    return graph._replace(tensors=tensors)


def _convolution(operator: Operator, tensors: Dict[str, Tensor], exact: Graph, per_tensor: bool) -> None:
    """Give its kernel and its bias the scales that go with those of its input."""
    given, kernel, bias = operator.inputs
    if per_tensor:
        tensors[kernel] = _with_one_scale(tensors[kernel], _floats(exact.tensors[kernel]))
    values = _floats(exact.tensors[bias])
    if values.any():  # zeros, which convolutions may share, are zeros at any scale
        scales = tensors[given].quantisation.scale * tensors[kernel].quantisation.scale
        stored = _rounded(values / scales.astype(np.float64)).astype(np.int32)
        held = Quantisation(*(np.empty(0, np.float32),) * 2, scales, np.zeros(scales.size, np.int64), 0)
        tensors[bias] = tensors[bias]._replace(quantisation=held, content=stored.view(np.uint8))


def of_range(low: float, high: float) -> Quantisation:
    """The INT8 scale and zero point of values from `low` to `high`, with 0 among them, which has to be exact."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = (high - low) / (MOST - LEAST) or 1.0
    zero_point = int(np.clip(_rounded(LEAST - low / scale), LEAST, MOST))
    arrays = (np.array([value], np.float32) for value in (low, high, scale))
    return Quantisation(*arrays, np.array([zero_point], np.int64), 0)


def ends_of(quantisation: Quantisation) -> Tuple[float, float]:
    """The least and the largest value of a map with this scale."""
    scale, zero_point = float(quantisation.scale[0]), int(quantisation.zero_point[0])
    return scale * (LEAST - zero_point), scale * (MOST - zero_point)


def _with_one_scale(kernel: Tensor, values: np.ndarray) -> Tensor:
    scale = np.abs(values).max() / MOST or 1.0
    held = Quantisation(*(np.empty(0, np.float32),) * 2, np.array([scale], np.float32), np.zeros(1, np.int64), 0)
    stored = np.clip(_rounded(values / scale), -MOST, MOST).astype(np.int8)
    return kernel._replace(quantisation=held, content=stored.view(np.uint8))


def _rounded(values):
    """To the nearest whole number, halves away from 0 as C does."""
    return np.copysign(np.floor(np.abs(values) + 0.5), values)


def _floats(tensor: Tensor) -> np.ndarray:
    return np.frombuffer(tensor.content.tobytes(), np.float32)


def percentile_ranges(graph: Graph, exact: bytes, images: List[np.ndarray], percentile: float) -> Ranges:
    """The values below which so many percent of each map lie, and above which so many do, over all images.

    The maps that are summed up to the flow keep their whole range: the fastest motions are no outliers.
    """
    of_flow = maps_of_flow(graph)
    names = [operator.outputs[0] for operator in graph.operators
             if operator.kind not in PASSING and operator.outputs[0] not in of_flow]  # fmt: skip
    edges = {name: _edges(graph.tensors[name].quantisation) for name in names}
    counts = {name: np.zeros(BINS, np.int64) for name in names}
    runtime = runtime_with(names, exact, "BUILTIN_WITHOUT_DEFAULT_DELEGATES")
    places = {detail["name"]: detail["index"] for detail in runtime.get_tensor_details()}
    for image in images:
        runtime.set_tensor(runtime.get_input_details()[0]["index"], image)
        runtime.invoke()
        for name in names:
            values = np.clip(runtime.get_tensor(places[name]), edges[name][0], edges[name][-1])
            counts[name] += np.histogram(values, edges[name])[0]
    found = {name: _quantiles(counts[name], edges[name], percentile / 100) for name in names}
    for operator in graph.operators:
        if operator.kind == tflite.BuiltinOperator.CONCATENATION:
            low, high = zip(*(found[name] for name in operator.inputs))
            found.update(dict.fromkeys(operator.inputs, (min(low), max(high))))
    return found


def _edges(quantisation: Quantisation) -> np.ndarray:
    """Of bins over all that the converter saw in a map."""
    return np.linspace(*ends_of(quantisation), BINS + 1)


def _quantiles(counts: np.ndarray, edges: np.ndarray, share: float) -> Tuple[float, float]:
    below = np.cumsum(counts) / counts.sum()
    return float(edges[np.searchsorted(below, 1 - share)]), float(edges[np.searchsorted(below, share) + 1])


def runtime_with(maps: List[str], model: bytes, kernels: str):
    """TensorFlow Lite with a file whose `maps` can be read after a run; `kernels` name its resolver of operators.

    They are outputs too: whatever it is told to preserve, that of 2.14 adds up in the place of what it adds.
    """
    from tflite_runtime.interpreter import Interpreter, OpResolverType

    graph = read_graph(model)
    outputs = tuple(dict.fromkeys([*graph.outputs, *maps]))
    runtime = Interpreter(model_content=write_graph(graph._replace(outputs=outputs)),
                          experimental_op_resolver_type=OpResolverType[kernels])  # fmt: skip
    runtime.allocate_tensors()
    return runtime


def maps_of_flow(graph: Graph) -> List[str]:
    """The outputs of a file and what they are the sum of, back to the convolutions that predict it."""
    producers: Dict[str, Optional[Operator]] = {operator.outputs[0]: operator for operator in graph.operators}
    found, left = [], list(graph.outputs)
    while left:
        name = left.pop()
        operator = producers.get(name)
        if operator is None or name in found:
            continue
        found.append(name)
        if operator.kind in (*PASSING, tflite.BuiltinOperator.ADD):
            left += operator.inputs
    return found
