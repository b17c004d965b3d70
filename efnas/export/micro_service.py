"""Runs in an environment that has TensorFlow Lite Micro: one file, on one input after the other.

Says `ready` and the version of the package. Then, of a line of JSON (`bytes` of the file, which follows it, `outputs`,
`seconds`), a line with the bytes of its arena, which is the smallest that it runs in; and of each input, as the file
takes it, its outputs. It imports nothing of efnas: it runs under another Python.
"""

import json
import os
import re
import signal
import sys
import tempfile
from importlib.metadata import version

SMALLEST, LARGEST = 1 << 20, 1 << 31


def main():
    from tflite_micro.python.tflite_micro import runtime

    questions, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the runtime prints is no answer
    _tell(answers, f"ready {version('tflite_micro')}")
    asked = json.loads(questions.readline() or "null")
    if asked is None:
        return
    model = questions.read(asked["bytes"])
    signal.alarm(asked["seconds"])
    arena = _arena(runtime, model)
    # In an arena of no more than that: what is said of it is then true.
    interpreter = runtime.Interpreter.from_bytes(model, arena_size=arena)
    _tell(answers, str(arena))
    taken = interpreter.get_input_details(0)
    shape, kind = taken["shape"], taken["dtype"]
    import numpy as np

    size = int(np.prod(shape)) * np.dtype(kind).itemsize
    while True:
        signal.alarm(0)
        given = questions.read(size)
        if not given:
            return
        signal.alarm(asked["seconds"])
        interpreter.set_input(np.frombuffer(given, kind).reshape(shape), 0)
        interpreter.invoke()
        for number in range(asked["outputs"]):
            answers.write(np.ascontiguousarray(interpreter.get_output(number)).tobytes())
        answers.flush()


def _tell(answers, line):
    answers.write(f"{line}\n".encode())
    answers.flush()


def _arena(runtime, model):
    """Bytes that the allocator takes, by its own account, which it prints to standard error alone."""
    size = SMALLEST
    while True:
        try:
            interpreter = runtime.Interpreter.from_bytes(model, arena_size=size)
            break
        except RuntimeError:
            if size >= LARGEST:
                raise
            size *= 2
    with tempfile.TemporaryFile() as told:
        kept = os.dup(2)
        os.dup2(told.fileno(), 2)
        interpreter.print_allocations()
        os.dup2(kept, 2)
        told.seek(0)
        return int(re.search(rb"Arena allocation total (\d+) bytes", told.read()).group(1))


if __name__ == "__main__":
    main()
