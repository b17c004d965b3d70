"""Runs in the compiler's own environment: loads it once, then compiles in forked processes, each as fresh as a new one.

Says `ready`, then for every line on its standard input, a JSON object of `words`, `log` and `seconds`, the exit code of
that compile, or minus the signal that ended it. It imports nothing of efnas: it runs under another Python.

With the argument `remember` it hands on what two functions of Vela 4 said, which depend on nothing but their arguments
and take most of a compile: networks of one space have nearly all of their layers in common.
"""

import hashlib
import importlib
import inspect
import json
import os
import pickle
import signal
import sys


def main():
    from ethosu.vela.vela import main as vela

    memory = Memory() if sys.argv[1:] == ["remember"] else None
    print("ready", flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        learned, learns = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(learned)
            _compile(vela, memory, learns, **job)
        os.close(learns)
        with os.fdopen(learned, "rb") as answer:
            content = answer.read()
        print(_code(os.waitpid(child, 0)[1]), flush=True)
        if memory and content:
            memory.known.update(pickle.loads(content))


class Memory:
    """Answers of the functions by a hash of their arguments, pickled, so that none can be changed."""

    def __init__(self):
        self.known, self.new = {}, {}
        self.keep("ethosu.vela.scheduler", "find_block_config", _of_block)
        self.keep("ethosu.mlw_codec", "reorder_encode", lambda *values: values)

    def keep(self, module, name, content):
        """`content` gives what decides the answer; a version whose function asks for something else is left alone."""
        try:
            place = importlib.import_module(module)
            function = getattr(place, name)
        except (ImportError, AttributeError):
            return
        if content is _of_block and list(inspect.signature(function).parameters) != BLOCK_ARGUMENTS:
            return

        def remembered(*values, **named):
            if named:  # as no version is known to call it
                return function(*values, **named)
            key = hashlib.sha256(pickle.dumps((name, content(*values)))).digest()
            if key not in self.known:
                self.known[key] = self.new[key] = pickle.dumps(function(*values))
            return pickle.loads(self.known[key])

        setattr(place, name, remembered)


BLOCK_ARGUMENTS = ["arch", "npu_op_type", "ofm_shape", "ifm_shape", "ifm2_shape", "uses_scalar", "ifm_bits", "kernel",
                   "lut_banks", "scaled", "ifm_resampling"]  # fmt: skip


def _of_block(arch, kind, ofm, ifm, ifm2, scalar, bits, kernel, banks, scaled, resampling):
    shapes = [None if shape is None else tuple(shape) for shape in (ofm, ifm, ifm2)]
    sizes = kernel.width, kernel.height, tuple(kernel.stride), tuple(kernel.dilation)
    return str(arch.accelerator_config), kind, shapes, scalar, bits, sizes, banks, scaled, resampling


def _compile(vela, memory, learns, words, log, seconds):
    """In the child: what it says goes to the log; it is killed by the alarm when it takes too long."""
    code = 1
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(output, 1)
        os.dup2(output, 2)
        code = vela(words) or 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        if memory and code == 0:
            with os.fdopen(learns, "wb") as answer:
                answer.write(pickle.dumps(memory.new))
        os._exit(code)


def _code(status):
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


if __name__ == "__main__":
    main()
