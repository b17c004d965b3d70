"""Writing files so that they appear whole or not at all."""

import json
import os
from pathlib import Path
from typing import Union

from efnas.errors import EfnasError


def write_whole(path: Path, content: Union[bytes, str]) -> None:
    """Write a file beside its place, then rename it. Raises EfnasError; a file that stood there before stays."""
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(partial, path)
    except OSError as error:
        if partial.exists():
            partial.unlink()
        raise EfnasError(f"Cannot write {path}: {error.strerror}.") from error


def write_json(path: Path, content: dict) -> None:
    write_whole(path, json.dumps(content, indent=1) + "\n")


def require_folder_of(path: Path) -> None:
    """Raises EfnasError when the folder that a file is to be written to does not exist."""
    if not path.parent.is_dir():
        raise EfnasError(f"There is no folder {path.parent} to write {path.name} to.")
