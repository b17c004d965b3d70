"""What lies in a run folder, read without TensorFlow: checkpoints, the ranking beside them, the evaluations so far."""

import csv
from pathlib import Path
from typing import List, Optional

from efnas.config import CROP, Config
from efnas.core.alone import subnet_named
from efnas.core.costs import supernet_params
from efnas.core.space import ArchCode
from efnas.core.supernet import Supernet
from efnas.errors import EfnasError, brief
from efnas.runs.seal import SEAL, checkpoint_of
from efnas.runs.supernet import supernet_of, whole_supernet_of
from efnas.strict_json import read_json

BEST, LAST = "supernet_best.ckpt", "supernet_last.ckpt"
CHECKPOINTS = {"last": LAST, "best": BEST}
KEPT = "supernet_epoch_{:04d}.ckpt"
EVALUATIONS = "eval_epe_history.csv"


def checkpoint_path(config: Config, which: str) -> Path:
    """`best` or `last` of the run of a configuration, or the path of a checkpoint, with or without its endings."""
    if which in CHECKPOINTS:
        return config.runtime.run_folder / CHECKPOINTS[which]
    return checkpoint_of(Path(which))


def is_kept(config: Config, epoch: int) -> bool:
    """Whether a run keeps the weights that it has after an epoch, counted from 1."""
    every = config.checkpoint.keep_every
    return bool(every and epoch and epoch % every == 0)


def kept_checkpoints(folder: Path) -> List[Path]:
    """Those that a run keeps of its epochs (`checkpoint.keep_every`), oldest first."""
    found = folder.glob(KEPT.replace("{:04d}", "*") + SEAL)
    return sorted((file.with_name(file.name[: -len(SEAL)]) for file in found), key=lambda path: int(path.stem[15:]))


def checkpoint_bytes(config: Config, supernet: Supernet) -> int:
    """What the checkpoints of a run need: best, last, one being written, weights and two Adam slots of 4 bytes each;
    and the weights of those that are kept."""
    every = config.checkpoint.keep_every
    kept = config.train.num_epochs // every if every else 0
    return (3 * 3 + kept) * 4 * supernet_params(supernet, config.network.base_width)


def ranking_file(path: Path, which: str) -> Path:
    """The file beside a checkpoint that its last evaluation wrote."""
    name = which if which in CHECKPOINTS else path.name
    return path.parent / f"supernet_eval_result_{name}.json"


def arch_of(config: Config, text: str, which: Optional[str]) -> ArchCode:
    """The subnet of a code; `best` is the one that the last `efnas eval` of the checkpoint ranked first, or that was
    trained alone. Random weights (None) have no ranking, and are of a whole supernet. Raises EfnasError where there is
    no ranking, or one of another geometry."""
    if which is None:
        return whole_supernet_of(config).space.parse(text)
    supernet = supernet_of(config)
    if text != "best" or supernet.arch is not None:
        return subnet_named(supernet, text)
    result = ranking_file(checkpoint_path(config, which), which)
    try:
        ranking = read_json(result.read_text())
        first, geometry = str(ranking["ranking"][0]["arch"]), ranking.get("geometry", CROP)
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise EfnasError(f"There is no ranking in {result} to take the best subnet from: run efnas eval.") from error
    if geometry != config.data.geometry:
        raise EfnasError(f"The ranking in {result} is of data.geometry: {brief(geometry)}: run efnas eval.")
    return supernet.space.parse(first)


def read_evaluations(folder: Path, kind: Optional[str] = "quick") -> List[dict]:
    """The rows of the evaluation history, values as text."""
    with open(folder / EVALUATIONS, newline="") as file:
        return [row for row in csv.DictReader(file) if kind in (None, row["kind"])]


def pool_size(rows: List[dict]) -> str:
    """How many subnets each evaluation is over, as the names of its columns say."""
    return next(name for name in rows[0] if name.startswith("mean_epe_")).rsplit("_", 1)[1]


def has_baseline(rows: List[dict]) -> bool:
    """Whether evaluations hold the error of a baseline beside others: those of a network alone do not."""
    return any(row["baseline_epe"] for row in rows)
