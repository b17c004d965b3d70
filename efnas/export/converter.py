"""INT8 export: one network, quantised by TensorFlow's converter.

The converter of TensorFlow 1.15 cannot quantise `strided_slice`; `tf.slice` works, with explicit sizes only: a size of
-1 converts, but the Vela compiler fails on it.
"""

import ctypes
import os
import sys
from contextlib import contextmanager
from types import MappingProxyType
from typing import List, Mapping, Tuple

import tensorflow.compat.v1 as tf
from tensorflow.lite.python import convert as toco

from efnas.core.geometry import FLOW_CHANNELS
from efnas.core.layers import Layers
from efnas.core.weights import constant_moments, constant_weights
from efnas.export.calibration import AS_CONVERTED, Calibration
from efnas.export.content import Content, read_content, require_int8, require_network
from efnas.export.host import ACCUMULATED, PACKED, TWO_SCALE
from efnas.export.networks import ExportedNetwork, output_channels, output_names
from efnas.export.packed_layers import PackedLayers, without_requantising
from efnas.export.tensor_names import named_as_in_the_graph
from efnas.export.weights import SubnetWeights


def checked_file(
    network: ExportedNetwork, weights: SubnetWeights, height: int, width: int, form: str, int8: bool = True,
    calibration: Calibration = AS_CONVERTED, learned: Mapping[str, Tuple[float, float]] = MappingProxyType({}),
) -> Tuple[bytes, Content]:  # fmt: skip
    """The file of a network, with ranges of its maps that were `learned`, and what stands in it. Raises CheckFailed
    when that is not the network, or not INT8."""
    model = convert(network, weights, height, width, form, int8)
    if int8 and (calibration.percentile or calibration.per_tensor or learned):
        from efnas.export.requantised import requantised_file

        exact = convert(network, weights, height, width, form, False)
        model = requantised_file(model, exact, calibration, weights.calibration, learned)
    content = read_content(model)
    require_network(content, network, height, width, form)
    if int8:
        require_int8(content)
    return model, content


def convert(
    network: ExportedNetwork,
    weights: SubnetWeights,
    height: int,
    width: int,
    form: str = ACCUMULATED,
    int8: bool = True,
) -> bytes:
    """The file of a network for one image pair of height x width.

    `accumulated` has one output, the flow at full size on the decoder's canvas. `two-scale` has two, the flow summed up
    to 1/2 scale and the residual of the last scale; the host upsamples the first and adds. `packed` has what each head
    says; it is the same network up to the border (see `phases`). With `int8` input, output and every operator are INT8,
    which `require_int8` checks; else the file computes in float32, for debugging.
    """
    with tf.Graph().as_default() as graph:
        images, outputs = float_graph(network, weights, height, width, form)
        converter = tf.lite.TFLiteConverter(graph.as_graph_def(), [images], outputs)
        if int8:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: ([image] for image in weights.calibration)
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = converter.inference_output_type = tf.int8
        # Without the name of its program the converter works in this process: the same bytes, in 1.6 s in place of 4.5.
        toco._toco_from_proto_bin = ""
        with _quiet():
            model = named_as_in_the_graph(converter.convert())
    return without_requantising(model) if form == PACKED and int8 else model


def float_graph(
    network: ExportedNetwork, weights: SubnetWeights, height: int, width: int, form: str
) -> Tuple[tf.Tensor, List[tf.Tensor]]:
    """The input and the outputs of a form, in the default graph."""
    names = output_names(network.supernet, form)
    images = tf.placeholder(tf.float32, [1, height, width, 6], "images")
    trained = weights.trained_as(network.counted(height, width, form).variables)
    if form == PACKED:
        layers = PackedLayers(network.supernet, height, width, trained, weights.statistics)
    else:
        layers = Layers(constant_weights(trained), constant_moments(weights.statistics))
    maps = network.describe(layers, images, output_channels(form))
    if form == ACCUMULATED:
        full = maps.accumulated[-1]
        size = [*full.shape.as_list()[:3], FLOW_CHANNELS]
        return images, [tf.slice(full, [0, 0, 0, 0], size, name=names[0])]
    if form == TWO_SCALE:
        return images, list(map(tf.identity, (maps.accumulated[-2], maps.residual[-1]), names))
    # Compilers run what the first output needs last: the widest maps are made when the others are gone.
    *coarser, fine = maps.residual
    return images, list(map(tf.identity, [fine.map, *coarser[::-1]], names[::-1]))


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
