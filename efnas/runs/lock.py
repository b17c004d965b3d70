"""One process a run: a lock beside the run folder, held by the operating system for as long as the process lives."""

import fcntl
import json
import os
import socket
import time
from pathlib import Path

from efnas.errors import EfnasError
from efnas.strict_json import read_json

TRIES = 4  # who only asks whether a run is locked holds the lock for an instant


def lock_path(folder: Path) -> Path:
    return folder.parent / f".{folder.name}.lock"


def is_locked(folder: Path) -> bool:
    """Whether a process trains in a folder."""
    try:
        with open(lock_path(folder)) as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
    except FileNotFoundError:
        return False
    except OSError:
        return True


class RunLock:
    """Use it in a `with`. Raises EfnasError, naming the holder, while another process holds the lock of the folder.

    The file stays when the process ends; the lock does not, however the process ended.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.path = lock_path(folder)

    def __enter__(self) -> "RunLock":
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise EfnasError(f"Cannot write the lock {self.path}: {error.strerror}.") from error
        for left in reversed(range(TRIES)):
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if left == 0:
                    os.close(self._descriptor)
                    raise EfnasError(f"{self.folder} is being trained by {self._holder()}.") from error
                time.sleep(0.05)
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, json.dumps({"host": socket.gethostname(), "pid": os.getpid()}).encode())
        return self

    def __exit__(self, *_) -> None:
        os.close(self._descriptor)

    def _holder(self) -> str:
        try:
            holder = read_json(self.path.read_text())
            return f"process {holder['pid']} on {holder['host']}"
        except (OSError, ValueError, KeyError, TypeError):
            return "another process"
