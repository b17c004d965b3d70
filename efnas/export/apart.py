"""A network that nobody vouches for, run in a process of its own. The runtime trusts a file: a damaged one can end its
process without a word, while it is read or at any later image, and then that process is another one.
"""

import os
import signal
import struct
import subprocess
import sys
from pathlib import Path
from typing import Tuple

import numpy as np

from efnas.export.host import Interpreter

SECONDS = 120  # what takes longer does not end; the networks that efnas exports take one
START = "import sys; sys.path.insert(0, sys.argv[1]); from efnas.export.apart import serve; serve()"
SIZE = struct.Struct("<2i")


class InterpreterApart:
    """As an `Interpreter`, of a file of two images. Raises ValueError when its process ends, whenever that is."""

    def __init__(self, model: Path):
        words = [sys.executable, "-c", START, str(Path(__file__).parents[2]), str(model.resolve())]
        self._process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.input_shape: Tuple[int, int] = SIZE.unpack(self._ask(b"", SIZE.size))

    def flow(self, images: np.ndarray) -> np.ndarray:
        """Flow [h, w, 2] in pixels for one image pair [h, w, 6] in [-1, 1]."""
        size = images.shape[:2]
        told = self._ask(np.ascontiguousarray(images, "<f4").tobytes(), 4 * 2 * size[0] * size[1])
        return np.frombuffer(told, "<f4").reshape(*size, 2)

    def _ask(self, question: bytes, length: int) -> bytes:
        try:
            self._process.stdin.write(question)
            self._process.stdin.flush()
            answer = self._process.stdout.read(length)
        except BrokenPipeError:
            answer = b""
        if len(answer) < length:
            raise ValueError("the process of the network has ended")
        return answer


def serve() -> None:
    """In that process: the size that the network takes goes out, then for each pair of images that comes in its flow.

    The file is opened by its path: where a damaged one points behind its end, that is no memory, and ends it soon.
    """
    # What the runtime prints is no answer.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    questions = sys.stdin.buffer
    signal.alarm(SECONDS)
    interpreter = Interpreter(Path(sys.argv[2]))
    height, width = interpreter.input_shape
    interpreter.flow(np.zeros((height, width, 6), np.float32))
    answers.write(SIZE.pack(height, width))
    answers.flush()
    while True:
        signal.alarm(0)
        asked = questions.read(4 * height * width * 6)
        if not asked:
            return
        signal.alarm(SECONDS)
        flow = interpreter.flow(np.frombuffer(asked, "<f4").reshape(height, width, 6))
        if flow.shape != (height, width, 2):
            raise ValueError("no flow of these images")
        answers.write(flow.astype("<f4").tobytes())
        answers.flush()
