"""TensorFlow Lite Micro, the runtime of the board, in a process of the environment that has it.

It is a pre-release that not every Python can have: who has none is told so, and goes on.
"""

import json
import os
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Iterator, List, NamedTuple, Optional, Tuple

import numpy as np

from efnas.errors import CheckFailed, EfnasError
from efnas.export.content import read_content
from efnas.machine import FINE, NOTE, Finding
from efnas.vela.installed import installed_velas

SERVICE = Path(__file__).with_name("micro_service.py")
SECONDS = 600  # for reading a file, and for one pair
NAME = "TensorFlow Lite Micro"


class MicroRun(NamedTuple):
    """A file in the runtime of the board: the bytes of its arena, and of the `values` of its outputs how many differ
    from those of the reference kernels, by `largest` at most."""

    version: str
    arena_bytes: int
    values: int
    differing: int
    largest: int

    def require_equal(self) -> None:
        """Raises CheckFailed where a value differs."""
        if self.differing:
            raise CheckFailed(
                f"The file computes otherwise in {NAME} {self.version} than by the reference kernels: "
                f"{self.differing:,} of {self.values:,} values differ, by up to {self.largest} LSB."
            )


class Micro:
    """The runtime of one Python. Raises EfnasError where that has none."""

    def __init__(self, python: Path):
        self.python = python
        self._log = tempfile.TemporaryFile()
        try:
            self._process = subprocess.Popen([str(python), str(SERVICE)], stdin=subprocess.PIPE,
                                             stdout=subprocess.PIPE, stderr=self._log)  # fmt: skip
        except OSError as error:
            raise EfnasError(f"Cannot run {python}: {error.strerror}.") from error
        first = self._process.stdout.readline().decode(errors="replace").split()
        if first[:1] != ["ready"]:
            self.close()
            raise EfnasError(f"{python} has no {NAME}.")
        self.version = first[1]

    def load(self, model: bytes, outputs: List[Tuple[int, ...]]) -> int:
        """Load an INT8 file with outputs of these shapes; the bytes of the smallest arena that it runs in.

        Raises CheckFailed for a file that the runtime cannot run.
        """
        self._shapes = outputs
        self._say(json.dumps({"bytes": len(model), "outputs": len(outputs), "seconds": SECONDS}).encode() + b"\n")
        self._say(model)
        return int(self._heard(self._process.stdout.readline()))

    def begin(self, stored: np.ndarray) -> None:
        """Compute the outputs of an input as the file takes it, beside what this process does."""
        self._say(np.ascontiguousarray(stored).tobytes())

    def outputs(self) -> List[np.ndarray]:
        """The outputs of the input that was begun, int8, in the file's order."""
        found = []
        for shape in self._shapes:
            size = int(np.prod(shape))
            found.append(np.frombuffer(self._heard(self._process.stdout.read(size), size), np.int8).reshape(shape))
        return found

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()
        self._log.close()

    def _say(self, question: bytes) -> None:
        try:
            self._process.stdin.write(question)
            self._process.stdin.flush()
        except BrokenPipeError:
            self._heard(b"")

    def _heard(self, answer: bytes, length: int = 1) -> bytes:
        if len(answer) < length:
            self._log.seek(0)
            last = (self._log.read().decode(errors="replace").strip().splitlines() or ["it ended without a word"])[-1]
            raise CheckFailed(f"{NAME} {self.version} cannot run the file: {last[:120]}.")
        return answer


class Beside:
    """A file in the runtime of the board, input by input beside the reference kernels."""

    def __init__(self, micro: Micro, model: bytes):
        self._micro = micro
        shapes = [tuple(port.shape) for port in read_content(model).outputs]
        self.found = MicroRun(micro.version, micro.load(model, shapes), 0, 0, 0)

    def begin(self, stored: np.ndarray) -> None:
        self._micro.begin(stored)

    def compare(self, outputs: List[np.ndarray]) -> None:
        """With what the reference kernels gave of the input that was begun."""
        for own, expected in zip(self._micro.outputs(), outputs):
            apart, found = np.abs(own.astype(int) - expected), self.found
            self.found = found._replace(values=found.values + apart.size, largest=max(found.largest, int(apart.max())),
                                        differing=found.differing + int(np.count_nonzero(apart)))  # fmt: skip


def find_micro() -> Micro:
    """The runtime of the Python that $EFNAS_TFLM names, else of an environment of a compiler. Raises EfnasError."""
    named = os.environ.get("EFNAS_TFLM")
    pythons = [Path(named)] if named else [path.with_name("python") for path in installed_velas()]
    for python in pythons:
        if python.is_file():
            try:
                return Micro(python)
            except EfnasError:
                continue
    places = ", ".join(map(str, pythons)) or "the environments of compilers"
    raise EfnasError(f"{NAME} is not at hand (looked at $EFNAS_TFLM and {places}).")


@contextmanager
def micro_at_hand(wanted: bool, tell: Callable[[str], None]) -> Iterator[Optional[Micro]]:
    """The runtime while it is wanted; None, of which `tell` hears in one line, where there is none."""
    try:
        micro = find_micro() if wanted else None
    except EfnasError as error:
        tell(f"{error} The file is verified without it.")
        micro = None
    try:
        yield micro
    finally:
        if micro:
            micro.close()


def examine_micro() -> Finding:
    try:
        micro = find_micro()
    except EfnasError:
        return Finding(NAME, NOTE, "not at hand; export --verify goes without it",
                       "make setup installs it beside Vela, with Python 3.10 or 3.11")  # fmt: skip
    micro.close()
    return Finding(NAME, FINE, f"{micro.version}: {micro.python}")
