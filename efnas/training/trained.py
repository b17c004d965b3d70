"""Evaluating the checkpoint of a run: what stands behind `efnas eval`."""

import json
from pathlib import Path
from typing import Callable, List, NamedTuple, Optional

import tensorflow.compat.v1 as tf

from efnas.config import Config
from efnas.core.checkpoints import restore
from efnas.core.seal import checkpoint_of
from efnas.core.space import FLOW_SPACE, ArchCode
from efnas.data.sources import open_datasets
from efnas.errors import EfnasError
from efnas.files import write_json
from efnas.training.device import select_device
from efnas.training.evaluation import Evaluation, PoolEvaluation
from efnas.training.history import BEST, LAST
from efnas.training.panels import write_panel
from efnas.training.plan import network_identity


class CheckpointEvaluation(NamedTuple):
    evaluation: Evaluation
    checkpoint: Path
    state: dict
    written: Path
    pictures: List[Path]
    as_dict: dict


def checkpoint_path(config: Config, which: str) -> Path:
    """`best` or `last` of the run of a configuration, or the path of a checkpoint, with or without its endings."""
    names = {"best": BEST, "last": LAST}
    if which in names:
        return config.runtime.run_folder / names[which]
    return checkpoint_of(Path(which))


def evaluation_result(path: Path, which: str) -> Path:
    """The file beside a checkpoint that its last evaluation wrote."""
    name = which if which in ("best", "last") else path.name
    return path.parent / f"supernet_eval_result_{name}.json"


def arch_of(config: Config, text: str, which: str) -> ArchCode:
    """The subnet of a code; `best` is the one that the last `efnas eval` of the checkpoint ranked first."""
    if text != "best":
        return FLOW_SPACE.parse(text)
    result = evaluation_result(checkpoint_path(config, which), which)
    try:
        return FLOW_SPACE.parse(json.loads(result.read_text())["ranking"][0]["arch"])
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise EfnasError(f"There is no ranking in {result} to take the best subnet from: run efnas eval.") from error


def evaluate_checkpoint(
    config: Config,
    which: str,
    archs: List[ArchCode],
    pictures: Optional[Path] = None,
    picture_count: int = 4,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> CheckpointEvaluation:
    """Evaluate archs with the weights of a checkpoint; writes `supernet_eval_result_<which>.json` beside it.

    `pictures` is a folder for panels of the best arch's predictions. Raises EfnasError for a checkpoint that is
    missing, damaged or of another network, before any data is read.
    """
    path = checkpoint_path(config, which)
    device = select_device(config.runtime.gpu_device, config.runtime.threads)
    sets = open_datasets(config.data)
    with tf.Graph().as_default():
        work = PoolEvaluation(FLOW_SPACE, config, sets, device.threads, progress)
        with tf.Session(config=device.session_config) as session:
            session.run(tf.global_variables_initializer())
            layers = work.evaluator.recalibration.layers
            state = restore(
                session, list(layers.trainable.values()) + layers.moving_averages(), path, network_identity(config)
            )
            evaluation = work.run(session, archs)
            drawn = _draw(work, session, evaluation.ranking()[0], pictures, picture_count) if pictures else []
    written = evaluation_result(path, which)
    content = {
        "checkpoint": str(path),
        "epoch": state["epoch"],
        "step": state["step"],
        "bn_recal_batches": config.eval.bn_recal_batches,
        "val_samples": evaluation.samples,
        "val_fingerprint": sets.val.fingerprint(),
        **evaluation.summary(FLOW_SPACE.baseline),
        "ranking": [
            {"rank": rank, "arch": str(arch), "epe": evaluation.epe[arch]}
            for rank, arch in enumerate(evaluation.ranking(), start=1)
        ],
    }
    write_json(written, content)
    return CheckpointEvaluation(evaluation, path, state, written, drawn, content)


def _draw(work: PoolEvaluation, session: tf.Session, arch: ArchCode, folder: Path, count: int) -> List[Path]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EfnasError(f"Cannot write pictures to {folder}: {error.strerror}.") from error
    (statistics,) = work.evaluator.statistics(session, [arch], work.recalibration_batches(session))
    plan = work.validation_plan()
    written: List[Path] = []
    for images, truth in work.validation_batches(session):
        flow = work.evaluator.predict(session, arch, statistics, images)
        for number in range(len(images)):
            name = work.sets.val.samples[plan.indices[len(written)]].name
            path = folder / f"{Path(name).name}_{arch.compact}.png"
            write_panel(path, f"{name}, subnet {arch}", images[number], truth[number], flow[number])
            written.append(path)
            if len(written) == count:
                return written
    return written
