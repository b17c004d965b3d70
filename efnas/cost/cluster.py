"""Compiles on a Dask cluster: workers come, go and die; what they had not answered others do again."""

import warnings
from itertools import islice
from typing import Callable, Iterator, List

from efnas.core.space import ArchCode
from efnas.cost.compiles import Answer, Engine, Work, compile_subnet
from efnas.errors import EfnasError

CONNECT_SECONDS = 10
TASKS_A_THREAD = 3  # so that no worker waits for its next one
TASKS_AHEAD = 16  # for workers that come later


def on_cluster(address: str, note: Callable[[str], None] = lambda line: None) -> Engine:
    """An engine on the scheduler at `address`. Raises EfnasError when Dask is not installed or nobody answers there."""
    try:
        from distributed import Client
    except ImportError as error:
        raise EfnasError("--dask needs Dask: pip install 'efnas[cluster]'.") from error
    try:
        client = Client(address, timeout=CONNECT_SECONDS, name="efnas-sweep")
    except (OSError, ValueError, TypeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise EfnasError(f"No Dask scheduler answers at '{address}': {reason.rstrip('.')}.") from error

    def engine(work: Work, archs: List[ArchCode]) -> Iterator[Answer]:
        from distributed import CancelledError, as_completed
        from distributed.scheduler import KilledWorker

        threads = sum(client.nthreads().values())
        if not threads:
            note(f"The scheduler at {address} has no workers yet; waiting for them.")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the size of the parts
            # A task, and no scattered data: when the workers that hold it die it is made again.
            shared = client.submit(_unchanged, work)
        left = iter(archs)
        code_of = {}

        def submit(count: int) -> list:
            added = {client.submit(compile_subnet, shared, arch, pure=False): arch for arch in islice(left, count)}
            code_of.update(added)
            return list(added)

        running = as_completed(submit(max(TASKS_AHEAD, TASKS_A_THREAD * threads)))
        for future in running:
            arch = code_of.pop(future)
            try:
                answer = future.result()
            except KilledWorker:
                answer = arch, "every worker that compiled it died"
            except CancelledError as error:
                raise EfnasError(f"The Dask scheduler at {address} is gone; what was compiled is kept.") from error
            running.update(submit(1))
            yield answer

    return engine


def _unchanged(work: Work) -> Work:
    return work
