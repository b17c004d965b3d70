"""Running the compiler's program: a process for every run, or one process that has the compiler loaded already."""

import json
import select
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Callable, List, Optional

from efnas.errors import EfnasError
from efnas.files import temporary_files

TIME_LIMIT_SECONDS = 600
NOTICE_SECONDS = 10
SERVICE = Path(__file__).with_name("service.py")


def run(words: List[str], seconds: Optional[float] = None) -> str:
    """What the program printed. Raises EfnasError when it fails or takes too long; its output is then kept."""
    seconds = seconds or TIME_LIMIT_SECONDS
    # Not through a pipe: what a wrapper started holds its end, and would be waited for when the wrapper was stopped.
    with temporary_files(), tempfile.TemporaryFile() as log:
        try:
            process = subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT)
        except OSError as error:
            raise EfnasError(f"Cannot run {words[0]}: {error.strerror}.") from error
        code = _ended(process, words, seconds)
        log.seek(0)
        printed = log.read().decode(errors="replace")
    if code is None:
        raise _too_long(words, printed, seconds)
    return _printed(words, code, printed)


def _ended(process: subprocess.Popen, words: List[str], seconds: float) -> Optional[int]:
    """The exit code of a process; None when it took too long. It is not left running."""
    try:
        with suppress(subprocess.TimeoutExpired):
            return process.wait(min(NOTICE_SECONDS, seconds))
        _tell_of_waiting(words)
        with suppress(subprocess.TimeoutExpired):
            return process.wait(max(0.0, seconds - NOTICE_SECONDS))
        return None
    finally:
        process.kill()
        process.wait()


_listeners: List[Callable[[str], None]] = []


def on_waiting(tell: Callable[[str], None]) -> None:
    """Have it told, once, which program has not ended within ten seconds."""
    _listeners[:] = [tell]


def _tell_of_waiting(words: List[str]) -> None:
    with suppress(IndexError):
        question = " --version" if words[1:] == ["--version"] else ""
        _listeners.pop()(f"Waiting for {words[0]}{question} since {NOTICE_SECONDS:.0f} s; Ctrl-C ends it.")


class Service:
    """One process in the compiler's environment, which forks for every compile: nothing of one reaches the next.

    It saves loading the compiler, a third of a compile with Vela 5. A program that is no Python script of that
    environment, as a wrapper, is run the plain way. One that may `remember` is for many networks of one space (see
    `vela.service`): it compiles them twice as fast.
    """

    def __init__(self, program: Path, remember: bool = False):
        self.program, self._words = program, ["remember"] if remember else []
        self._process, self._ready = self._start(), False

    def run(self, words: List[str], seconds: Optional[float] = None) -> str:
        """As `run` does, with the arguments of the program, which come first, in its environment."""
        seconds = seconds or TIME_LIMIT_SECONDS
        if not self.loaded:
            return run(words, seconds)
        with temporary_files(), tempfile.NamedTemporaryFile(prefix="efnas-vela-") as log:
            job = {"words": words[1:], "log": log.name, "seconds": seconds}
            try:
                self._process.stdin.write(json.dumps(job) + "\n")
                self._process.stdin.flush()
                if not select.select([self._process.stdout], [], [], NOTICE_SECONDS)[0]:
                    _tell_of_waiting(words)
                code = int(self._process.stdout.readline())
            except (OSError, ValueError):  # killed from outside
                self._process, self._ready = self._start(), False
                return run(words, seconds)
            printed = log.read().decode(errors="replace")
        if code == -signal.SIGALRM:
            raise _too_long(words, printed, seconds)
        return _printed(words, code, printed)

    @property
    def loaded(self) -> bool:
        """Whether there is such a process; waits until it has loaded the compiler."""
        if self._process and not self._ready:
            self._ready = self._process.stdout.readline().strip() == "ready"
            if not self._ready:
                self._process.kill()
                self._process.communicate()
                self._process = None
        return self._process is not None

    def _start(self) -> Optional[subprocess.Popen]:
        try:
            first = self.program.open(errors="replace").readline().strip()
            interpreter = first[2:] if first.startswith("#!") and "python" in first else None
            if interpreter is None:
                return None
            pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
            words = [interpreter, str(SERVICE), *self._words]
            return subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=nowhere, text=True)
        except OSError:
            return None


class Services:
    """Runs the program in as many of them as are asked at once: each thread has one to itself meanwhile."""

    def __init__(self, program: Path):
        self.program, self._idle = program, [Service(program)]

    def load(self, count: int) -> None:
        """Have so many at hand: they load the compiler while other things are done."""
        self._idle += [Service(self.program) for _ in range(count - len(self._idle))]

    def __call__(self, words: List[str], seconds: Optional[float] = None) -> str:
        try:
            service = self._idle.pop()
        except IndexError:
            service = Service(self.program)
        try:
            return service.run(words, seconds)
        finally:
            self._idle.append(service)


def _printed(words: List[str], code: int, output: str) -> str:
    if code:
        last = (output.strip().splitlines() or ["no output"])[-1]
        raise EfnasError(f"Vela failed with code {code} ({last[:120]}); {keep_output(words, output)}.")
    return output


def _too_long(words: List[str], output: str, seconds: float) -> EfnasError:
    return EfnasError(f"Vela took longer than {seconds:.0f} s and was stopped; {keep_output(words, output)}.")


def keep_output(words: List[str], output: str) -> str:
    """Keep a failed run's command and output, and say where; or why it could not be kept."""
    try:
        with tempfile.NamedTemporaryFile("w", prefix="efnas-vela-", suffix=".log", delete=False) as log:
            log.write(" ".join(words) + "\n" + output)
    except OSError as error:
        return f"its output could not be kept: {error.strerror}"
    return f"its output is in {log.name}"
