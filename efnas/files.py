"""Writing files so that they appear whole or not at all."""

import json
import os
from pathlib import Path
from typing import Union

from efnas.errors import EfnasError


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
