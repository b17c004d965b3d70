"""Running Arm's Vela compiler: found, asked for its version, and run in a folder of its own, with a time limit.

Vela is a program in an environment of its own. Its version changes results and is part of every one; its milliseconds
are estimates.
"""

import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Callable, List, NamedTuple, Optional, Tuple

from efnas.cache import Cache, key_of
from efnas.errors import EfnasError
from efnas.files import temporary_files, write_whole
from efnas.vela.board import Profile
from efnas.vela.output import Compiled, read_output
from efnas.vela.process import Services, keep_output, run

OPTIMISE = ("Size", "Performance")
REFERENCE_VERSION = "4.5.0"
PROJECT = Path(__file__).parents[2]


class Settings(NamedTuple):
    """What Vela optimises; the size of the arena cache in bytes (None: that of the profile; counts for `Performance`
    alone, where it is a soft target); and whether 5.x is to use its old core, which gives the figures of 4.5."""

    optimise: str = "Size"
    arena: Optional[int] = None
    legacy_core: bool = False

    def words(self) -> List[str]:
        """The options of Vela's command line."""
        arena = ["--arena-cache-size", str(self.arena)] if self.arena else []
        return ["--optimise", self.optimise, *arena, *(["--debug-force-legacy-core"] if self.legacy_core else [])]


def find_vela(given: Optional[str] = None) -> Path:
    """The compiler: `given` (a path, or a version that the project has an environment of), $EFNAS_VELA, the project's
    .venv-vela, beside the interpreter, PATH. Raises EfnasError, with the places it looked at."""
    given = given or os.environ.get("EFNAS_VELA")
    if given and re.fullmatch(r"\d+\.\d+\.\d+", given):
        folders = [f".venv-vela-{given}"] + [".venv-vela"] * (given == REFERENCE_VERSION)
        for path in (PROJECT / folder / "bin" / "vela" for folder in folders):
            if path.is_file():
                return path
        raise EfnasError(f"There is no Vela {given} in {PROJECT / folders[0]}: 'make vela-{given}' installs it.")
    if given:
        if Path(given).is_file():
            return Path(given).absolute()  # a name alone would be looked for on PATH
        raise EfnasError(f"There is no Vela at {given} (--vela or $EFNAS_VELA).")
    project = PROJECT / ".venv-vela" / "bin" / "vela"
    beside = Path(sys.executable).parent / "vela"
    on_path = shutil.which("vela")
    for path in (project, beside, Path(on_path) if on_path else None):
        if path and path.is_file():
            return path
    raise EfnasError(
        f"No Vela compiler found (looked at --vela, $EFNAS_VELA, {project}, {beside} and PATH); 'make setup' "
        f"installs one, or 'pip install ethos-u-vela=={REFERENCE_VERSION}' in an environment of Python 3.9 or later."
    )


def other_figures(version: str, legacy_core: bool) -> Optional[str]:
    """One line when a version is known to give other figures than the reference for the same file."""
    major, minor = map(int, version.split(".")[:2])
    if (major, minor) < (3, 9):
        told = "plans memory and latency quite differently (2.6 MB and 2,124 ms for the baseline)"
    elif major >= 5 and not legacy_core:
        told = "has another core, with other figures and cliffs; --legacy-core gives those of 4.5"
    else:
        return None
    return f"Vela {version} {told}: do not compare its figures with those of {REFERENCE_VERSION}."


class Vela:
    """One compiler and one board. Results are cached by file, version, board and settings, as Vela wrote them.

    `runner` runs the program; see `vela.process`.
    """

    def __init__(self, program: Path, profile: Profile, cache: Cache, runner: Callable[..., str] = run):
        self.program, self.profile, self._cache, self._runner = program, profile, cache, runner
        self.version = runner([str(program), "--version"], 60).strip()
        if not re.fullmatch(r"\d+\.\d+\.\d+\S*", self.version):
            raise EfnasError(f"{program} does not answer as Vela does: its --version says '{self.version[:60]}'.")

    def load(self, count: int) -> None:
        """Have the compiler loaded for so many compiles at once, beside what is done before them, where it can be."""
        if isinstance(self._runner, Services):
            self._runner.load(count)

    def compile(self, model: bytes, settings: Settings, keep: Optional[Path] = None) -> Compiled:
        """Compile the content of a `.tflite` file; `keep` is where to put the compiled file, which is not cached.

        Raises EfnasError when Vela fails, takes too long, or answers in a form that is not known.
        """
        board = self.profile  # what the compiler is told of it, in the places that keys have always had
        told = ["", board.ini, board.accelerator, board.system_config, board.memory_mode, None]
        key = key_of(file=hashlib.sha256(model).hexdigest(), version=self.version, words=settings.words(), profile=told)
        found = None if keep else self._cache.get("vela", key)
        if found:
            return read_output(self.version, *json.loads(found.decode()))
        output = self._compile(model, settings, keep)
        compiled = read_output(self.version, *output)
        self._cache.put("vela", key, json.dumps(output).encode())
        return compiled

    def _compile(self, model: bytes, settings: Settings, keep: Optional[Path]) -> Tuple[str, str, str]:
        profile = self.profile
        with temporary_files(), tempfile.TemporaryDirectory(prefix="efnas-vela-") as name:
            folder = Path(name)
            (folder / "network.tflite").write_bytes(model)
            (folder / "board.ini").write_text(profile.ini)
            words = [
                str(self.program), str(folder / "network.tflite"), "--accelerator-config", profile.accelerator,
                "--config", str(folder / "board.ini"), "--system-config", profile.system_config,
                "--memory-mode", profile.memory_mode, "--output-dir", name, *settings.words(),
                "--verbose-performance", "--verbose-allocation",
            ]  # fmt: skip
            printed = self._runner(words)
            tables = [folder / f"network_summary_{profile.system_config}.csv", folder / "network_per-layer.csv"]
            for table in tables:
                if not table.is_file():
                    raise EfnasError(f"Vela {self.version} wrote no {table.name}; {keep_output(words, printed)}.")
            if keep:
                write_whole(keep, (folder / "network_vela.tflite").read_bytes())
            return (printed, *(table.read_text() for table in tables))
