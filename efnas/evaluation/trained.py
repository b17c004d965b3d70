"""Evaluating the checkpoint of a run: what stands behind `efnas eval`."""

from pathlib import Path
from typing import Callable, List, NamedTuple, Optional

import tensorflow.compat.v1 as tf

from efnas.backend import select_device
from efnas.config import Config
from efnas.core.space import FLOW_SPACE, ArchCode
from efnas.data.sources import open_datasets
from efnas.evaluation.panels import write_panel
from efnas.evaluation.subnets import PoolEvaluation
from efnas.files import make_folder, write_json
from efnas.runs.checkpoints import restore
from efnas.runs.network_identity import network_identity
from efnas.runs.run_files import checkpoint_path, evaluation_result
from efnas.runs.subnet_errors import SubnetErrors


class CheckpointEvaluation(NamedTuple):
    evaluation: SubnetErrors
    checkpoint: Path
    state: dict
    written: Path
    pictures: List[Path]
    as_dict: dict


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
    make_folder(folder)
    (statistics,) = work.evaluator.statistics(session, [arch], work.recalibration_batches(session))
    plan = work.validation_plan()
    written: List[Path] = []
    for images, truth in work.validation_batches(session):
        flow = work.evaluator.predict(session, arch, statistics, images)
        for number in range(len(images)):
            name = work.sets.val.samples[plan.indices[len(written)]].name
            path = folder / f"{Path(name).name}_{arch.compact}.png"
            write_panel(path, f"{name}, subnet {arch}", images[number], flow[number], truth[number])
            written.append(path)
            if len(written) == count:
                return written
    return written
