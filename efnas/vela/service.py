"""Runs in the compiler's own environment: loads it once, then compiles in forked processes, each as fresh as a new one.

Says `ready`, then for every line on its standard input, a JSON object of `words`, `log` and `seconds`, the exit code of
that compile, or minus the signal that ended it. It imports nothing of efnas: it runs under another Python.
"""

import json
import os
import signal
import sys


def main():
    from ethosu.vela.vela import main as vela

    print("ready", flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        child = os.fork()
        if child == 0:
            _compile(vela, **job)
        print(_code(os.waitpid(child, 0)[1]), flush=True)


def _compile(vela, words, log, seconds):
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
        os._exit(code)


def _code(status):
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


if __name__ == "__main__":
    main()
