"""The command line as a user meets it: a process of its own, its output and its exit code."""

import os
import subprocess
import sys

EFNAS = [sys.executable, "-c", "from efnas.cli.app import main; main()"]


def efnas(*words, code=0, cwd=None, command=EFNAS):
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run(
        [*command, *map(str, words)], capture_output=True, text=True, timeout=300, cwd=cwd, env=environment
    )
    assert done.returncode in (code if isinstance(code, tuple) else (code,)), done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done
