"""Several trainings as one piece of work: each is a run of its own, trained in a process of its own.

Whatever is killed goes on: a run that is finished is not touched, one that stopped is resumed. When the work is left,
by a signal or an error, the processes under way finish their step and save.
"""

import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Callable, List, NamedTuple, Optional

from efnas.config import Config, as_tree
from efnas.errors import EfnasError
from efnas.files import temporary_files
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


def train_all(configs: List[Config], jobs: int = 1, progress: Progress = lambda done, total: None) -> None:
    """Train what is not finished, `jobs` at a time; the cores are shared out among them where a configuration does not
    say how many threads it takes. `progress` is told how many are done, parts of one counted.

    Raises EfnasError, once all others are done, naming those that failed.
    """
    todo = [config for config in configs if not is_finished(config)]
    shares, failed = [0.0] * len(todo), {}

    def share(number: int) -> Callable[[float], None]:
        def told(done: float) -> None:
            shares[number] = done
            progress(len(configs) - len(todo) + sum(shares), len(configs))

        return told

    progress(len(configs) - len(todo), len(configs))
    with Processes() as processes, ThreadPoolExecutor(jobs) as pool:
        try:
            named = {
                pool.submit(processes.train, _with_threads(config, jobs), share(number)): config
                for number, config in enumerate(todo)
            }
            running = set(named)
            while running:
                ended, running = wait(running, return_when=FIRST_COMPLETED)
                for each in ended:
                    if each.result():
                        failed[named[each].runtime.experiment_name] = each.result()
        finally:
            processes.leave()
    for config in todo:
        if not is_finished(config):
            failed.setdefault(config.runtime.experiment_name, "it was stopped")
    if failed:
        said = "; ".join(f"{name}: {reason}" for name, reason in list(failed.items())[:3])
        raise EfnasError(f"{len(failed)} of {len(configs)} trainings failed; the others are kept. {said}")


def _with_threads(config: Config, jobs: int) -> Config:
    cores = len(os.sched_getaffinity(0))
    if config.runtime.threads or jobs == 1:
        return config
    runtime = config.runtime.model_copy(update={"threads": max(1, cores // jobs)})
    return config.model_copy(update={"runtime": runtime})


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
