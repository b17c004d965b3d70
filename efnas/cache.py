"""What was computed once is kept by its content: exported files by their recipe, compiler output by file and settings.

An entry is compressed with a checksum; what cannot be read counts as missing, and what cannot be written is not kept:
nothing depends on the cache but the time a command takes.
"""

import gzip
import hashlib
import json
import os
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Optional


def cache_folder() -> Optional[Path]:
    """$EFNAS_CACHE, else `efnas` in the user's cache folder; None for a user who has no home."""
    own, users = os.environ.get("EFNAS_CACHE"), os.environ.get("XDG_CACHE_HOME")
    if own:
        return Path(own)
    try:
        return Path(users or Path.home() / ".cache") / "efnas"
    except (RuntimeError, KeyError):  # of a container's user, whom no list of users knows
        return None


def key_of(**parts) -> str:
    """The key of plain values: their names and values decide it, their order does not."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class Cache:
    """Bytes by key. Without a folder nothing is kept."""

    def __init__(self, folder: Optional[Path]):
        self.folder = folder

    def get(self, kind: str, key: str) -> Optional[bytes]:
        try:
            return gzip.decompress(self._path(kind, key).read_bytes()) if self.folder else None
        except (OSError, EOFError, zlib.error):
            return None

    def put(self, kind: str, key: str, content: bytes) -> None:
        if not self.folder:
            return
        path = self._path(kind, key)
        partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                partial.write_bytes(gzip.compress(content, 1))
                os.replace(partial, path)
            except BaseException:  # of a full disk, or an interrupt: no part of an entry stays
                partial.unlink()
                raise

    def _path(self, kind: str, key: str) -> Path:
        return self.folder / kind / key[:2] / f"{key}.gz"
