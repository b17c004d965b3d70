"""Reading files that are files, and writing them so that they appear whole or not at all."""

import errno
import json
import os
from pathlib import Path
from typing import Union

from efnas.errors import EfnasError

LONGEST_NAME = 255  # of Linux, in bytes


def too_long(path: Path) -> bool:
    """Whether one of its names is longer than a file's may be."""
    return any(len(os.fsencode(name)) > LONGEST_NAME for name in path.parts)


def read_bytes(path: Path) -> bytes:
    """The bytes of a file. Raises OSError; also for what is there and is no file, as a pipe, which nobody may ever
    write to, or a device, which may never end."""
    path = Path(path)
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is a folder" if path.is_dir() else "it is no file", str(path))
    return path.read_bytes()


def write_whole(path: Path, content: Union[bytes, str], durable: bool = False) -> None:
    """Write a file beside its place, then rename it. Raises EfnasError; a file that stood there before stays.

    With `durable` the content is on the disk before the name is.
    """
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_bytes(content.encode() if isinstance(content, str) else content)
        if durable:
            sync(partial)
        os.replace(partial, path)
    except OSError as error:
        if partial.exists():
            partial.unlink()
        raise EfnasError(f"Cannot write {path}: {error.strerror}.") from error


def write_json(path: Path, content: dict) -> None:
    write_whole(path, json.dumps(content, indent=1) + "\n")


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


def require_folder_of(path: Path) -> None:
    """Raises EfnasError when a file cannot be written there: its folder does not exist, or it is one itself."""
    if path.is_dir():
        raise EfnasError(f"{path} is a folder; name a file to write.")
    if not path.parent.is_dir():
        raise EfnasError(f"There is no folder {path.parent} to write {path.name} to.")
