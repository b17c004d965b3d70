"""The key of cached files: all code that decides their bytes, and nothing else of it than what it does."""

import inspect
import sys
from pathlib import Path

import pytest
from conftest import PROJECT
from small_supernet import SMALL

from efnas.cache import Cache
from efnas.config_files import load_config
from efnas.core import supernet
from efnas.core.supernet import EDGEFLOW
from efnas.export.code_version import code_version, deciding_files, exporting_code_version
from efnas.export.network_files import NetworkFiles

CODE = '"""What it is for."""\n\n\ndef double(x):\n    """Twice."""\n    return 2 * x  # why\n'
# Run while a file is made, but only to look at it, to say what is wrong, or to find out what is to be made.
LOOKING_ON = {"cache", "machine", "export/code_version", "export/content", "export/network_files", "runs/supernet"}  # fmt: skip


@pytest.mark.parametrize("edited, same", [
    (CODE.replace("Twice.", "Two times, to be exact."), True), (CODE.replace("  # why", ""), True),
    (CODE.replace('"""What it is for."""\n\n\n', ""), True), (CODE.replace("2 * x", "(2 * x)"), True),
    (CODE.replace("2 * x", "3 * x"), False), (CODE.replace("(x)", "(x, y=0)"), False),
])  # fmt: skip
def test_what_code_does_counts_and_what_it_says_does_not(tmp_path, edited, same):
    one, other = tmp_path / "one.py", tmp_path / "below" / "moved.py"
    other.parent.mkdir()
    one.write_text(CODE)
    other.write_text(edited)
    assert (code_version([one]) == code_version([other])) == same


@pytest.mark.parametrize("made", [EDGEFLOW, SMALL], ids=lambda supernet: supernet.name)
def test_every_file_whose_code_makes_the_bytes_is_in_the_key(made, monkeypatch):
    """By what runs while a file is made from nothing."""
    import efnas.backend  # noqa: F401  its choices are those of the process

    monkeypatch.setitem(supernet.SUPERNETS, made.name, made)
    ran = set()

    def watch(frame, event, argument):
        if frame.f_code.co_flags & inspect.CO_OPTIMIZED:  # a function, not a module or class that is being defined
            ran.add(frame.f_code.co_filename)

    config = load_config(assignments=["data.input_height=32", "data.input_width=48", "network.base_width=4",
                                      f"network.name={made.name}"])  # fmt: skip
    exporting_code_version.cache_clear()
    sys.setprofile(watch)
    try:
        NetworkFiles(config, Cache(None)).baseline("two-scale")
        NetworkFiles(config, Cache(None)).subnet(made.space.uniform_codes()[1], "accumulated")
        NetworkFiles(config, Cache(None)).subnet(made.space.uniform_codes()[0], "packed")
    finally:
        sys.setprofile(None)
    package = PROJECT / "efnas"
    ours = {Path(name) for name in ran if package in Path(name).parents}
    named = {str(path.relative_to(package).with_suffix("")) for path in ours - set(deciding_files(made))}
    assert {"core/layers", "export/converter", "export/weights"} <= {
        str(path.relative_to(package).with_suffix("")) for path in ours
    }
    assert named <= LOOKING_ON, named - LOOKING_ON


def test_the_key_of_another_space_holds_its_own_description():
    assert all(path.is_file() for path in deciding_files(EDGEFLOW))
    assert set(deciding_files(SMALL)) - set(deciding_files(EDGEFLOW)) == {Path(inspect.getfile(SMALL.network))}
