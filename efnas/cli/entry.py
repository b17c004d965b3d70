"""Where the program begins: a signal that comes while Python still imports ends it at once, in a line."""

import os
import signal
from typing import List

# What is said of a signal, and the exit code. A training takes all of them as a request to save, once it has begun.
STOPPED = {
    signal.SIGINT: ("interrupted", 130),
    signal.SIGTERM: ("terminated", 143),
    signal.SIGHUP: ("the terminal is gone", 129),
    signal.SIGUSR1: ("SIGUSR1 came", 138),
}


def heeded() -> List[signal.Signals]:
    """Under nohup a lost terminal is not."""
    ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    return [number for number in STOPPED if number != signal.SIGHUP or not ignored]


def _end_at_once(number, frame) -> None:
    word, code = STOPPED[number]
    os.write(2, f"Stopped: {word}.\n".encode())
    os._exit(code)


def main() -> None:
    for number in heeded():
        signal.signal(number, _end_at_once)
    from efnas.cli.app import main as run

    run()
