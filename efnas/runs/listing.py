"""The runs under an output folder: where each stands, how good it is, and in what their configurations differ."""

import math
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional

from efnas.config_files import load_config
from efnas.errors import EfnasError
from efnas.runs.lock import is_locked
from efnas.runs.manifest import GROUPS, LATER_KEYS, MANIFEST, config_values, geometry_of, read_manifest
from efnas.runs.progress import RunProgress
from efnas.runs.run_files import EVALUATIONS, LAST, has_baseline, pool_size, read_evaluations
from efnas.runs.seal import SEAL, read_seal, with_ending

RUNNING, FINISHED, STOPPED, DAMAGED = "running", "finished", "stopped", "damaged"


class Run(NamedTuple):
    """`progress` is that of the last checkpoint, None before the first one; `settings` are by key, without places."""

    folder: Path
    state: str
    epochs: int
    progress: Optional[RunProgress]
    settings: Dict[str, Any]
    trouble: Optional[str] = None

    @property
    def arch(self) -> Optional[str]:
        """What it trains alone; None for a supernet."""
        return self.settings.get("train.arch")

    def as_dict(self) -> dict:
        at = self.progress
        known = at is not None and math.isfinite(at.best)
        return {
            "run": self.folder.name, "folder": str(self.folder), "state": self.state, "arch": self.arch,
            "geometry": geometry_of(self.settings), "epochs": self.epochs,
            "epoch": at.epochs_done if at else 0, "step": at.step if at else 0,
            "best_epe": at.best if known else None, "best_epoch": at.best_epoch if known else None,
            "zero_flow_epe": at.zero_epe if known else None, "trouble": self.trouble,
        }  # fmt: skip


def find_runs(root: Path) -> List[Run]:
    """The runs in a folder, by name. Raises EfnasError when there is no such folder."""
    if not root.is_dir():
        raise EfnasError(f"There is no folder {root} of runs; --output-root names another.")
    return [read_run(path.parent) for path in sorted(root.glob(f"*/{MANIFEST}"))]


def read_run(folder: Path) -> Run:
    """A run, whatever its state. Raises EfnasError when there is none."""
    if not (folder / MANIFEST).is_file():
        raise EfnasError(f"There is no run in {folder} (looked for {MANIFEST}; efnas runs lists them).")
    try:
        manifest = read_manifest(folder)
        config = load_config(base=config_values(manifest))
    except EfnasError as error:
        return Run(folder, DAMAGED, 0, None, {}, str(error))
    settings = {key: value for group in GROUPS[:2] for key, value in manifest[group].items()}
    progress, trouble = None, None
    if with_ending(folder / LAST, SEAL).is_file():
        try:
            progress = RunProgress.of_state(read_seal(folder / LAST).state)
        except EfnasError as error:
            trouble = str(error)
    done = progress and progress.finished(config)
    state = RUNNING if is_locked(folder) else DAMAGED if trouble else FINISHED if done else STOPPED
    return Run(folder, state, config.train.num_epochs, progress, settings, trouble)


def varying(runs: List[Run]) -> Dict[str, Dict[str, Any]]:
    """By run, the settings in which the runs are not all alike."""
    sound = [run for run in runs if run.settings]
    keys = dict.fromkeys(key for run in sound for key in run.settings)

    def value(run: Run, key: str) -> Any:
        return run.settings.get(key, LATER_KEYS.get(key))

    keys = [key for key in keys if len({repr(value(run, key)) for run in sound}) > 1]
    return {run.folder.name: {key: value(run, key) for key in keys} for run in sound}


def evaluations(folder: Path) -> List[Dict[str, str]]:
    """The evaluations of a run so far, the oldest first. Raises EfnasError when their table is damaged."""
    try:
        rows = read_evaluations(folder)
        if rows:
            baseline = ["baseline_epe"] if has_baseline(rows) else []
            for name in ("epoch", f"mean_epe_{pool_size(rows)}", *baseline, "zero_flow_epe"):
                [float(row[name]) for row in rows]
        return rows
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError, StopIteration) as error:
        raise EfnasError(f"Cannot read {folder / EVALUATIONS}: it is damaged.") from error
