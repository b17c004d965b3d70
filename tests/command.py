"""The command line as a user meets it: its output and its exit code, in a process of its own or, faster, in this one."""

import io
import os
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from unittest import mock

import pytest

EFNAS = [sys.executable, "-c", "from efnas.cli.app import main; main()"]
# The same, with `small_supernet` among the networks that there are.
EFNAS_WITH_SMALL = [sys.executable, "-c", f"""
import sys
sys.path.insert(0, {os.path.dirname(__file__)!r})
from efnas.core import supernet
from small_supernet import SMALL
supernet.SUPERNETS[SMALL.name] = SMALL
from efnas.cli.app import main
main()
"""]  # fmt: skip


def efnas(*words, code=0, cwd=None, command=EFNAS):
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run(
        [*command, *map(str, words)], capture_output=True, text=True, timeout=900, cwd=cwd, env=environment
    )
    assert done.returncode in (code if isinstance(code, tuple) else (code,)), done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def answer(words) -> tuple:
    """Run the command in this process: exit code, standard output, standard error."""
    from efnas.cli.app import main
    from efnas.cli.entry import STOPPED

    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
    argv = mock.patch.object(sys, "argv", ["efnas", *map(str, words)])
    handlers = {number: signal.getsignal(number) for number in STOPPED}
    try:
        with argv, redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
            main()
    finally:  # a command that has ended hears no signal, but this process goes on
        for number, handler in handlers.items():
            signal.signal(number, handler)
    said = []
    for stream in (out, err):
        stream.flush()
        said.append(stream.buffer.getvalue().decode())
    return (ended.value.code or 0, *said)


def is_refused_in_a_sentence(code: int, out: str, err: str) -> bool:
    """Whether an answer is that of wrong input: exit code 2 and one line that says so."""
    return code == 2 and out == "" and err.startswith("Error: ") and len(err.strip().splitlines()) == 1
