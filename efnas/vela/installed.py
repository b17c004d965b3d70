"""The compilers that there are on this machine."""

import shutil
from pathlib import Path
from typing import Iterator, List, Optional

from efnas.cache import Cache, cache_folder
from efnas.errors import EfnasError
from efnas.machine import FINE, NOTE, Finding
from efnas.vela.board import packaged_profile
from efnas.vela.compiler import PROJECT, REFERENCE_VERSION, Settings, Vela, find_vela, other_figures


def installed_velas() -> List[Path]:
    """Every compiler there is, the one that is used first."""
    paths = sorted(PROJECT.glob(".venv-vela*/bin/vela"))
    on_path = shutil.which("vela")
    try:
        first: List[Path] = [find_vela()]
    except EfnasError:
        first = []
    return list(dict.fromkeys([*first, *paths, *([Path(on_path)] if on_path else [])]))


def planned_arena(model: bytes) -> Optional[dict]:
    """`bytes` of SRAM that the compiler that is used plans for a file on the default board, and which one that is; None
    where there is none, or it does not compile the file."""
    try:
        vela, settings = Vela(find_vela(), packaged_profile(), Cache(cache_folder())), Settings()
        planned = round(vela.compile(model, settings).sram_kib * 1024)
    except EfnasError:
        return None
    return {"bytes": planned, "profile": vela.profile.name, "version": vela.version, "optimise": settings.optimise}


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
