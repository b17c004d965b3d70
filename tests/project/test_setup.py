"""The set-up scripts: an interpreter is found, or one line says how to get one."""

import ast
import importlib.util
import os
import re
import subprocess
import sys

import pytest
from conftest import PROJECT
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

FIND = str(PROJECT / ".ci" / "find-python.sh")


def find(versions, **environment):
    return subprocess.run(["bash", FIND, versions], capture_output=True, text=True, env={**os.environ, **environment})


def test_a_python_named_by_the_environment_is_taken_when_its_version_fits():
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    found = find(here, EFNAS_PYTHON=sys.executable)
    assert found.stdout.strip() == sys.executable
    assert find("2.4", EFNAS_PYTHON=sys.executable).returncode == 1


def test_the_first_version_that_is_there_wins():
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert find(f"2.4 {here}", EFNAS_PYTHON=sys.executable).stdout.strip() == sys.executable


def test_where_there_is_none_one_line_says_how_to_get_one():
    found = find("2.4")
    assert found.returncode == 1
    assert found.stdout == ""
    assert len(found.stderr.strip().splitlines()) == 1
    assert "uv python install 2.4" in found.stderr


def test_pyenv_versions_are_found_although_not_on_the_path(tmp_path):
    python = tmp_path / "versions" / "2.4.1" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\necho 2.4\n")
    python.chmod(0o755)
    assert find("2.4", PYENV_ROOT=str(tmp_path)).stdout.strip() == str(python)


@pytest.mark.parametrize(
    "lock",
    [
        "requirements.txt",
        "requirements-2.15.txt",
        "requirements-vela.txt",
        "requirements-micro.txt",
        "requirements-horovod.txt",
    ],
)
def test_versions_are_pinned(lock):
    lines = (PROJECT / ".ci" / lock).read_text().splitlines()
    packages = [line for line in lines if line and not line.startswith("#")]
    assert packages
    assert all("==" in line for line in packages)


@pytest.mark.parametrize("python, series", [
    ("3.7", ["1.15"]), ("3.8", []), ("3.9", ["2.15"]), ("3.10", ["2.15"]), ("3.11", ["2.15"]),
])  # fmt: skip
def test_each_python_gets_the_tensorflow_that_it_can_have(python, series):
    """3.8 has NVIDIA's build, which is not on PyPI."""
    text = (PROJECT / "pyproject.toml").read_text()
    assert Version(python) in SpecifierSet(re.search(r'requires-python = "(.+)"', text).group(1))
    wanted = [Requirement(line) for line in re.findall(r'^    "(tensorflow\b.+)",$', text, re.MULTILINE)]
    found = [each for each in wanted if each.marker.evaluate({"python_version": python})]
    assert [str(each.specifier) for each in found] == [f"=={each}.*" for each in series]


@pytest.mark.parametrize("what", [("tool",), ("runtime", "2.16")])
def test_a_tensorflow_that_efnas_does_not_run_on_is_refused_in_a_line(what):
    refused = subprocess.run(["bash", str(PROJECT / ".ci" / "setup.sh"), *what], capture_output=True, text=True,
                             env={**os.environ, "EFNAS_TENSORFLOW": "tensorflow==2.16.1"})  # fmt: skip
    assert refused.returncode == 1 and refused.stdout == "" and len(refused.stderr.splitlines()) == 1
    assert "2.15" in refused.stderr


def test_what_is_imported_is_declared():
    """By the packages that the modules import, the compiler's, the cluster's, Horovod and OpenCV apart: they are extras."""
    listed = re.findall(r'^    "([\w-]+)', (PROJECT / "pyproject.toml").read_text(), re.MULTILINE)
    declared = {name.replace("-", "_") for name in listed}
    named = {"yaml": "pyyaml", "PIL": "pillow"}
    imported = set()
    of_a_package = PROJECT / "efnas" / "export" / "package" / "board"  # runs without efnas, from the folder it is in
    for path in set((PROJECT / "efnas").rglob("*.py")) - set(of_a_package.iterdir()):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module)
    packages = {name.split(".")[0] for name in imported}
    standard = {name for name in packages if _is_standard(name)}
    missing = {
        named.get(name, name)
        for name in packages - standard - {"efnas", "ethosu", "tflite_micro", "dask", "distributed", "horovod", "cv2"}
    } - declared
    assert not missing


def _is_standard(name):
    found = importlib.util.find_spec(name)
    return found is not None and (found.origin in (None, "built-in", "frozen") or "site-packages" not in found.origin)
