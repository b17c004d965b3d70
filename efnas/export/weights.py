"""The weights of one subnet as arrays: from a checkpoint, with BN recalibration, or random ones for timing."""

import zlib
from itertools import islice
from typing import Dict, Iterable, List, NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf

from efnas.backend import select_device
from efnas.config import Config
from efnas.core.sampler import RANDOM_WEIGHTS, counter_stream
from efnas.core.space import FLOW_SPACE, ArchCode
from efnas.data.sources import open_datasets
from efnas.evaluation.subnets import PoolEvaluation
from efnas.runs.checkpoints import restore
from efnas.runs.network_identity import network_identity
from efnas.runs.run_files import checkpoint_path
from efnas.runs.seal import data_sha256

CALIBRATION_IMAGES = 16


class SubnetWeights(NamedTuple):
    """Arrays by the name of the variable (`trainable`) or of the batch norm (`statistics`: [2, channels], mean and
    variance); `calibration` are image pairs [1, h, w, 6] for quantisation; `source` says where all that came from."""

    trainable: Dict[str, np.ndarray]
    statistics: Dict[str, np.ndarray]
    calibration: List[np.ndarray]
    source: dict


def random_weights(shapes: Dict[str, tuple], height: int, width: int, seed: int) -> SubnetWeights:
    """Seeded random weights, good for timing only. `shapes` are those of the trained variables by name.

    Kernels are Glorot-uniform (Glorot and Bengio, 2010): how well weights compress shows in the latency, and these
    compress as those of the published figures do.
    """
    trainable, statistics = {}, {}
    for name, shape in shapes.items():
        if name.endswith("/kernel"):
            fan_in, fan_out = np.prod(shape[:3]), np.prod(shape[:2]) * shape[3]
            limit = np.sqrt(6.0 / (fan_in + fan_out))
            trainable[name] = _generator(seed, name).uniform(-limit, limit, shape).astype(np.float32)
        else:
            trainable[name] = np.full(shape, 1.0 if name.endswith("/gamma") else 0.0, np.float32)
            statistics[name.rsplit("/", 1)[0]] = np.stack([np.zeros(shape), np.ones(shape)])
    draw = _generator(seed, "calibration")
    images = [draw.uniform(-1.0, 1.0, (1, height, width, 6)).astype(np.float32) for _ in range(2)]
    source = {"weights": "random", "seed": seed, "calibration": "2 random images",
              "warning": "random weights and calibration: good for timing only"}  # fmt: skip
    return SubnetWeights(trainable, statistics, images, source)


def checkpoint_weights(config: Config, which: str, arch: ArchCode) -> SubnetWeights:
    """The weights of a subnet from `best`, `last` or a path, its recalibrated statistics, and training images.

    Raises EfnasError for a checkpoint that is missing, damaged or of another network.
    """
    path = checkpoint_path(config, which)
    device = select_device(config.runtime.gpu_device, config.runtime.threads)
    sets = open_datasets(config.data)
    with tf.Graph().as_default():
        work = PoolEvaluation(FLOW_SPACE, config, sets, device.threads)
        layers = work.evaluator.recalibration.layers
        variables = layers.trainable
        with tf.Session(config=device.session_config) as session:
            session.run(tf.global_variables_initializer())
            state = restore(session, [*variables.values(), *layers.moving_averages()], path, network_identity(config))
            (statistics,) = work.evaluator.statistics(session, [arch], work.recalibration_batches(session))
            images = _first_images(work.training_batches(session, CALIBRATION_IMAGES))
            trainable = session.run(dict(variables))
    source = {"weights": str(path), "epoch": state["epoch"], "step": state["step"],
              "checkpoint_sha256": data_sha256(path), "bn_recal_batches": config.eval.bn_recal_batches,
              "calibration": f"{len(images)} training images of {sets.train.source}"}  # fmt: skip
    return SubnetWeights(trainable, statistics, images, source)


def _first_images(batches: Iterable) -> List[np.ndarray]:
    images = (image[None] for batch, _ in batches for image in batch)
    return list(islice(images, CALIBRATION_IMAGES))


def _generator(seed: int, name: str) -> np.random.Generator:
    return np.random.Generator(counter_stream(seed, RANDOM_WEIGHTS, zlib.crc32(name.encode())))
