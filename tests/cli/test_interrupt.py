"""A signal: one line and the code for it, whatever the program is at."""

import signal
import subprocess
import sys

import pytest

# The program, which sends itself a signal when it first imports a module.
PROGRAM = """
import os, signal, sys

class Trap:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv_target:
            sys.argv_target = None
            os.kill(os.getpid(), int(number))

_, sys.argv_target, number, *words = sys.argv
sys.argv[:] = ["efnas", *words]
sys.meta_path.insert(0, Trap())
from efnas.cli.entry import main
main()
"""
SAID = {signal.SIGINT: (130, "Stopped: interrupted.\n"), signal.SIGTERM: (143, "Stopped: terminated.\n"),
        signal.SIGHUP: (129, "Stopped: the terminal is gone.\n"), signal.SIGUSR1: (138, "Stopped: SIGUSR1 came.\n")}  # fmt: skip


def test_an_interrupt_that_rust_catches_is_one_too(tmp_path):
    panic = PROGRAM.replace("os.kill(os.getpid(), int(number))", "raise PanicException").replace(
        "class Trap:", "class PanicException(BaseException):\n    pass\n\nclass Trap:"
    )
    done = subprocess.run([sys.executable, "-c", panic, "pydantic", "0", "train"], capture_output=True, text=True,
                          cwd=tmp_path)  # fmt: skip
    assert (done.returncode, done.stderr) == SAID[signal.SIGINT]


MOMENTS = [
    ("typer", ["--help"]), ("efnas.cli.app", ["codec", "self-test"]), ("efnas.cli.codec", ["codec", "self-test"]),
    ("efnas.core.code_check", ["codec", "self-test"]), ("numpy", ["sample-check"]), ("scipy", ["sample-check"]),
    ("pydantic", ["train"]), ("tensorflow", ["train", "--dry-run"]), ("efnas.vela.compiler", ["sweep"]),
    ("PIL", ["infer", "a.png", "b.png"]), ("yaml", ["doctor"]),
]  # fmt: skip
USUAL = (signal.SIGINT, signal.SIGTERM)


@pytest.mark.parametrize("at, words, number", [
    (*moment, number) for moment in MOMENTS for number in SAID if number in USUAL or moment[0] in ("typer", "numpy")
])  # fmt: skip
def test_a_signal_ends_it_with_one_line(tmp_path, at, words, number):
    done = subprocess.run([sys.executable, "-c", PROGRAM, at, str(int(number)), *words], capture_output=True, text=True,
                          cwd=tmp_path)  # fmt: skip
    assert (done.returncode, done.stderr.lstrip("\n")) == SAID[number]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", SAID, ids=lambda number: number.name)
@pytest.mark.parametrize("words, code", [(["codec", "encode", "EB0=1"], 0), (["codec", "show", "12"], 2)])
def test_a_signal_after_the_answer_changes_nothing(words, code, number):
    late = f"import atexit, os\natexit.register(lambda: os.kill(os.getpid(), {int(number)}))\n"
    program = late + "from efnas.cli.entry import main\nmain()"
    done, undisturbed = (
        subprocess.run([sys.executable, "-c", each, *words], capture_output=True, text=True)
        for each in (program, program.replace(late, ""))
    )
    assert done.returncode == undisturbed.returncode == code
    assert (done.stdout, done.stderr) == (undisturbed.stdout, undisturbed.stderr)
