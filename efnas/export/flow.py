"""Flow of image pairs of any size by an exported file, which takes one size."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from efnas.errors import EfnasError
from efnas.evaluation.frames import padded_to, resized
from efnas.evaluation.inference import Flow
from efnas.export.host import Interpreter
from efnas.files import read_file

# The runtime trusts a file: a damaged one can end the process without a word, so another one tries it first.
TRIAL = """
import sys
import numpy as np
from tflite_runtime.interpreter import Interpreter
network = Interpreter(sys.argv[1])
network.allocate_tensors()
given = network.get_input_details()[0]
network.set_tensor(given["index"], np.zeros(given["shape"], given["dtype"]))
network.invoke()
"""


def file_flow(path: Path) -> Flow:
    """Smaller images are padded, larger ones are scaled down and their flow up.

    Raises EfnasError for a file that is damaged, or no network of this kind.
    """
    try:
        model = read_file(path)
        if not _is_described(path, model):
            _try(path)
        interpreter = Interpreter(model)
        height, width = interpreter.input_shape
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no .tflite network of two images"
        raise EfnasError(f"Cannot read {path}: {reason}.") from error

    def flow(images: np.ndarray) -> np.ndarray:
        size = images.shape[:2]
        small = (min(size[0], height), min(size[1], width))
        predicted = interpreter.flow(padded_to(resized(images, *small), height, width))[: small[0], : small[1]]
        return resized(predicted, *size) * np.array([size[1] / small[1], size[0] / small[0]], np.float32)

    return flow


def _is_described(path: Path, model: bytes) -> bool:
    """Whether the description beside a file, which its export wrote, says that it is this one.

    Raises EfnasError when it says that it is another.
    """
    description = path.with_name(f"{path.name}.json")
    try:
        sealed = json.loads(description.read_text())["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    if sealed != hashlib.sha256(model).hexdigest():
        raise EfnasError(f"{path} is damaged, or another file than {description.name} describes.")
    return True


def _try(path: Path) -> None:
    words = [sys.executable, "-c", TRIAL, str(path.resolve())]
    if subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
        raise ValueError("it does not run")
