"""Computing the errors of all subnets of a run, bundle by bundle, into the file that keeps them."""

from contextlib import ExitStack
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Optional

import numpy as np

from efnas.config import Config
from efnas.evaluation.opened import opened_within
from efnas.machine import available_memory_gb
from efnas.ranks import ALONE, Ranks
from efnas.runs.lock import RunLock
from efnas.runs.supernet import supernet_of
from efnas.search.errors import ErrorTable, GrowingErrors, read_errors
from efnas.search.pass_engines import Engine, Pass, Settled, here
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
    ranks: Ranks = ALONE,
) -> Optional[ErrorTable]:
    """The errors of all subnets with the weights of a checkpoint, on the first `pairs` of the validation set or on all.
    Of several ranks, which share an engine, the first alone keeps them; None on the others.

    Raises EfnasError for a checkpoint or data that are missing, and for a folder that holds errors of something else.
    """
    free = _free_gb(ranks)
    opened = ranks.of_first(lambda: _opened(config, free))
    growing = None
    with ExitStack() as held:

        def begun() -> List[Pass]:
            nonlocal growing
            held.enter_context(RunLock(folder))
            growing = GrowingErrors(folder, passes.of, passes.space.size, overwrite)
            return _wanted(passes, growing)

        passes = ranks.after_first(lambda: held.enter_context(open_passes(config, which, pairs, opened, free, ranks)))
        ranks.require_same(passes.of)
        if passes.doubt:
            note(passes.doubt)
        wanted = ranks.of_first(begun)
        settled = engine(passes, wanted)
        if not ranks.first:
            for _ in settled:
                pass
            return None
        progress(growing.known_count, passes.space.size)
        if wanted:
            _grow(passes, growing, settled, progress)
    return read_errors(folder)


def _free_gb(ranks: Ranks) -> Optional[float]:
    """The memory that each rank can take where there is least; None where a system does not say."""
    free = ranks.gathered(available_memory_gb())
    return None if None in free else min(free) / ranks.neighbours


def _opened(config: Config, free: Optional[float]) -> List[str]:
    data = config.data
    size = data.input_height, data.input_width, config.network.base_width
    limit = None if free is None else SHARE_OF_MEMORY * 1e9 * free
    return opened_within(supernet_of(config), *size, config.train.batch_size, limit)


def _wanted(passes: Passes, growing: GrowingErrors) -> List[Pass]:
    """What is still to do, and what other batches of recalibration change, for a few subnets."""
    todo = [number for number, bundle in enumerate(passes.bundles) if not growing.known(bundle.first, bundle.count)]
    if growing.finished and not todo:
        return []
    twice = sorted({*np.linspace(0, len(passes.bundles) - 1, SECOND).astype(int).tolist()})
    return [*map(Pass, todo), *(Pass(number, 1) for number in twice)]


def _grow(passes: Passes, growing: GrowingErrors, settled: Iterator[Settled], progress: Progress) -> None:
    again: Dict[int, np.ndarray] = {}
    for (number, recalibration), errors in settled:
        if recalibration:
            again[number] = errors
        else:
            growing.write(passes.bundles[number].first, errors)
            progress(growing.known_count, passes.space.size)
    twice = sorted(again)
    before = [growing.rows(passes.bundles[number].first, passes.bundles[number].count) for number in twice]
    moved = _changed(np.concatenate(before), np.concatenate([again[number] for number in twice]))
    growing.finish(passes.zero_errors(), moved)


def _changed(before: np.ndarray, after: np.ndarray) -> Dict[str, float]:
    """How much the errors [subnets, pairs] move with other batches of recalibration: all together, and one against
    another, beside what is between subnets; in px."""
    means, moved = before.mean(axis=1, dtype=np.float64), (after - before).mean(axis=1, dtype=np.float64)
    return {"subnets": len(means), "all_by_px": float(moved.mean()), "apart_by_px": float(moved.std()),
            "between_subnets_px": float(means.std())}  # fmt: skip
