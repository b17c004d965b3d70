"""The run on disk: its folder, manifest, histories and log. Everything is written as the run goes."""

import csv
import hashlib
import io
import shutil
import time
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional

from efnas.core.sampler import FairnessCounts
from efnas.core.space import ArchCode
from efnas.core.supernet import Supernet
from efnas.errors import EfnasError
from efnas.files import write_json
from efnas.runs.manifest import MANIFEST, write_manifest
from efnas.runs.run_files import EVALUATIONS
from efnas.runs.subnet_errors import SubnetErrors

PER_ARCH = "per_arch_epe.csv"
FAIRNESS, LOG, REPORT, CURVES = (
    "fairness_counts.json",
    "train.log",
    "supernet_training_report.md",
    "training_curves.png",
)


class Milestone(NamedTuple):
    """Where a run stands when it is evaluated, and the means over the epoch that led there."""

    epoch: int
    step: int
    samples_seen: int
    lr: float
    train_loss: float
    train_loss_with_decay: float
    coverage: float


class History:
    """The files of one run folder that grow with the run, until it is closed.

    `lengths` is what `lengths()` said when a checkpoint was saved: the tables are cut there, and go on.
    """

    def __init__(
        self, folder: Path, pool: List[ArchCode], supernet: Supernet, lengths: Optional[Dict[str, list]] = None
    ):
        self.folder = folder
        self._supernet = supernet
        size = len(pool)
        write_json(folder / f"eval_pool_{size}.json", {"pool": [str(arch) for arch in pool]})
        self._log = _GrowingFile(folder / LOG)
        figures = [f"{name}_epe_{size}" for name in ("mean", "std", "median", "p90")]
        columns = [*Milestone._fields, "kind", "val_samples", *figures, "baseline_epe", "zero_flow_epe", "fairness_gap"]
        lengths = lengths or {EVALUATIONS: [0], PER_ARCH: [0]}
        self._evaluations = _GrowingTable(folder / EVALUATIONS, columns, lengths[EVALUATIONS][0])
        columns = ["epoch", "step", "kind", "rank", "arch", "epe"]
        self._per_arch = _GrowingTable(folder / PER_ARCH, columns, lengths[PER_ARCH][0])

    def lengths(self) -> Dict[str, list]:
        """Bytes of each table so far, and their hash."""
        return {EVALUATIONS: self._evaluations.mark(), PER_ARCH: self._per_arch.mark()}

    def log(self, line: str) -> None:
        self._log.append(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line}\n")

    def add_evaluation(self, milestone: Milestone, errors: SubnetErrors, counts: FairnessCounts, kind: str) -> None:
        """Append an evaluation (`kind` is "quick" or "full") to the tables.

        Of a network that is alone there is neither a baseline beside it nor fairness: these columns, which all runs
        have, are then empty. A gap of 0 would say that options were trained equally often, the counted one a defect.
        """
        supernet = self._supernet
        figures = errors.summary(supernet.baseline_subnet)
        self._evaluations.add(
            list(milestone)
            + [kind, errors.samples]
            + [figures.get(name, "") for name in ("mean", "std", "median", "p90", "baseline", "zero")]
            + [counts.gap if supernet.arch is None else ""]
        )
        for arch in errors.ranking():
            rank = errors.places[arch].rank
            self._per_arch.add([milestone.epoch, milestone.step, kind, rank, str(arch), errors.epe[arch]])
        if supernet.arch is None:
            write_json(self.folder / FAIRNESS, {"step": milestone.step, **counts.by_block(supernet.space)})

    def close(self) -> None:
        for file in (self._log, self._evaluations, self._per_arch):
            file.close()


class _GrowingFile:
    """A file that is appended to and flushed; a disk that refuses is an EfnasError."""

    def __init__(self, path: Path, keep: Optional[int] = None):
        self.path = path
        try:
            self._file = open(path, "ab")
            if keep is not None:
                self._file.truncate(keep)
        except OSError as error:
            raise EfnasError(f"Cannot write {path}: {error.strerror}.") from error

    def append(self, text: str) -> None:
        try:
            self._file.write(text.encode())
            self._file.flush()
        except OSError as error:
            raise EfnasError(f"Cannot write {self.path}: {error.strerror}.") from error

    def close(self) -> None:
        try:
            self._file.close()
        except OSError:
            pass  # what could not be written has been told


class _GrowingTable(_GrowingFile):
    """A CSV table, cut to its first `keep` bytes; it knows its length and its hash."""

    def __init__(self, path: Path, columns: List[str], keep: int):
        super().__init__(path, keep)
        begin = path.read_bytes()
        self._length, self._hash = len(begin), hashlib.sha256(begin)
        if not begin:
            self.add(columns)

    def add(self, row: list) -> None:
        line = io.StringIO()
        values = [f"{value:.6g}" if isinstance(value, float) else value for value in row]
        csv.writer(line, lineterminator="\n").writerow(values)
        self.append(line.getvalue())
        self._length += len(line.getvalue().encode())
        self._hash.update(line.getvalue().encode())

    def mark(self) -> list:
        return [self._length, self._hash.hexdigest()]


def require_new_run(folder: Path, overwrite: bool) -> None:
    """Raises EfnasError where a run stands already that is not to be overwritten, or something else."""
    if (folder / MANIFEST).exists() and not overwrite:
        raise EfnasError(f"{folder} already holds a run: --resume or --overwrite it, or give it another name.")
    if folder.exists() and any(folder.iterdir()) and not (folder / MANIFEST).exists():
        raise EfnasError(f"{folder} holds files that are not of a run; take another --experiment-name.")


def open_run_folder(folder: Path, manifest: dict) -> None:
    """Make the folder of a new run, in place of an old one, and write its manifest."""
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        write_manifest(folder, manifest)
    except OSError as error:
        raise EfnasError(f"Cannot write the run folder {folder}: {error.strerror}.") from error
