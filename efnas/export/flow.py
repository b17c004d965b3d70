"""Flow of image pairs of any size, by a subnet of a checkpoint or by an exported file."""

from pathlib import Path

import numpy as np

from efnas.config import Config
from efnas.core.space import ArchCode
from efnas.errors import EfnasError
from efnas.evaluation.inference import Flow, padded_to, resized, size_like


def subnet_flow(config: Config, checkpoint: str, arch: ArchCode) -> Flow:
    """The float network of a subnet, recalibrated on training batches; a graph for each size of image.

    Raises EfnasError for a checkpoint that is missing or of another network, or a data set that is not there.
    """
    from efnas.export.converter import float_network, subnet_network
    from efnas.export.weights import checkpoint_weights

    weights = checkpoint_weights(config, checkpoint, arch)
    network = subnet_network(arch, config.train.base_width)
    sessions = {}

    def flow(images: np.ndarray) -> np.ndarray:
        height, width = images.shape[:2]
        size = size_like(height, config.data.input_height), size_like(width, config.data.input_width)
        if size not in sessions:
            sessions[size] = float_network(network, weights, *size)
        return sessions[size](padded_to(images, *size))[:height, :width]

    return flow


def file_flow(path: Path) -> Flow:
    """An exported file, which takes one size: smaller images are padded, larger ones are scaled down and their flow up.

    Raises EfnasError for a file that is no network of this kind.
    """
    from efnas.export.host import Interpreter

    try:
        interpreter = Interpreter(path.read_bytes())
        height, width, channels = interpreter.input_shape
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no .tflite network of two images"
        raise EfnasError(f"Cannot read {path}: {reason}.") from error
    if channels != 6:
        raise EfnasError(f"Cannot read {path}: it is no .tflite network of two images.")

    def flow(images: np.ndarray) -> np.ndarray:
        size = images.shape[:2]
        small = (min(size[0], height), min(size[1], width))
        predicted = interpreter.flow(padded_to(resized(images, *small), height, width))[: small[0], : small[1]]
        return resized(predicted, *size) * np.array([size[1] / small[1], size[0] / small[0]], np.float32)

    return flow
