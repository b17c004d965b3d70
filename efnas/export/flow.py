"""Flow of image pairs of any size by an exported file, which takes one size."""

from pathlib import Path

import numpy as np

from efnas.errors import EfnasError
from efnas.evaluation.frames import padded_to, resized
from efnas.evaluation.inference import Flow
from efnas.export.host import Interpreter


def file_flow(path: Path) -> Flow:
    """Smaller images are padded, larger ones are scaled down and their flow up.

    Raises EfnasError for a file that is no network of this kind.
    """
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
