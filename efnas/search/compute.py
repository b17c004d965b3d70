"""Computing the errors of all subnets of a run, bundle by bundle, into the file that keeps them."""

from pathlib import Path
from typing import Callable, Dict, Iterable, Iterator, List, Optional

import numpy as np

from efnas.config import Config
from efnas.data.sampling_plan import SamplePlan, evaluation_plan
from efnas.errors import EfnasError
from efnas.evaluation.opened import opened_blocks
from efnas.evaluation.space_errors import Bundle, SpaceEvaluator, bundles
from efnas.evaluation.subnets import PoolEvaluation
from efnas.evaluation.trained import Trained, open_trained
from efnas.machine import available_memory_gb
from efnas.runs.lock import RunLock
from efnas.search.errors import ErrorTable, GrowingErrors, read_errors

Progress = Callable[[int, int], None]
# What of the free memory the batches may take, which are read once and go through every bundle.
SHARE_OF_MEMORY = 0.25
# Bundles that are recalibrated a second time.
SECOND = 2


def compute_errors(
    config: Config,
    which: str,
    folder: Path,
    pairs: Optional[int] = None,
    overwrite: bool = False,
    progress: Progress = lambda done, total: None,
) -> ErrorTable:
    """The errors of all subnets with the weights of a checkpoint, on the first `pairs` of the validation set or on all.

    Raises EfnasError for a checkpoint or data that are missing, and for a folder that holds errors of something else.
    """
    with open_trained(config, which) as trained:
        evaluation, space = trained.evaluation(), trained.supernet.space
        plan = evaluation_plan(len(evaluation.sets.val), pairs or len(evaluation.sets.val))
        of = _what(trained, evaluation.sets, [evaluation.sets.val.samples[index].name for index in plan.indices])
        with RunLock(folder):
            growing = GrowingErrors(folder, of, space.size, overwrite)
            every = bundles(space, opened_blocks(space))
            todo = [bundle for bundle in every if not growing.known(bundle.first, bundle.count)]
            if todo or not growing.finished:
                _grow(trained, evaluation, plan, growing, todo, progress)
            progress(space.size, space.size)
    return read_errors(folder)


def _grow(
    trained: Trained, evaluation: PoolEvaluation, plan: SamplePlan, growing: GrowingErrors, todo: List[Bundle],
    progress: Progress,
) -> None:  # fmt: skip
    """What is still to do, and then what other batches of recalibration change, for a few subnets."""
    session, data, space = trained.session, trained.config.data, trained.supernet.space
    size, width, opened = (data.input_height, data.input_width), trained.config.network.base_width, opened_blocks(space)
    evaluator = SpaceEvaluator(trained.supernet, trained.weights, *size, width, opened)
    pairs = trained.config.eval.bn_recal_batches * trained.config.train.batch_size + len(plan)
    kept = _fits(pairs * 8 * size[0] * size[1] * 4)

    def recalibration(number: int) -> _Again:
        return _Again(lambda: (images for images, _ in evaluation.recalibration_batches(session, number)), kept)

    validation = _Again(lambda: evaluation.validation_batches(session, plan), kept)

    def errors_of(bundle: Bundle, batches: Iterable) -> np.ndarray:
        statistics = evaluator.recalibrate(session, bundle, batches)
        return np.concatenate(list(evaluator.errors(session, bundle, statistics, validation)), axis=1)

    usual = recalibration(0)
    for bundle in todo:
        progress(growing.known_count, space.size)
        growing.write(bundle.first, errors_of(bundle, usual))
    other, every = recalibration(1), bundles(space, opened)
    twice = [every[place] for place in sorted({*np.linspace(0, len(every) - 1, SECOND).astype(int)})]
    before = np.concatenate([growing.rows(bundle.first, bundle.count) for bundle in twice])
    after = np.concatenate([errors_of(bundle, other) for bundle in twice])
    zero = [np.linalg.norm(truth.astype(np.float64), axis=-1).mean(axis=(1, 2)) for _, truth in validation]
    growing.finish(np.concatenate(zero).tolist(), _changed(before, after))


def _changed(before: np.ndarray, after: np.ndarray) -> Dict[str, float]:
    """How much the errors [subnets, pairs] move with other batches of recalibration: all together, and one against
    another, beside what is between subnets; in px."""
    means, moved = before.mean(axis=1, dtype=np.float64), (after - before).mean(axis=1, dtype=np.float64)
    return {"subnets": len(means), "all_by_px": float(moved.mean()), "apart_by_px": float(moved.std()),
            "between_subnets_px": float(means.std())}  # fmt: skip


def _what(trained: Trained, sets, names: List[str]) -> dict:
    """What decides the errors; other values are other errors."""
    config = trained.config
    recalibration = config.eval.bn_recal_batches * config.train.batch_size
    if not recalibration:
        raise EfnasError("The error of all subnets needs recalibration: eval.bn_recal_batches is 0.")
    return {
        **trained.supernet.identity(config.network.base_width),
        "checkpoint": trained.seal.data_sha256,
        "epoch": trained.seal.state["epoch"],
        "input": [config.data.input_height, config.data.input_width],
        "pairs": names,
        "data": sets.fingerprints(),
        "recalibration": {"pairs": recalibration, "batch_size": config.train.batch_size, "seed": config.runtime.seed},
    }


def _fits(size: int) -> bool:
    free = available_memory_gb()
    return free is None or size / 1e9 < SHARE_OF_MEMORY * free


class _Again:
    """What can be gone through many times: kept, or read anew each time."""

    def __init__(self, read: Callable[[], Iterable], kept: bool):
        self._read, self._kept = read, list(read()) if kept else None

    def __iter__(self) -> Iterator:
        return iter(self._kept if self._kept is not None else self._read())
