"""Computing the errors of all subnets of a run, bundle by bundle, into the file that keeps them."""

from pathlib import Path
from typing import Callable, Dict, List, Optional

import numpy as np

from efnas.config import Config
from efnas.evaluation.opened import opened_within
from efnas.machine import available_memory_gb
from efnas.runs.lock import RunLock
from efnas.runs.supernet import supernet_of
from efnas.search.errors import ErrorTable, GrowingErrors, read_errors
from efnas.search.pass_engines import Engine, Pass, here
from efnas.search.passes import Passes, open_passes

Progress = Callable[[int, int], None]
# What of the free memory the maps of a pass may take.
SHARE_OF_MEMORY = 0.5
# Bundles that are recalibrated a second time.
SECOND = 2


def compute_errors(
    config: Config,
    which: str,
    folder: Path,
    pairs: Optional[int] = None,
    overwrite: bool = False,
    progress: Progress = lambda done, total: None,
    engine: Engine = here,
    note: Callable[[str], None] = lambda line: None,
) -> ErrorTable:
    """The errors of all subnets with the weights of a checkpoint, on the first `pairs` of the validation set or on all.

    Raises EfnasError for a checkpoint or data that are missing, and for a folder that holds errors of something else.
    """
    with open_passes(config, which, pairs, _opened(config)) as passes, RunLock(folder):
        if passes.doubt:
            note(passes.doubt)
        growing = GrowingErrors(folder, passes.of, passes.space.size, overwrite)
        progress(growing.known_count, passes.space.size)
        if not growing.finished or growing.known_count < passes.space.size:
            _grow(passes, growing, engine, progress)
    return read_errors(folder)


def _opened(config: Config) -> List[str]:
    data, free = config.data, available_memory_gb()
    size = data.input_height, data.input_width, config.network.base_width
    limit = None if free is None else SHARE_OF_MEMORY * 1e9 * free
    return opened_within(supernet_of(config), *size, config.train.batch_size, limit)


def _grow(passes: Passes, growing: GrowingErrors, engine: Engine, progress: Progress) -> None:
    """What is still to do, and what other batches of recalibration change, for a few subnets."""
    todo = [number for number, bundle in enumerate(passes.bundles) if not growing.known(bundle.first, bundle.count)]
    twice = sorted({*np.linspace(0, len(passes.bundles) - 1, SECOND).astype(int).tolist()})
    again: Dict[int, np.ndarray] = {}
    for (number, recalibration), errors in engine(passes, [*map(Pass, todo), *(Pass(number, 1) for number in twice)]):
        if recalibration:
            again[number] = errors
        else:
            growing.write(passes.bundles[number].first, errors)
            progress(growing.known_count, passes.space.size)
    before = [growing.rows(passes.bundles[number].first, passes.bundles[number].count) for number in twice]
    moved = _changed(np.concatenate(before), np.concatenate([again[number] for number in twice]))
    growing.finish(passes.zero_errors(), moved)


def _changed(before: np.ndarray, after: np.ndarray) -> Dict[str, float]:
    """How much the errors [subnets, pairs] move with other batches of recalibration: all together, and one against
    another, beside what is between subnets; in px."""
    means, moved = before.mean(axis=1, dtype=np.float64), (after - before).mean(axis=1, dtype=np.float64)
    return {"subnets": len(means), "all_by_px": float(moved.mean()), "apart_by_px": float(moved.std()),
            "between_subnets_px": float(means.std())}  # fmt: skip
