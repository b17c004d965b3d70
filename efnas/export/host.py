"""What a host does around the network: quantise the images, read the outputs, put the two scales together."""

from pathlib import Path
from typing import List, Tuple, Union

import numpy as np

# What a file gives: the flow itself, or the flow summed up to 1/2 scale and the residual of the last scale, which the
# host puts together.
ACCUMULATED, TWO_SCALE = "accumulated", "two-scale"
FORMS = (ACCUMULATED, TWO_SCALE)
# What computes the figures of a file here. TensorFlow Lite Micro has them too, so that its flow is the same bit by bit;
# the optimised kernels of TensorFlow Lite round otherwise.
KERNELS = "TensorFlow Lite's reference kernels"
HOW_TO_READ = {
    ACCUMULATED: "flow (u, v) in pixels; the image lies in the top-left {height} rows and {width} columns",
    TWO_SCALE: "upsample {flow} x2 (bilinear, position 2i is i), add {residual}: flow (u, v) in pixels; "
    "the image lies in the top-left {height} rows and {width} columns",
}


def upsample_x2(maps: np.ndarray) -> np.ndarray:
    """[h, w, c] -> [2h, 2w, c], bilinear: position 2i is i, between two is their mean, the last is repeated."""
    for axis in (0, 1):
        after = np.concatenate([np.delete(maps, 0, axis), np.take(maps, [-1], axis)], axis)
        size = maps.shape[axis]
        maps = np.take(np.concatenate([maps, (maps + after) / 2], axis), _interleaved(size), axis)
    return maps


def _interleaved(size: int) -> np.ndarray:
    return np.arange(2 * size).reshape(2, size).T.ravel()


def flow_of_outputs(outputs: List[np.ndarray], height: int, width: int) -> np.ndarray:
    """Flow [height, width, 2] in pixels of the real-valued outputs [h, w, 2] of a file.

    One output is the flow itself; of two, the smaller is upsampled x2 and added to the larger. The image lies in the
    top-left of the canvas.
    """
    outputs = sorted(outputs, key=lambda output: output.shape[0])
    flow = outputs[0] if len(outputs) == 1 else upsample_x2(outputs[0]) + outputs[1]
    return flow[:height, :width]


def stored_values(images: np.ndarray, scale: float, zero_point: int, kind: type) -> np.ndarray:
    """Images in [-1, 1] as whole numbers of a type."""
    limits = np.iinfo(kind)
    return np.clip(np.rint(images / scale + zero_point), limits.min, limits.max).astype(kind)


class Interpreter:
    """Runs a `.tflite` file, INT8 or float, on image pairs: its content, or the one at a path."""

    def __init__(self, model: Union[bytes, Path], reference: bool = True):
        """With the reference kernels or, for speed in float, the optimised ones.

        Raises ValueError for a file that cannot be run, or is no network of image pairs and their flow.
        """
        from tflite_runtime.interpreter import Interpreter as Runtime
        from tflite_runtime.interpreter import OpResolverType

        # The default is a delegate, which says on standard error that it is there.
        kernels = OpResolverType.BUILTIN_REF if reference else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        given = {"model_path": str(model)} if isinstance(model, Path) else {"model_content": model}
        self._runtime = Runtime(**given, experimental_op_resolver_type=kernels)
        self._runtime.allocate_tensors()
        given, outputs = self._runtime.get_input_details(), self._runtime.get_output_details()
        _require_flow_network(*([port["shape"].tolist() for port in ports] for ports in (given, outputs)))
        if any(port["dtype"] != np.float32 and not port["quantization"][0] for port in given + outputs):
            raise ValueError("its numbers are neither float32 nor quantised")

    @property
    def input_shape(self) -> Tuple[int, int]:
        """Height and width."""
        return tuple(self._runtime.get_input_details()[0]["shape"][1:3].tolist())

    def flow(self, images: np.ndarray) -> np.ndarray:
        """Flow [h, w, 2] in pixels for one image pair [h, w, 6] in [-1, 1]."""
        return self.flow_of(self.run(self.stored(images)), *images.shape[:2])

    def stored(self, images: np.ndarray) -> np.ndarray:
        """One image pair [h, w, 6] in [-1, 1] as the file takes it, [1, h, w, 6]."""
        (given,) = self._runtime.get_input_details()
        scale, zero_point = given["quantization"]
        if not scale:
            return images[None].astype(np.float32)
        return stored_values(images, scale, zero_point, given["dtype"])[None]

    def run(self, stored: np.ndarray) -> List[np.ndarray]:
        """The outputs [1, h, w, 2] in the file's order, as it gives them."""
        self._runtime.set_tensor(self._runtime.get_input_details()[0]["index"], stored)
        self._runtime.invoke()
        return [self._runtime.get_tensor(output["index"]) for output in self._runtime.get_output_details()]

    def flow_of(self, outputs: List[np.ndarray], height: int, width: int) -> np.ndarray:
        """Flow [height, width, 2] in pixels of what `run` gave."""
        real = []
        for stored, output in zip(outputs, self._runtime.get_output_details()):
            scale, zero_point = output["quantization"]
            stored = stored[0].astype(np.float32)
            real.append((stored - zero_point) * scale if scale else stored)
        return flow_of_outputs(real, height, width)


def _require_flow_network(inputs: List[List[int]], outputs: List[List[int]]) -> None:
    """Raises ValueError for other shapes than one of an image pair and those of its flow (see `flow_of_outputs`)."""
    if any(len(shape) != 4 for shape in inputs + outputs):
        raise ValueError("its inputs and outputs are not all maps")
    [*small, full] = sorted(outputs, key=lambda shape: shape[1])
    taken = [(batch, channels) for batch, _, _, channels in inputs]
    doubled = [[batch, 2 * height, 2 * width, channels] for batch, height, width, channels in small]
    if taken != [(1, 6)] or (full[0], full[3]) != (1, 2) or doubled not in ([], [full]):
        raise ValueError("its inputs and outputs are not those of image pairs and their flow")
    if full[1] < inputs[0][1] or full[2] < inputs[0][2]:
        raise ValueError("its flow is smaller than its images")
