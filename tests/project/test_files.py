"""Files that belong together: all of them or none, whatever the disk refuses and whoever else writes there."""

import os
from pathlib import Path
from threading import Thread

import pytest

from efnas.cache import Cache
from efnas.errors import EfnasError
from efnas.files import write_together, write_whole


def contents(folder) -> dict:
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.mark.parametrize("place, name", [(Path, "write_bytes"), (os, "replace")], ids=lambda value: str(value)[:12])
@pytest.mark.parametrize("refused", [1, 2])
def test_what_the_disk_refuses_leaves_what_stood_there(tmp_path, monkeypatch, place, name, refused):
    files = [tmp_path / "model", tmp_path / "model.json"]
    write_together(dict.fromkeys(files, "old"))
    honest, calls = getattr(place, name), []

    def refuse(*words):
        calls.append(words)
        if len(calls) == refused:
            raise OSError(28, "No space left on device")
        return honest(*words)

    monkeypatch.setattr(place, name, refuse)
    with pytest.raises(EfnasError, match="Cannot write .*/model.*: No space left on device."):
        write_together(dict.fromkeys(files, "new"))
    if (name, refused) != ("replace", 2):  # a disk that is full refuses no name
        assert contents(tmp_path) == {"model": "old", "model.json": "old"}
    assert not list(tmp_path.glob("*.partial"))


def test_an_interrupt_leaves_no_part(tmp_path, monkeypatch):
    def interrupted(*words):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "file", "content")
    with pytest.raises(KeyboardInterrupt):
        Cache(tmp_path).put("kind", "key", b"content")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_of_two_who_write_at_once_all_files_are_of_one(tmp_path, monkeypatch):
    files, honest = [tmp_path / "model", tmp_path / "model.json"], os.replace
    other = Thread(target=write_together, args=(dict.fromkeys(files, "other"),))

    def replace(*words):
        if not other.ident:
            other.start()
            other.join(0.2)  # who did not wait would be done by now
        honest(*words)

    monkeypatch.setattr(os, "replace", replace)
    write_together(dict.fromkeys(files, "one"))
    other.join()
    assert len(set(contents(tmp_path).values())) == 1 and len(contents(tmp_path)) == 2


def test_a_full_disk_keeps_no_part_of_a_cache_entry(tmp_path, monkeypatch):
    honest = Path.write_bytes

    def fill(path, content):
        honest(path, content[:5])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fill)
    Cache(tmp_path).put("kind", "key", b"content")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
