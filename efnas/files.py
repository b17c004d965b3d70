"""Reading files that are files, and writing them so that they appear whole or not at all."""

import errno
import fcntl
import json
import os
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Iterator, Mapping, Union

from efnas.errors import EfnasError, NoRoom

Content = Union[bytes, str]

LONGEST_NAME = 255  # of Linux, in bytes


def too_long(path: Path) -> bool:
    """Whether one of its names is longer than a file's may be."""
    return any(len(os.fsencode(name)) > LONGEST_NAME for name in path.parts)


def read_file(path: Path) -> bytes:
    """The content of a file. Raises OSError as `open` does, and for what is no file and may never end, as a pipe or a
    device."""
    path = Path(path)
    if os.path.exists(path) and not os.path.isfile(path):
        raise OSError(errno.EINVAL, "it is a folder" if path.is_dir() else "it is no file", str(path))
    return path.read_bytes()


def write_whole(path: Path, content: Content, durable: bool = False) -> None:
    """Write a file beside its place, then rename it. Raises EfnasError; a file that stood there before stays.

    With `durable` the content is on the disk before the name is.
    """
    write_together({Path(path): content}, durable)


def write_together(files: Mapping[Path, Content], durable: bool = False) -> None:
    """Write files of one folder that belong together: none is in its place before all of them are on the disk.

    Who else writes there waits, so that no file of theirs gets among these. Raises EfnasError; files that stood there
    before then stay.
    """
    partials = {path: path.with_name(path.name + ".partial") for path in files}
    with _alone_in(next(iter(files)).parent):
        try:
            for path, content in files.items():
                partials[path].write_bytes(content.encode() if isinstance(content, str) else content)
                if durable:
                    sync(partials[path])
            for path, partial in partials.items():
                os.replace(partial, path)
        except OSError as error:
            raise EfnasError(f"Cannot write {path}: {error.strerror}.") from error
        finally:
            for partial in partials.values():
                with suppress(OSError):  # those that were renamed are not there
                    partial.unlink()


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """One writer at a time, as far as the file system has locks on folders; a lock ends with its process."""
    descriptor = None
    try:
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def as_json(content: dict) -> str:
    return json.dumps(content, indent=1) + "\n"


def write_json(path: Path, content: dict) -> None:
    write_whole(path, as_json(content))


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make a folder, with those above it. Raises EfnasError when the disk refuses."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EfnasError(f"Cannot make the folder {folder}: {error.strerror}.") from error


@contextmanager
def temporary_files() -> Iterator[None]:
    """What writes such files. Raises NoRoom when the disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise NoRoom(
            f"Cannot write temporary files to {tempfile.gettempdir()}: {error.strerror}; $TMPDIR names another folder."
        ) from error


def existing_folder(path: Path) -> Path:
    """The absolute path itself, or the nearest folder above it that exists: where it would be made.

    Raises EfnasError where a file or a link that leads nowhere stands in the way.
    """
    place = path.absolute()
    while not place.exists():
        if place.is_symlink():
            raise EfnasError(f"{place} is a link that leads nowhere.")
        place = place.parent
    if not place.is_dir():
        raise EfnasError(f"{place} is a file, not a folder.")
    return place


def require_new_folder(folder: Path) -> None:
    """Raises EfnasError when something is there already, or stands in the way; a folder may be, that is empty."""
    if existing_folder(folder) == folder.absolute() and any(folder.iterdir()):
        raise EfnasError(f"{folder} exists already; give another folder, or remove it.")


def require_folder_of(path: Path) -> None:
    """Raises EfnasError when a file cannot be written there: its folder does not exist, or it is one itself."""
    if path.is_dir():
        raise EfnasError(f"{path} is a folder; name a file to write.")
    if not path.parent.is_dir():
        raise EfnasError(f"There is no folder {path.parent} to write {path.name} to.")
