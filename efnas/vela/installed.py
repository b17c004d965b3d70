"""The compilers that there are on this machine."""

import shutil
from pathlib import Path
from typing import Iterator, List

from efnas.cache import Cache
from efnas.errors import EfnasError
from efnas.machine import FINE, NOTE, Finding
from efnas.vela.board import packaged_profile
from efnas.vela.compiler import PROJECT, REFERENCE_VERSION, Vela, find_vela, other_figures


def installed_velas() -> List[Path]:
    """Every compiler there is, the one that is used first."""
    paths = sorted(PROJECT.glob(".venv-vela*/bin/vela"))
    on_path = shutil.which("vela")
    try:
        first: List[Path] = [find_vela()]
    except EfnasError:
        first = []
    return list(dict.fromkeys([*first, *paths, *([Path(on_path)] if on_path else [])]))


def examine_velas() -> Iterator[Finding]:
    paths = installed_velas()
    if not paths:
        yield Finding("Vela", NOTE, "none found; vela-compare, fit and sweep need one", "make setup installs it")
    for number, path in enumerate(paths):
        used = " (used)" if number == 0 else ""
        try:
            version = Vela(path, packaged_profile(), Cache(None)).version
        except EfnasError as error:
            yield Finding("Vela", NOTE, f"{path}{used}: {error}", "make setup builds it anew")
            continue
        if version == REFERENCE_VERSION:
            yield Finding("Vela", FINE, f"{version}{used}, the version of the known figures: {path}")
        else:
            other = other_figures(version, False)
            figures = "with other figures" if other else "with the same figures"
            said = f"{version}{used}, {figures}: {path}"
            if other and number == 0:
                yield Finding("Vela", NOTE, said, f"--vela {REFERENCE_VERSION} gives the known figures")
            else:
                yield Finding("Vela", FINE, said)
