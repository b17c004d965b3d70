"""Files made beside each other: a process each, forked when TensorFlow is imported and has computed nothing yet.

Importing it takes longer than converting a network: this way it is done once for all cores.
"""

import os
import signal
from collections import deque
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Callable, Deque, Iterator, Sequence

from efnas.errors import EfnasError


def forked(jobs: Sequence[Callable[[], bytes]]) -> Iterator[bytes]:
    """What the jobs give, in their order; so many run at once as there are cores. Raises what a job raises, and
    EfnasError for one that was killed."""
    context, waiting = get_context("fork"), deque(jobs)
    running: Deque = deque()
    try:
        while waiting or running:
            while waiting and len(running) < (os.cpu_count() or 1):
                answer, given = context.Pipe(duplex=False)
                process = context.Process(target=_run, args=(waiting.popleft(), given), daemon=True)
                process.start()
                given.close()  # so that its end is seen
                running.append((process, answer))
            process, answer = running[0]
            try:
                made, error = answer.recv()
            except EOFError:
                raise EfnasError("A process that exports a network was ended from outside.") from None
            process.join()
            running.popleft()
            if error:
                raise error
            yield made
    finally:
        for process, _ in running:
            process.terminate()


def _run(job: Callable[[], bytes], answer: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal, which the process that waits gets too
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        answer.send((job(), None))
    except Exception as error:
        answer.send((None, error))
