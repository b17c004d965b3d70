"""The weights of one subnet as arrays: of an open checkpoint, with BN recalibration, or random ones for timing."""

import zlib
from itertools import islice
from typing import Dict, Iterable, List, Mapping, NamedTuple

import numpy as np

from efnas.core.sampler import RANDOM_WEIGHTS, counter_stream
from efnas.core.space import ArchCode
from efnas.core.variables import Variable
from efnas.evaluation.subnets import PoolEvaluation
from efnas.evaluation.trained import Trained
from efnas.export.calibration import AS_CONVERTED


class SubnetWeights(NamedTuple):
    """Arrays by the name of the variable (`trained`) or of the batch norm (`statistics`: [2, channels], mean and
    variance); `calibration` are image pairs [1, h, w, 6] for quantisation; `source` says where all that came from."""

    trained: Dict[str, np.ndarray]
    statistics: Dict[str, np.ndarray]
    calibration: List[np.ndarray]
    source: dict

    def trained_as(self, variables: Mapping[str, Variable]) -> Dict[str, np.ndarray]:
        """Those that a form has: heads that predict flow alone take the flow's part of the trained kernel."""
        return {name: self.trained[name][..., : shape[-1]] for name, (shape, _) in variables.items()}


def random_weights(variables: Mapping[str, Variable], height: int, width: int, seed: int) -> SubnetWeights:
    """Seeded random weights, good for timing only.

    Kernels are Glorot-uniform (Glorot and Bengio, 2010): how well weights compress shows in the latency, and these
    compress as those of the published figures do.
    """
    trained, statistics = {}, {}
    for name, (shape, _) in variables.items():
        if name.endswith("/kernel"):
            fan_in, fan_out = np.prod(shape[:3]), np.prod(shape[:2]) * shape[3]
            limit = np.sqrt(6.0 / (fan_in + fan_out))
            trained[name] = _generator(seed, name).uniform(-limit, limit, shape).astype(np.float32)
        else:
            trained[name] = np.full(shape, 1.0 if name.endswith("/gamma") else 0.0, np.float32)
            statistics[name.rsplit("/", 1)[0]] = np.stack([np.zeros(shape), np.ones(shape)])
    draw = _generator(seed, "calibration")
    images = [draw.uniform(-1.0, 1.0, (1, height, width, 6)).astype(np.float32) for _ in range(2)]
    source = {"weights": "random", "seed": seed, "calibration": "2 random images",
              "warning": "random weights and calibration: good for timing only"}  # fmt: skip
    return SubnetWeights(trained, statistics, images, source)


def trained_weights(
    checkpoint: Trained, evaluation: PoolEvaluation, archs: List[ArchCode], images: int = AS_CONVERTED.images
) -> List[SubnetWeights]:
    """The weights of subnets of an open checkpoint, with so many images; its data are read once for all of them."""
    session, seal = checkpoint.session, checkpoint.seal
    statistics = evaluation.statistics(session, archs)
    seen = _first_images(evaluation.training_batches(session, images), images)
    trained = session.run(checkpoint.weights.trained)
    source = {"weights": str(checkpoint.path), "epoch": seal.state["epoch"], "step": seal.state["step"],
              "checkpoint_sha256": seal.data_sha256,
              "bn_recal_batches": checkpoint.config.eval.bn_recal_batches,
              "calibration": f"{len(seen)} training images of {evaluation.sets.train.source}"}  # fmt: skip
    return [SubnetWeights(trained, own, seen, source) for own in statistics]


def _first_images(batches: Iterable, count: int) -> List[np.ndarray]:
    return list(islice((image[None] for batch, _ in batches for image in batch), count))


def _generator(seed: int, name: str) -> np.random.Generator:
    return np.random.Generator(counter_stream(seed, RANDOM_WEIGHTS, zlib.crc32(name.encode())))
