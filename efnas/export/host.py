"""What a host does around the network: quantise the images, read the outputs, put the two scales together."""

from pathlib import Path
from typing import List, Tuple, Union

import numpy as np

# What a file gives: the flow itself; the flow summed up to 1/2 scale and the residual of the last scale, which the host
# puts together; or what each head says, the last one with four positions in the channels of one (see `packing`).
ACCUMULATED, TWO_SCALE, PACKED = "accumulated", "two-scale", "packed"
FORMS = (ACCUMULATED, TWO_SCALE, PACKED)
# What computes the figures of a file here. TensorFlow Lite Micro has them too, so that its flow is the same bit by bit;
# the optimised kernels of TensorFlow Lite round otherwise.
KERNELS = "TensorFlow Lite's reference kernels"
# Of the outputs of a file, in whatever order.
CHANNELS = [2], [2, 2], [8], [2, 8], [2, 2, 8]
HOW_TO_READ = {
    ACCUMULATED: "flow (u, v) in pixels",
    TWO_SCALE: "upsample {0} x2 (bilinear, position 2i is i), add {1}: flow (u, v) in pixels",
    PACKED: "from the first of {all} to the last: upsample x2 (bilinear, position 2i is i) and add the next, which may "
    "have fewer rows: flow (u, v) in pixels; the last has four positions in its channels: (row, column, u or v)",
}


def how_to_read(form: str, names: List[str], height: int, width: int) -> str:
    """In words; `names` are those of the outputs from the coarsest to the finest."""
    read = HOW_TO_READ[form].format(*names, all=", ".join(names))
    return f"{read}; the image lies in the top-left {height} rows and {width} columns"


def upsample_x2(maps: np.ndarray) -> np.ndarray:
    """[h, w, c] -> [2h, 2w, c], bilinear: position 2i is i, between two is their mean, the last is repeated."""
    for axis in (0, 1):
        after = np.concatenate([np.delete(maps, 0, axis), np.take(maps, [-1], axis)], axis)
        size = maps.shape[axis]
        maps = np.take(np.concatenate([maps, (maps + after) / 2], axis), _interleaved(size), axis)
    return maps


def _interleaved(size: int) -> np.ndarray:
    return np.arange(2 * size).reshape(2, size).T.ravel()


def unpacked(output: np.ndarray) -> np.ndarray:
    """[2h, 2w, 2] of a packed output [h, w, 8], whose channels are (row, column, u or v); another is what it is."""
    height, width, channels = output.shape
    if channels == 2:
        return output
    return output.reshape(height, width, 2, 2, 2).swapaxes(1, 2).reshape(2 * height, 2 * width, 2)


def flow_of_outputs(outputs: List[np.ndarray], height: int, width: int) -> np.ndarray:
    """Flow [height, width, 2] in pixels of the real-valued outputs of a file, each [h, w, 2] or, packed, [h, w, 8].

    From the smallest to the largest, what there is is upsampled x2 and the next one added. Rows below the image may be
    missing; it lies in the top-left.
    """
    flow, *finer = sorted(map(unpacked, outputs), key=lambda each: each.shape[1])
    for residual in finer:
        flow = upsample_x2(flow)[: residual.shape[0]] + residual
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
    taken, given = (sorted((batch, channels) for batch, _, _, channels in shapes) for shapes in (inputs, outputs))
    sizes = sorted(
        (2 * height, 2 * width) if channels == 8 else (height, width) for _, height, width, channels in outputs
    )
    pairs = zip(sizes, sizes[1:])
    doubled = all(height < taller <= 2 * height and wider == 2 * width for (height, width), (taller, wider) in pairs)
    if taken != [(1, 6)] or given not in [[(1, channels) for channels in each] for each in CHANNELS] or not doubled:
        raise ValueError("its inputs and outputs are not those of image pairs and their flow")
    if sizes[-1][0] < inputs[0][1] or sizes[-1][1] < inputs[0][2]:
        raise ValueError("its flow is smaller than its images")
