"""Work spread over a Dask cluster: workers come, go and die; what they had not answered others do again."""

import asyncio
import socket
import warnings
from contextlib import suppress
from itertools import islice
from typing import Any, Callable, Iterable, Iterator, Optional, TypeVar

from efnas.errors import EfnasError, reason_of

CONNECT_SECONDS = 10
CLOSE_SECONDS = 5
TASKS_A_THREAD = 3  # so that no worker waits for its next one
TASKS_AHEAD = 16  # for workers that come later

Shared, Item, Answer = TypeVar("Shared"), TypeVar("Item"), TypeVar("Answer")


class Cluster:
    """The workers of the scheduler at `address`. Use it in a `with`: at its end what they still do is given up.

    Raises EfnasError when Dask is not installed or nobody answers there.
    """

    def __init__(self, address: str, note: Callable[[str], None] = lambda line: None):
        self.address, self._note = address, note
        try:
            from distributed import Client
        except ImportError as error:
            raise EfnasError("--dask needs Dask: pip install 'efnas[cluster]'.") from error
        try:
            self._client = Client(address, timeout=CONNECT_SECONDS, name="efnas")
        except (OSError, ValueError, TypeError) as error:
            reason = reason_of(error)
            raise EfnasError(f"No Dask scheduler answers at '{address}': {reason.rstrip('.')}.") from error

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, *_) -> None:
        with suppress(OSError, asyncio.TimeoutError):  # of a scheduler that is gone
            self._client.close(timeout=CLOSE_SECONDS)

    def spread(
        self, function: Callable[[Shared, Item], Answer], shared: Shared, items: Iterable[Item], kept: str,
        died: Callable[[Item], Answer],
    ) -> Iterator[Answer]:  # fmt: skip
        """`function(shared, item)` of each item, in whichever order answers come.

        What kills every worker that tries it has the answer `died(item)`, which may raise. Raises EfnasError for what
        a worker raises as such, naming the worker, and when the scheduler goes, saying what was `kept`.
        """
        from distributed import CancelledError, as_completed
        from distributed.scheduler import KilledWorker

        threads = sum(self._client.nthreads().values())
        if not threads:
            self._note(f"The scheduler at {self.address} has no workers yet; waiting for them.")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the size of what is shared
            # A task, and no scattered data: when the workers that hold it die it is made again.
            held = self._client.submit(_unchanged, shared)
        left = iter(items)
        item_of = {}

        def submit(count: int) -> list:
            added = {
                self._client.submit(_on_worker, function, held, item, pure=False): item for item in islice(left, count)
            }
            item_of.update(added)
            return list(added)

        running = as_completed(submit(max(TASKS_AHEAD, TASKS_A_THREAD * threads)))
        for future in running:
            item = item_of.pop(future)
            try:
                answer = future.result()
            except KilledWorker:
                answer = died(item)
            except CancelledError as error:
                raise EfnasError(f"The Dask scheduler at {self.address} is gone; {kept}.") from error
            except ImportError as error:
                raise EfnasError(f"A worker of {self.address} needs the efnas of this side: {error}.") from error
            running.update(submit(1))
            yield answer


def worker_memory_gb() -> Optional[float]:
    """What Dask lets the worker take in which this is called; None for no limit, and where there is no worker."""
    from distributed import get_worker

    try:
        limit = get_worker().memory_limit
    except ValueError:
        return None
    return limit / 1e9 if limit else None


def _unchanged(shared: Shared) -> Shared:
    return shared


def _on_worker(function: Callable[[Shared, Item], Answer], shared: Shared, item: Item) -> Any:
    try:
        return function(shared, item)
    except EfnasError as error:
        error.args = (f"On {socket.gethostname()}: {error}",)
        raise
