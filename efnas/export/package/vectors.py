"""Pairs of frames with what the network is to answer, for the self-test of a board.

The pairs are drawn by `data.synthesis`, so that a package holds nobody's pictures; the answers are those of TensorFlow
Lite's reference kernels.
"""

import zlib
from typing import Callable, Dict, List, NamedTuple

import numpy as np

from efnas.data.synthesis import SceneStyle, make_pair
from efnas.export.package.fixed_point import flow_of_outputs, frame_to_input
from efnas.export.package.network import DeployedNetwork

PAIRS, SEED = 3, 1


class Vector(NamedTuple):
    """Two uint8 frames [h, w, 3] of the network's size, its input int8 [h, w, 6], and the stored outputs by name."""

    frames: List[np.ndarray]
    input: np.ndarray
    outputs: Dict[str, np.ndarray]


def make_vectors(
    network: DeployedNetwork, model: bytes, progress: Callable[[int, int], None] = lambda done, total: None
) -> List[Vector]:
    """Of the exported file."""
    style = SceneStyle(network.height, network.width)
    run = reference_kernels(model)
    vectors = []
    for index in range(PAIRS):
        pair = make_pair(style, SEED, index)
        frames = [pair.first, pair.second]
        given = np.concatenate([frame_to_input(network, frame) for frame in frames], axis=-1)
        vectors.append(Vector(frames, given, run(given)))
        progress(len(vectors), PAIRS)
    return vectors


def reference_kernels(model: bytes) -> Callable[[np.ndarray], Dict[str, np.ndarray]]:
    """A function of the stored input [h, w, 6] that gives the stored outputs [h, w, c] by name."""
    from tflite_runtime.interpreter import Interpreter, OpResolverType

    runtime = Interpreter(model_content=model, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    runtime.allocate_tensors()
    (taken,) = runtime.get_input_details()

    def run(given: np.ndarray) -> Dict[str, np.ndarray]:
        runtime.set_tensor(taken["index"], given[None])
        runtime.invoke()
        return {port["name"]: runtime.get_tensor(port["index"])[0] for port in runtime.get_output_details()}

    return run


def packed_bytes(network: DeployedNetwork) -> int:
    """The size of what `packed` gives."""
    outputs = sum(int(np.prod(port.shape)) for port in network.outputs)
    return PAIRS * (network.height * network.width * 6 + outputs + 8)


def packed(network: DeployedNetwork, vectors: List[Vector]) -> bytes:
    """The file that `efnas_selftest.c` reads: of each pair the frames, the outputs from coarse to fine, and the CRC-32
    of the input and of the flow in fixed point."""
    parts = []
    for vector in vectors:
        outputs = [vector.outputs[port.name] for port in network.coarse_to_fine]
        flow = flow_of_outputs(network, vector.outputs, network.height, network.width)
        crcs = [zlib.crc32(content.tobytes()) for content in (vector.input, flow)]
        parts += [array.tobytes() for array in (*vector.frames, *outputs, np.array(crcs, "<u4"))]
    return b"".join(parts)
