"""Fitting a subnet on a board: the compiler's settings with the lowest latency whose SRAM keeps within a limit.

The arena cache size is a soft target, and latency over it is a landscape of cliffs and narrow windows. So it is
searched over compiled results: a grid from the least SRAM that a form can do with to beyond the limit, then finer and
finer beside every point of the front of SRAM and latency.
"""

import math
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence

from efnas.core.space import ArchCode
from efnas.cost.pareto import front_by
from efnas.errors import CheckFailed, EfnasError, NoRoom
from efnas.export.network_files import NetworkFiles
from efnas.files import make_folder, write_whole
from efnas.vela.compiler import Settings, Vela
from efnas.vela.output import Compiled

GRID_KIB, FINEST_KIB = 16, 2
# Asked for a larger arena than the limit, Vela may still need less than the limit.
LARGEST_ARENA = 1.2


class Trial(NamedTuple):
    """One compile of one form with one compiler; where the compiler failed `compiled` is None and `error` says how."""

    form: str
    vela: Vela
    settings: Settings
    compiled: Optional[Compiled]
    error: Optional[str] = None

    def as_dict(self) -> dict:
        figures = ("sram_kib", "sram_mb", "inference_ms", "fps", "flash_kib")
        return {
            "form": self.form,
            "vela": self.vela.version,
            **self.settings._asdict(),
            **({name: getattr(self.compiled, name) for name in figures} if self.compiled else {"error": self.error}),
        }


class Fit(NamedTuple):
    """All trials, those of the front (least SRAM first; no other trial is better in both), and why the search of a form
    ended early. `best` is the fastest that fits, if one does."""

    limit_kib: float
    trials: List[Trial]
    front: List[Trial]
    notes: List[str]

    @property
    def best(self) -> Optional[Trial]:
        fitting = [trial for trial in self.front if trial.compiled.sram_kib <= self.limit_kib]
        return fitting[-1] if fitting else None

    def require_fit(self) -> None:
        """Raises CheckFailed when no trial fits."""
        if self.best is None:
            least = self.front[0].compiled.sram_kib
            raise CheckFailed(f"Nothing fits {self.limit_kib:,.0f} KiB: the least SRAM found is {least:,.1f} KiB.")

    def as_dict(self) -> dict:
        return {
            "limit_kib": self.limit_kib,
            "best": self.best and self.best.as_dict(),
            "front": [trial.as_dict() for trial in self.front],
            "trials": [trial.as_dict() for trial in self.trials],
            "notes": self.notes,
        }


def fit_subnet(
    files: NetworkFiles, arch: ArchCode, forms: Sequence[str], compilers: Sequence[Vela], limit_kib: Optional[float],
    legacy_core: bool, keep: Optional[Path] = None,
    progress: Callable[[int, Optional[int]], None] = lambda done, total: None,
) -> Fit:  # fmt: skip
    """The settings for a subnet within `limit_kib` (None: what the board's profile says); `keep` is a folder for the
    files of the best, exported and compiled. Raises EfnasError when no limit is known or no compile succeeds."""
    board = compilers[0].profile
    limit_kib = limit_kib or board.arena_limit_kib
    if limit_kib is None:
        raise EfnasError(f"{board.name} does not say how much SRAM the board has for it: give --limit-kib.")
    (models,) = files.subnets([arch], forms)
    found = search_settings(models, compilers, limit_kib, legacy_core, progress)
    best = found.best
    if keep and best:
        make_folder(keep)
        stem = f"subnet_{arch.compact}_{best.form}"
        write_whole(keep / f"{stem}.tflite", models[best.form])
        best.vela.compile(models[best.form], best.settings, keep / f"{stem}_vela.tflite")
    return found


def best_settings(
    form: str, model: bytes, vela: Vela, limit_kib: float, legacy_core: bool = False,
    progress: Callable[[int, Optional[int]], None] = lambda done, total: None,
) -> Settings:  # fmt: skip
    """Those of the fastest compile of one file that keeps within a limit; where none does, of the least SRAM."""
    found = search_settings({form: model}, [vela], limit_kib, legacy_core, progress)
    return (found.best or found.front[0]).settings


def search_settings(
    models: Dict[str, bytes], compilers: Sequence[Vela], limit_kib: float, legacy_core: bool = False,
    progress: Callable[[int, Optional[int]], None] = lambda done, total: None,
) -> Fit:  # fmt: skip
    """Search the settings for `models`, the same network in one or more output forms.

    Raises EfnasError when no compile at all succeeds.
    """
    trials: List[Trial] = []
    notes: List[str] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for vela in compilers:
            for form, model in models.items():

                def run(wanted: Iterable[Settings], form=form, model=model, vela=vela) -> List[Trial]:
                    found = []
                    for trial in pool.map(lambda settings: _trial(form, model, vela, settings), wanted):
                        found.append(trial)
                        progress(len(trials) + len(found), None)
                    trials.extend(found)
                    return found

                note = _search(run, limit_kib, legacy_core)
                if note:
                    notes.append(f"{form}, Vela {vela.version}: {note}")
    if not any(trial.compiled for trial in trials):
        raise EfnasError(f"No compile succeeded: {trials[0].error}")
    return Fit(limit_kib, trials, front_of(trials), notes)


def _search(run: Callable[[Iterable[Settings]], List[Trial]], limit_kib: float, legacy_core: bool) -> Optional[str]:
    """Compile one form with one compiler at the settings worth a look; returns why when there are none."""
    (smallest,) = run([Settings("Size", None, legacy_core)])
    if smallest.compiled is None:
        return f"Size fails: {smallest.error}"
    least = smallest.compiled.sram_kib
    if least > limit_kib:
        return f"optimised for size it needs {least:.1f} KiB, more than the limit; Performance was not tried"

    def performance(sizes_kib: Iterable[float]) -> List[Trial]:
        return run([Settings("Performance", round(kib * 1024), legacy_core) for kib in sizes_kib])

    first = math.ceil(least / GRID_KIB) * GRID_KIB
    largest = LARGEST_ARENA * limit_kib
    sizes = [float(kib) for kib in range(first, int(largest) + 1, GRID_KIB)]
    found = performance(sizes)
    step = GRID_KIB
    while step > FINEST_KIB:
        step /= 2
        fitting = [trial for trial in found if trial.compiled and trial.compiled.sram_kib <= limit_kib]
        front = [trial.settings.arena / 1024 for trial in front_of(fitting)]
        finer = {size + side for size in front for side in (-step, step)} - set(sizes)
        wanted = sorted(size for size in finer if least <= size <= largest)
        found += performance(wanted)
        sizes += wanted
    return None


def front_of(trials: Iterable[Trial]) -> List[Trial]:
    """The trials than which no other has both less (or equal) SRAM and less (or equal) latency, least SRAM first.

    Of equal ones the smallest arena stands for all.
    """
    compiled = [trial for trial in trials if trial.compiled]
    return front_by(lambda t: (t.compiled.sram_kib, t.compiled.inference_ms, t.settings.arena or 0), compiled)


def _trial(form: str, model: bytes, vela: Vela, settings: Settings) -> Trial:
    try:
        return Trial(form, vela, settings, vela.compile(model, settings))
    except NoRoom:
        raise
    except EfnasError as error:
        return Trial(form, vela, settings, None, str(error))
