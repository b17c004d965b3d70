"""A terminal for commands to run on: what they wrote to it, and what stands on its screen."""

import os
import sys
from typing import List

import pexpect
import pyte

ROWS = 70


class Terminal:
    """Runs `efnas` with these words on a terminal of so many columns."""

    def __init__(self, *words, columns: int = 80, cwd=None, **variables: str):
        environment = {**os.environ, "TERM": "xterm-256color", **variables}
        environment.pop("TF_CPP_MIN_LOG_LEVEL", None)
        for name in ("COLUMNS", "LINES"):
            environment.pop(name, None)
        command = ["-m", "efnas.cli.app", *map(str, words)]
        self._process = pexpect.spawn(
            sys.executable, command, dimensions=(ROWS, columns), env=environment, encoding="utf-8", cwd=cwd
        )
        self.screen = pyte.Screen(columns, ROWS)
        self._stream = pyte.Stream(self.screen)
        self.written = ""

    @property
    def lines(self) -> List[str]:
        """The screen from the top to its last line that is not blank."""
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip().split("\n")

    def wait_for(self, text: str, seconds: float = 300) -> "Terminal":
        """Read until this stands on the screen."""
        while not any(text in line for line in self.lines):
            self._read(seconds)
        return self

    def finish(self, seconds: float = 300) -> "Terminal":
        """Read until the command ends; it must end well."""
        try:
            while True:
                self._read(seconds)
        except pexpect.EOF:
            self._process.close()
        assert self._process.exitstatus == 0, self.written
        return self

    def stop(self) -> None:
        self._process.close(force=True)

    def _read(self, seconds: float) -> None:
        read = self._process.read_nonblocking(4096, seconds)
        self.written += read
        self._stream.feed(read)
