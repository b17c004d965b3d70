"""A home that cannot be written to, and none at all: nothing is cached, and nothing is said of it."""

from pathlib import Path

import pytest
from command import efnas
from vela_stand_in import runs_of, stand_in_program

from efnas.cache import cache_folder


@pytest.fixture
def no_cache_named(monkeypatch):
    for name in ("EFNAS_CACHE", "XDG_CACHE_HOME", "MPLCONFIGDIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)


def test_commands_work_without_a_word(no_cache_named, tmp_path, monkeypatch):
    (tmp_path / "home").write_text("a file")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    program = stand_in_program(tmp_path)
    words = ["vela-compare", "--arch", "000001000", "--height", 32, "--width", 48, "--base-width", 4, "--vela", program]
    for _ in range(2):
        assert efnas(*words, "--plot", tmp_path / "plot.png", cwd=tmp_path).stderr == ""
    assert len(runs_of(program)) == 2 * 2 and (tmp_path / "plot.png").exists()


def test_who_has_no_home_has_no_cache(no_cache_named, monkeypatch, tmp_path):
    def unknown():
        raise RuntimeError("Can't determine home directory")

    monkeypatch.setattr(Path, "home", unknown)
    assert cache_folder() is None
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "efnas"
