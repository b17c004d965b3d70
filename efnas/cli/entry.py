"""Where the program begins: a signal that comes while Python still imports ends it at once, in a line."""

import os
import signal

STOPPED = {signal.SIGINT: ("interrupted", 130), signal.SIGTERM: ("terminated", 143)}


def _end_at_once(number, frame) -> None:
    word, code = STOPPED[number]
    os.write(2, f"Stopped: {word}.\n".encode())
    os._exit(code)


def main() -> None:
    for number in STOPPED:
        signal.signal(number, _end_at_once)
    from efnas.cli.app import main as run

    run()
