"""INT8 export: one network, quantised by TensorFlow's converter, and the proof that the file is that.

The converter of TensorFlow 1.15 cannot quantise `strided_slice`; `tf.slice` works, with explicit sizes only: a size of
-1 converts, but the Vela compiler fails on it.
"""

import ctypes
import os
import sys
from collections import Counter
from contextlib import contextmanager
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

import numpy as np
import tensorflow.compat.v1 as tf
import tflite
from tensorflow.lite.python import convert as toco

from efnas.core.baseline import bilinear_baseline
from efnas.core.costs import CostLayers
from efnas.core.layers import RECALIBRATED, Layers
from efnas.core.network import OUTPUT_CHANNELS, optical_flow_network
from efnas.core.routing import Fixed
from efnas.core.space import FLOW_SPACE, ArchCode
from efnas.errors import CheckFailed
from efnas.export.file_graph import read_graph
from efnas.export.host import ACCUMULATED, TWO_SCALE
from efnas.export.weights import SubnetWeights

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
    """What stands in a `.tflite` file. `operators` are (kind, name of the output, its multiply-accumulates)."""

    operators: List[Tuple[str, str, int]]
    tensor_types: Dict[str, int]
    inputs: List[Port]
    outputs: List[Port]

    @property
    def convolution_macs(self) -> int:
        return sum(macs for _, _, macs in self.operators)


class Network(NamedTuple):
    """What is exported: `describe(layers, images, output_channels)` gives its `ScaleMaps`, over tensors or shapes."""

    name: str
    describe: Callable


def subnet_network(arch: ArchCode, base_width: int) -> Network:
    def describe(layers, images, output_channels):
        (maps,) = optical_flow_network(layers, Fixed(FLOW_SPACE, arch), images, base_width, output_channels)
        return maps

    return Network(f"subnet_{arch.compact}", describe)


def baseline_network(base_width: int) -> Network:
    return Network(
        "bilinear_baseline", lambda layers, images, channels: bilinear_baseline(layers, images, base_width, channels)
    )


def trained_shapes(network: Network) -> Dict[str, tuple]:
    """Names and shapes of the trained variables of a network."""
    layers = CostLayers()
    network.describe(layers, (64, 64, 6), OUTPUT_CHANNELS)
    return layers.shapes


def checked_file(
    network: Network, weights: SubnetWeights, height: int, width: int, form: str, int8: bool = True
) -> Tuple[bytes, Content]:
    """The file of a network and what stands in it. Raises CheckFailed when that is not the network, or not INT8."""
    model = convert(network, weights, height, width, form, int8)
    content = read_content(model)
    require_network(content, network, height, width, form)
    if int8:
        require_int8(content)
    return model, content


def convert(
    network: Network, weights: SubnetWeights, height: int, width: int, form: str = ACCUMULATED, int8: bool = True
) -> bytes:
    """The file of a network for one image pair of height x width.

    `accumulated` has one output, the flow at full size on the decoder's canvas. `two-scale` has two, the flow summed up
    to 1/2 scale and the residual of the last scale; the host upsamples the first and adds. With `int8` input, output
    and every operator are INT8, which `require_int8` checks; else the file computes in float32, for debugging.
    """
    with tf.Graph().as_default(), tf.Session() as session:
        images = tf.placeholder(tf.float32, [1, height, width, 6], "images")
        layers = Layers(RECALIBRATED)
        maps = network.describe(layers, images, _channels(form))
        if form == TWO_SCALE:
            outputs = [tf.identity(maps.accumulated[1], "Sum2/flow"), tf.identity(maps.residual[2], "H2Out/residual")]
        else:
            full = maps.accumulated[2]
            outputs = [tf.slice(full, [0, 0, 0, 0], full.shape.as_list()[:3] + [2], name="Sum1/flow")]
        session.run(_assign(layers, weights))
        converter = tf.lite.TFLiteConverter.from_session(session, [images], outputs)
        if int8:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: ([image] for image in weights.calibration)
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = converter.inference_output_type = tf.int8
        # Without the name of its program the converter works in this process: the same bytes, in 1.6 s in place of 4.5.
        toco._toco_from_proto_bin = ""
        with _quiet():
            return converter.convert()


def float_network(
    network: Network, weights: SubnetWeights, height: int, width: int
) -> Callable[[np.ndarray], np.ndarray]:
    """The network as a function in float: image pair [height, width, 6] -> flow on its canvas, in pixels."""
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.float32, [1, height, width, 6], "images")
        layers = Layers(RECALIBRATED)
        flow = network.describe(layers, images, OUTPUT_CHANNELS).accumulated[2][0, ..., :2]
        session = tf.Session(graph=graph)
        session.run(_assign(layers, weights))
    return lambda pair: session.run(flow, {images: pair[None]})


@contextmanager
def _quiet():
    """Keep what the converter's C++ code writes off the screen: it does not go through Python's streams, but through
    C's, which holds it back where the output is a pipe."""
    flush = ctypes.CDLL(None).fflush
    sys.stdout.flush()
    flush(None)
    kept = [os.dup(stream) for stream in (1, 2)]
    with open(os.devnull, "w") as nowhere:
        for stream in (1, 2):
            os.dup2(nowhere.fileno(), stream)
        try:
            yield
        finally:
            flush(None)
            for stream, copy in zip((1, 2), kept):
                os.dup2(copy, stream)
                os.close(copy)


def _channels(form: str) -> int:
    return 2 if form == TWO_SCALE else OUTPUT_CHANNELS


def _assign(layers: Layers, weights: SubnetWeights) -> list:
    assignments = []
    for name, variable in layers.trainable.items():
        # Heads that predict flow alone take the flow's part of the trained kernel.
        assignments.append(variable.assign(weights.trainable[name][..., : variable.shape[-1]]))
    for name in layers.batch_norms:
        for variable, value in zip(layers.statistics_variables(name, RECALIBRATED), weights.statistics[name]):
            assignments.append(variable.assign(value.astype(np.float32)))
    return assignments


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

    def port(name: str) -> Port:
        tensor = graph.tensors[name]
        known = tensor.quantisation.scale.size > 0
        return Port(name, list(tensor.shape), TYPES[tensor.type],
                    float(tensor.quantisation.scale[0]) if known else None,
                    int(tensor.quantisation.zero_point[0]) if known else None)  # fmt: skip

    counted = Counter(TYPES[tensor.type] for tensor in graph.tensors.values())
    return Content(operators, dict(counted), [port(name) for name in graph.inputs],
                   [port(name) for name in graph.outputs])  # fmt: skip


def require_network(content: Content, network: Network, height: int, width: int, form: str) -> None:
    """Raises CheckFailed when the file does not hold the convolutions of this network, and no others."""
    layers = CostLayers()
    network.describe(layers, (height, width, 6), _channels(form))
    expected = sorted(cost.macs for cost in layers.costs.values() if cost.macs)
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
