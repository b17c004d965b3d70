"""Stopping a run from outside: SIGTERM, SIGINT, SIGHUP (the terminal is gone) and SIGUSR1 (sent by SLURM before its
time limit) are requests.

The run finishes its step and saves. A second SIGINT ends the process at once; the last checkpoint stays.
"""

import os
import signal
import sys
import threading
from typing import Callable, Optional

from efnas.errors import EfnasError

# What a process that was stopped answers: 128 + the signal's number, and 0 where the scheduler only gave notice.
EXIT_CODES = {signal.SIGTERM: 143, signal.SIGINT: 130, signal.SIGHUP: 129, signal.SIGUSR1: 0}
SHOW_CURSOR = "\x1b[?25h"


class RunStopped(EfnasError):
    """A run was stopped by a signal, after it saved where it stands."""

    label = "Stopped"
    of_all_ranks = True

    def __init__(self, message: str, number: signal.Signals):
        super().__init__(message)
        self.exit_code = EXIT_CODES[number]


class StopRequest:
    """Use it in a `with`; `number` is the first signal that arrived, and `heard` is called with it at once. With `last`
    none is heard after it: of several ranks a launcher ends all when one has ended, and they still say how they did.

    Python runs signal handlers between two of its own instructions, not while TensorFlow computes: so the interpreter
    writes every signal into a pipe, and a thread listens there.
    """

    def __init__(self, heard: Callable[[signal.Signals], None] = lambda number: None, last: bool = False):
        self.number: Optional[signal.Signals] = None
        self._heard, self._last = heard, last

    def wanted(self) -> Optional[signal.Signals]:
        return self.number

    def __enter__(self) -> "StopRequest":
        # Signals reach Python in its main thread alone.
        self._active = threading.current_thread() is threading.main_thread()
        if self._active:
            self._reading, self._writing = os.pipe()
            os.set_blocking(self._writing, False)
            self._old_pipe = signal.set_wakeup_fd(self._writing)
            heeded = set(EXIT_CODES)
            if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:  # as nohup has it
                heeded.remove(signal.SIGHUP)
            self._old = {number: signal.signal(number, lambda *_: None) for number in heeded}
            self._thread = threading.Thread(target=self._listen, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        if self._active:
            signal.set_wakeup_fd(self._old_pipe)
            for number, handler in self._old.items():
                signal.signal(number, signal.SIG_IGN if self._last else handler)
            os.close(self._writing)
            self._thread.join()
            os.close(self._reading)

    def _listen(self) -> None:
        interrupts = 0
        while True:
            byte = os.read(self._reading, 1)
            if not byte:
                return
            if byte[0] not in EXIT_CODES:
                continue
            number = signal.Signals(byte[0])
            interrupts += number == signal.SIGINT
            if interrupts > 1:
                if sys.stderr.isatty():
                    os.write(sys.stderr.fileno(), SHOW_CURSOR.encode())
                os._exit(EXIT_CODES[signal.SIGINT])
            if self.number is None:
                self.number = number
                self._heard(number)
