"""Flow of image pairs of any size by an exported file, which takes one size."""

import hashlib
from pathlib import Path
from typing import Tuple

import numpy as np

from efnas.errors import EfnasError
from efnas.evaluation.inference import Flow, through_one_size
from efnas.export.apart import InterpreterApart
from efnas.export.host import Interpreter
from efnas.files import read_file
from efnas.strict_json import read_json

NO_NETWORK = "it is no .tflite network of two images"


def file_flow(path: Path) -> Flow:
    """Of images of any size, see `through_one_size`. Raises EfnasError as `file_network` does."""
    network, size = file_network(path)
    return through_one_size(network, *size)


def file_network(path: Path) -> Tuple[Flow, Tuple[int, int]]:
    """Of images of one size, and that size, height and width.

    Raises EfnasError for a file that is damaged, or no network of this kind."""
    try:
        model = read_file(path)
        interpreter = Interpreter(model) if is_described(path, model) else InterpreterApart(path)
        size = interpreter.input_shape
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or NO_NETWORK
        raise EfnasError(f"Cannot read {path}: {reason}.") from error

    def flow(images: np.ndarray) -> np.ndarray:
        try:
            predicted = interpreter.flow(images)
        except ValueError as error:
            raise EfnasError(f"Cannot read {path}: {NO_NETWORK}.") from error
        if not np.isfinite(predicted).all():
            raise EfnasError(f"The flow that {path} predicts is not finite: it is damaged.")
        return predicted

    return flow, size


def is_described(path: Path, model: bytes) -> bool:
    """Whether the description beside a file, which its export wrote, says that it is this one.

    Raises EfnasError when it says that it is another.
    """
    description = path.with_name(f"{path.name}.json")
    try:
        sealed = read_json(description.read_text())["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    if sealed != hashlib.sha256(model).hexdigest():
        raise EfnasError(f"{path} is damaged, or another file than {description.name} describes.")
    return True
