"""Many subnets compiled: composed from parts, cached one by one, on the cores of this machine or on an engine's.

An engine is a function `(work, archs)` that gives (arch, cost or message) in any order; see `here` and `cluster.py`.
"""

import hashlib
import json
import os
import threading
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, as_completed, wait
from functools import lru_cache, partial
from pathlib import Path
from typing import Callable, Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple, Union

from efnas.cache import Cache, key_of
from efnas.core.space import ArchCode, SearchSpace
from efnas.cost import model
from efnas.cost.model import BoardCost, cost_of
from efnas.errors import EfnasError, NoRoom
from efnas.export import compose, file_graph
from efnas.export.code_version import code_version
from efnas.export.compose import Composer
from efnas.export.network_files import NetworkFiles
from efnas.vela import output
from efnas.vela.board import Profile
from efnas.vela.compiler import Settings, Vela, find_vela
from efnas.vela.process import Service

Answer = Tuple[ArchCode, Union[BoardCost, str]]


class Work(NamedTuple):
    """All that a compile needs but the code; it can be sent to another machine, which finds its own compiler.

    `parts` are the files of a fair cycle, `program` what was given as --vela.
    """

    space: SearchSpace
    parts: Tuple[bytes, ...]
    program: Optional[str]
    version: str
    profile: Profile
    settings: Settings

    def key(self, arch: ArchCode) -> str:
        """The cache key of a subnet's cost: the content it is composed of, and everything that changes its compile."""
        return key_of(work=_work_key(self), arch=str(arch))


@lru_cache(maxsize=8)
def _work_key(work: Work) -> str:
    code = code_version(Path(module.__file__) for module in (compose, file_graph, model, output))
    digests = [code, *(hashlib.sha256(part).hexdigest() for part in work.parts)]
    profile = work.profile._replace(name="", arena_limit_kib=None)
    return key_of(digests=digests, version=work.version, words=work.settings.words(), profile=profile)


def compile_subnet(work: Work, arch: ArchCode) -> Answer:
    """Compile one subnet; when the compiler fails on it the answer is what it said.

    Raises EfnasError when there is no such compiler here.
    """
    vela = _compiler(work.program, work.version, work.profile)
    try:
        return arch, cost_of(vela.compile(_composer(work.space, work.parts).compose(arch), work.settings))
    except NoRoom:
        raise
    except EfnasError as error:
        return arch, str(error)


@lru_cache(maxsize=2)
def _composer(space: SearchSpace, parts: Tuple[bytes, ...]) -> Composer:
    return Composer(space, parts)


_loaded = threading.local()


def _compiler(program: Optional[str], version: str, profile: Profile) -> Vela:
    """This thread's compiler, loaded once."""
    wanted = (program, version, profile)
    if getattr(_loaded, "wanted", None) != wanted:
        path = find_vela(program)
        vela = Vela(path, profile, Cache(None), Service(path, remember=True).run)
        if vela.version != version:
            raise EfnasError(f"{path} is Vela {vela.version}; the sweep is one of Vela {version}.")
        _loaded.vela, _loaded.wanted = vela, wanted
    return _loaded.vela


def here(work: Work, archs: Iterable[ArchCode]) -> Iterator[Answer]:
    """On all cores of this machine."""
    return _in_threads(partial(compile_subnet, work, arch) for arch in archs)


def exported_one_by_one(files: NetworkFiles, form: str, vela: Vela) -> "Engine":
    """An engine for proofs: every subnet is converted as a file of its own, and compiled as `vela-compare` does."""

    def compile_file(work: Work, arch: ArchCode, model: bytes) -> Answer:
        try:
            return arch, cost_of(vela.compile(model, work.settings))
        except NoRoom:
            raise
        except EfnasError as error:
            return arch, str(error)

    def engine(work: Work, archs: List[ArchCode]) -> Iterator[Answer]:
        return _in_threads(partial(compile_file, work, arch, files.subnet(arch, form)) for arch in archs)

    return engine


def _in_threads(jobs: Iterable[Callable[[], Answer]]) -> Iterator[Answer]:
    """Answers as they come. Jobs are taken as cores get free: when the caller stops, little is left to wait for."""
    cores = os.cpu_count() or 1
    with ThreadPoolExecutor(cores) as pool:
        running = set()
        for job in jobs:
            running.add(pool.submit(job))
            if len(running) > cores:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (each.result() for each in done)
        yield from (each.result() for each in as_completed(running))


Engine = Callable[[Work, List[ArchCode]], Iterator[Answer]]


class Compiles:
    """Costs of subnets by code: from the cache, or compiled by an engine and cached at once.

    `failed` holds what the compiler said where it failed, `compiled` counts what did not come from the cache.
    """

    def __init__(self, work: Work, cache: Cache, engine: Engine = here):
        self.work, self._cache, self._engine = work, cache, engine
        self.costs: Dict[ArchCode, BoardCost] = {}
        self.failed: Dict[ArchCode, str] = {}
        self.compiled = 0

    def run(self, archs: Iterable[ArchCode], progress: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Add the costs of these subnets."""
        wanted = [arch for arch in archs if arch not in self.costs and arch not in self.failed]
        missing = [arch for arch in wanted if not self._known(arch)]
        progress(0, len(missing))
        for done, (arch, said) in enumerate(self._engine(self.work, missing) if missing else (), start=1):
            self.compiled += 1
            if isinstance(said, str):
                self.failed[arch] = said
            else:
                self.costs[arch] = said
                self._cache.put("cost", self.work.key(arch), json.dumps(said).encode())
            progress(done, len(missing))

    def _known(self, arch: ArchCode) -> bool:
        found = self._cache.get("cost", self.work.key(arch))
        if found:
            self.costs[arch] = BoardCost(*json.loads(found.decode()))
        return bool(found)
