"""The run on disk: its folder, manifest, histories and log. Everything is written as the run goes."""

import csv
import shutil
import time
from pathlib import Path
from typing import List, NamedTuple, Optional

from efnas.core.sampler import FairnessCounts
from efnas.core.space import ArchCode
from efnas.errors import EfnasError
from efnas.files import write_json
from efnas.manifest import MANIFEST
from efnas.training.evaluation import Evaluation

EVALUATIONS, PER_ARCH = "eval_epe_history.csv", "per_arch_epe.csv"
FAIRNESS, LOG, REPORT, CURVES = (
    "fairness_counts.json",
    "train.log",
    "supernet_training_report.md",
    "training_curves.png",
)
BEST, LAST = "supernet_best.ckpt", "supernet_last.ckpt"


class Moment(NamedTuple):
    """Where a run stands when it is evaluated, and the means over the epoch that led there."""

    epoch: int
    step: int
    samples_seen: int
    lr: float
    train_loss: float
    train_loss_with_decay: float
    coverage: float


class History:
    """The files of one run folder that grow with the run. Close it, or use it in a `with`."""

    def __init__(self, folder: Path, pool: List[ArchCode], baseline: ArchCode):
        self.folder = folder
        self._pool_size = len(pool)
        self._baseline = baseline
        size = len(pool)
        write_json(folder / f"eval_pool_{size}.json", {"pool": [str(arch) for arch in pool]})
        self._log = open(folder / LOG, "a")
        self._evaluations = _GrowingTable(
            folder / EVALUATIONS,
            list(Moment._fields)
            + [
                "kind",
                "val_samples",
                f"mean_epe_{size}",
                f"std_epe_{size}",
                f"median_epe_{size}",
                f"p90_epe_{size}",
                "baseline_epe",
                "zero_flow_epe",
                "fairness_gap",
            ],
        )
        self._per_arch = _GrowingTable(folder / PER_ARCH, ["epoch", "step", "kind", "rank", "arch", "epe"])

    def log(self, line: str) -> None:
        self._log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line}\n")
        self._log.flush()

    def add_evaluation(self, moment: Moment, evaluation: Evaluation, counts: FairnessCounts, kind: str) -> dict:
        """Append an evaluation (`kind` is "quick" or "full") to the tables; returns its summary."""
        figures = evaluation.summary(self._baseline)
        self._evaluations.add(
            list(moment)
            + [kind, evaluation.samples]
            + [figures[name] for name in ("mean", "std", "median", "p90", "baseline", "zero")]
            + [counts.gap]
        )
        for rank, arch in enumerate(evaluation.ranking(), start=1):
            self._per_arch.add([moment.epoch, moment.step, kind, rank, str(arch), evaluation.epe[arch]])
        write_json(self.folder / FAIRNESS, {"step": moment.step, **counts.as_dict()})
        return figures

    def __enter__(self) -> "History":
        return self

    def __exit__(self, *_) -> None:
        for file in (self._log, self._evaluations, self._per_arch):
            file.close()


class _GrowingTable:
    def __init__(self, path: Path, columns: List[str]):
        new = not path.exists()
        self._file = open(path, "a", newline="")
        self._writer = csv.writer(self._file, lineterminator="\n")
        if new:
            self.add(columns)

    def add(self, row: list) -> None:
        self._writer.writerow([f"{value:.6g}" if isinstance(value, float) else value for value in row])
        self._file.flush()

    def close(self) -> None:
        self._file.close()


def open_run_folder(folder: Path, manifest: dict, overwrite: bool) -> None:
    """Make the folder of a new run and write its manifest. Raises EfnasError where a run stands there already."""
    if (folder / MANIFEST).exists() and not overwrite:
        raise EfnasError(f"{folder} already holds a run; take another --experiment-name, or --overwrite it.")
    if folder.exists() and any(folder.iterdir()) and not (folder / MANIFEST).exists():
        raise EfnasError(f"{folder} holds files that are not of a run; take another --experiment-name.")
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        write_json(folder / MANIFEST, manifest)
    except OSError as error:
        raise EfnasError(f"Cannot write the run folder {folder}: {error.strerror}.") from error


def read_evaluations(folder: Path, kind: Optional[str] = "quick") -> List[dict]:
    """The rows of the evaluation history, values as text."""
    with open(folder / EVALUATIONS, newline="") as file:
        return [row for row in csv.DictReader(file) if kind in (None, row["kind"])]
