"""Where passes are done: one after another in this process, shared out among ranks, or spread over a Dask cluster.

An engine is a function `(passes, wanted)` that gives the errors of each wanted pass, in any order. Workers load this
module with the first task they get: it leaves TensorFlow to that task, or a worker would be deaf while it is imported.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Callable, Iterator, List, NamedTuple, NoReturn, Optional, Tuple

import numpy as np

from efnas.cluster import Cluster, worker_memory_gb
from efnas.config import Config
from efnas.errors import EfnasError, brief
from efnas.ranks import ALONE, Ranks

if TYPE_CHECKING:
    from efnas.search.passes import Passes

KEPT = "what was computed is kept: the same efnas search goes on"


class Pass(NamedTuple):
    """Bundle number `bundle`, recalibrated with set number `recalibration` of training batches."""

    bundle: int
    recalibration: int = 0


Settled = Tuple[Pass, np.ndarray]
Engine = Callable[["Passes", List[Pass]], Iterator[Settled]]


class Computation(NamedTuple):
    """All that a pass needs but its number; it can be sent to another machine, which opens the same files.

    `of` is what the errors are of on the side that asked.
    """

    config: Config
    checkpoint: str
    pairs: Optional[int]
    opened: Tuple[str, ...]
    of: dict

    @classmethod
    def seen_from_anywhere(
        cls, config: Config, checkpoint: str, pairs: Optional[int], opened: Tuple[str, ...], of: dict
    ) -> "Computation":
        """With paths that do not depend on the current folder."""
        return cls(config.seen_from_anywhere(), os.path.abspath(checkpoint), pairs, opened, of)


def here(passes: "Passes", wanted: List[Pass]) -> Iterator[Settled]:
    """In this process."""
    return ((each, passes.errors(each)) for each in wanted)


def among(ranks: Ranks) -> Engine:
    """Shared out: all ranks call it with the same passes, and have the errors of all."""

    def engine(passes: "Passes", wanted: List[Pass]) -> Iterator[Settled]:
        for first in range(0, len(wanted), ranks.size):
            own = ranks.dealt(wanted[first : first + ranks.size])
            for settled in ranks.gathered(list(here(passes, own))):
                yield from settled

    return engine


@contextmanager
def pass_engine(
    dask: Optional[str], note: Callable[[str], None] = lambda line: None, ranks: Ranks = ALONE
) -> Iterator[Engine]:
    """An engine on the scheduler at the address `dask`, or without one among ranks. Raises EfnasError when nobody
    answers."""
    if dask is None:
        yield among(ranks)
        return
    with Cluster(dask, note) as cluster:

        def engine(passes: "Passes", wanted: List[Pass]) -> Iterator[Settled]:
            return cluster.spread(settle, passes.computation, wanted, KEPT, _refuse)

        yield engine


def _refuse(wanted: Pass) -> NoReturn:
    raise EfnasError(f"Every worker that computed bundle {wanted.bundle} died, perhaps for want of memory; {KEPT}.")


def settle(computation: Computation, wanted: Pass) -> Settled:
    """One pass, in a worker. Raises EfnasError where the checkpoint or the data are missing, or are others."""
    return wanted, _only_thread.submit(_kept.errors, computation, wanted, worker_memory_gb()).result()


class _Kept:
    """The passes of the computation that this process was last asked for, open until it is asked for another."""

    def __init__(self) -> None:
        self._computation: Optional[Computation] = None
        self._passes: Optional[Passes] = None
        self._open = ExitStack()

    def errors(self, computation: Computation, wanted: Pass, memory_gb: Optional[float]) -> np.ndarray:
        if self._computation != computation:
            self._computation = self._passes = None
            self._open.close()
            self._passes = self._open.enter_context(_opened(computation, memory_gb))
            self._computation = computation
        return self._passes.errors(wanted)


_kept = _Kept()
# A worker may have several threads. All passes of a process go through this one: they share a graph whose variables
# hold the statistics of one bundle at a time, TensorFlow's default graph is one of a thread, and TensorFlow brings
# threads of its own for the cores.
_only_thread = ThreadPoolExecutor(1)


@contextmanager
def _opened(computation: Computation, memory_gb: Optional[float]) -> Iterator["Passes"]:
    from efnas.search.passes import open_passes

    config, checkpoint, pairs, opened, of = computation
    if not config.data.base_path.is_dir():  # a synthetic one would be written, by all workers at once
        raise EfnasError(f"There is no data set at {config.data.base_path}: workers need the folders of this side.")
    with open_passes(config, checkpoint, pairs, opened, memory_gb) as passes:
        for key, value in of.items():
            if passes.of.get(key) != value:
                raise EfnasError(
                    f"The checkpoint or the data are not those of the search: {key} is {brief(passes.of.get(key))} "
                    f"and not {brief(value)}."
                )
        yield passes
