"""Where the compiles of a sweep are done: on the cores of this machine or on a Dask cluster."""

from contextlib import contextmanager
from typing import Callable, Iterator, List, Optional

from efnas.cluster import Cluster
from efnas.core.space import ArchCode
from efnas.cost.compiles import Answer, Engine, Work, compile_subnet, here

KEPT = "what was compiled is kept"


@contextmanager
def compile_engine(dask: Optional[str], note: Callable[[str], None] = lambda line: None) -> Iterator[Engine]:
    """An engine on the scheduler at the address `dask`, or here without one. Raises EfnasError when nobody answers."""
    if dask is None:
        yield here
        return
    with Cluster(dask, note) as cluster:

        def engine(work: Work, archs: List[ArchCode]) -> Iterator[Answer]:
            return cluster.spread(compile_subnet, work, archs, KEPT, _no_cost)

        yield engine


def _no_cost(arch: ArchCode) -> Answer:
    return arch, "every worker that compiled it died"
