"""Several trainings as one piece of work: each is a run of its own, trained in a process of its own.

Whatever is killed goes on: a run that is finished is not touched, one that stopped is resumed. When the work is left,
by a signal or an error, the processes under way finish their step and save.
"""

import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

from efnas.cluster import Cluster
from efnas.config import Config, as_tree
from efnas.errors import EfnasError
from efnas.files import temporary_files
from efnas.runs.manifest import geometry_of, read_manifest
from efnas.runs.progress import RunProgress
from efnas.runs.run_files import LAST
from efnas.runs.seal import read_seal

PROCESS = "efnas.search.training_process"
Progress = Callable[[float, int], None]


def is_finished(config: Config) -> bool:
    """Whether the run of a configuration went to its end."""
    try:
        return RunProgress.of_state(read_seal(config.runtime.run_folder / LAST).state).finished(config)
    except EfnasError:
        return False


def _require_same_geometry(config: Config) -> None:
    """Raises EfnasError for a run that stands and was trained on other frames: it would be taken for this one."""
    folder = config.runtime.run_folder
    try:
        geometry = geometry_of(read_manifest(folder)["identity"])
    except EfnasError:  # none yet, or a damaged one, which the training itself tells of
        return
    if geometry != config.data.geometry:
        raise EfnasError(f"{folder} was trained with data.geometry: {geometry}; take another --out.")


class Part(NamedTuple):
    """The `number`th of `count` shares of some work, from 1, as the tasks of an array have them."""

    number: int
    count: int

    @classmethod
    def of_text(cls, text: str) -> "Part":
        """Of `2/8`. Raises EfnasError for other text."""
        number, slash, count = text.partition("/")
        if slash and number.isascii() and number.isdigit() and count.isascii() and count.isdigit():
            part = cls(int(number[:9]), int(count[:9]))
            if 1 <= part.number <= part.count:
                return part
        raise EfnasError(f"--part must be as in 2/8, the second of eight; it is '{text}'.")

    def of(self, work: list) -> list:
        return work[self.number - 1 :: self.count]


def train_all(
    configs: List[Config],
    jobs: int = 1,
    dask: Optional[str] = None,
    progress: Progress = lambda done, total: None,
    note: Callable[[str], None] = lambda line: None,
) -> None:
    """Train what is not finished: `jobs` at a time, which share the cores where a configuration does not say how many
    threads it takes, or on the workers of the Dask scheduler at `dask`, one a thread of theirs.

    `progress` is told how many are done, here with the parts of those under way. Raises EfnasError, once all others are
    done, naming those that failed.
    """
    for config in configs:
        _require_same_geometry(config)
    todo = [config for config in configs if not is_finished(config)]
    done = len(configs) - len(todo)
    progress(done, len(configs))
    if dask:
        failed = _on_cluster(todo, dask, note, lambda more: progress(done + more, len(configs)))
    else:
        failed = _here(todo, jobs, lambda more: progress(done + more, len(configs)))
    for config in todo:
        if not is_finished(config):
            failed.setdefault(_name(config), "it was stopped")
    if failed:
        said = "; ".join(f"{name}: {reason}" for name, reason in list(failed.items())[:3])
        raise EfnasError(f"{len(failed)} of {len(configs)} trainings failed; the others are kept. {said}")


def _name(config: Config) -> str:
    """With the folder of the run: the trainings of two budgets have the same name there."""
    return f"{config.runtime.output_root.name}/{config.runtime.experiment_name}"


def _here(todo: List[Config], jobs: int, tell: Callable[[float], None]) -> Dict[str, str]:
    """What went wrong, by the name of the run."""
    shares = [0.0] * len(todo)

    def share(number: int) -> Callable[[float], None]:
        def told(done: float) -> None:
            shares[number] = done
            tell(sum(shares))

        return told

    failed = {}
    with Processes() as processes, ThreadPoolExecutor(jobs) as pool:
        try:
            running = {
                pool.submit(processes.train, _with_threads(config, jobs), share(number)): config
                for number, config in enumerate(todo)
            }
            for each in as_completed(running):
                if each.result():
                    failed[_name(running[each])] = each.result()
        finally:
            processes.leave()
    return failed


def _on_cluster(
    todo: List[Config], dask: str, note: Callable[[str], None], tell: Callable[[float], None]
) -> Dict[str, str]:
    died = "every worker that trained it died"
    with Cluster(dask, note) as cluster:
        answers = cluster.spread(
            _train_on_worker,
            None,
            map(Config.seen_from_anywhere, todo),
            "what was trained is kept",
            lambda one: (one, died),
        )
        failed = {}
        for number, (config, reason) in enumerate(answers, start=1):
            if reason:
                failed[_name(config)] = reason
            tell(number)
    return failed


def _train_on_worker(shared: None, config: Config) -> Tuple[Config, Optional[str]]:
    """In a process of its own there too: it saves and ends when the worker dies."""
    with Processes() as processes:
        return config, processes.train(config)


def _with_threads(config: Config, jobs: int) -> Config:
    cores = len(os.sched_getaffinity(0))
    if config.runtime.threads or jobs == 1:
        return config
    return config.changed("runtime", threads=max(1, cores // jobs))


class Processes:
    """The processes of trainings that are under way. Use it in a `with`; after `leave` none is started any more."""

    def __init__(self) -> None:
        self._running: List[subprocess.Popen] = []
        self._left = False

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *_) -> None:
        self.leave()

    def leave(self) -> None:
        """Ask all to save and end: they end themselves where their standard input does."""
        self._left = True
        for process in list(self._running):
            with suppress(OSError):  # it has just ended
                process.stdin.close()

    def train(self, config: Config, tell: Callable[[float], None] = lambda done: None) -> Optional[str]:
        """Train to the end or until all are left; what went wrong, if something did. `tell` is told the part done."""
        with temporary_files(), tempfile.TemporaryFile() as chatter:
            if self._left:
                return None
            # A session of its own: Ctrl-C reaches the process that was asked, which then leaves this one.
            process = subprocess.Popen([sys.executable, "-m", PROCESS], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=chatter, text=True, start_new_session=True)  # fmt: skip
            self._running.append(process)
            said = _follow(process, config, tell)
            code = process.wait()
            self._running.remove(process)
            if "error" in said:
                return said["error"]
            if code and not self._left:
                chatter.seek(0)
                last = (chatter.read().decode(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
                return f"its process ended with code {code} ({last[:200]})"
        return None


def _follow(process: subprocess.Popen, config: Config, tell: Callable[[float], None]) -> dict:
    """Hand a process its configuration and listen until it ends; the last that it said."""
    said: dict = {}
    try:
        process.stdin.write(json.dumps(as_tree(config)) + "\n")
        process.stdin.flush()
    except (OSError, ValueError):  # it died at once, or was left before it began
        return said
    for line in process.stdout:
        said = json.loads(line)
        if "done" in said:
            tell(said["done"] / said["of"])
    return said
