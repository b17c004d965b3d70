"""Export of a subnet: conversion, checks, the description beside the file, and the proof of its accuracy."""

import hashlib
import platform
from contextlib import ExitStack
from pathlib import Path
from typing import Callable, List, NamedTuple, Optional, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from efnas import __version__
from efnas.config import Config
from efnas.core.space import ArchCode
from efnas.data.sampling_plan import evaluation_plan
from efnas.data.scaling import scaled_flow
from efnas.evaluation.subnets import PoolEvaluation
from efnas.evaluation.trained import open_trained
from efnas.export.converter import checked_file
from efnas.export.host import HOW_TO_READ, Interpreter
from efnas.export.networks import output_names, subnet_network
from efnas.export.weights import SubnetWeights, random_weights, trained_weights
from efnas.files import as_json, require_folder_of, write_together
from efnas.runs.supernet import supernet_of, whole_supernet_of


class Verification(NamedTuple):
    """EPE in pixels of the file and of the float graph on the same validation pairs, and of predicting zero."""

    pairs: int
    file_epe: float
    float_epe: float
    zero_epe: float

    @property
    def gap(self) -> float:
        return self.file_epe / self.float_epe - 1.0


class FileErrors(NamedTuple):
    """EPE in pixels on each pair, float64 [pairs]: of the file, of the float graph, and of predicting zero."""

    file: np.ndarray
    float: np.ndarray
    zero: np.ndarray

    def verification(self) -> Verification:
        return Verification(len(self.file), *(float(each.mean()) for each in self))


class Exported(NamedTuple):
    path: Path
    description: dict
    errors: Optional[FileErrors]

    @property
    def verification(self) -> Optional[Verification]:
        return self.errors and self.errors.verification()


def export_subnet(
    config: Config, arch: ArchCode, out: Path, checkpoint: Optional[str], form: str, int8: bool, verify: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Exported:  # fmt: skip
    """Write `out` and `out` + `.json`; `checkpoint` None means seeded random weights.

    Of trained weights the file is verified on `verify` pairs, which `progress` is told. Raises CheckFailed, with
    nothing written, when the file is not the subnet or not fully INT8.
    """
    height, width = config.data.input_height, config.data.input_width
    described = out.with_name(out.name + ".json")
    for path in (out, described):
        require_folder_of(path)
    supernet = whole_supernet_of(config) if checkpoint is None else supernet_of(config)
    network = subnet_network(supernet, arch, config.network.base_width)
    errors, seen = None, {}
    with ExitStack() as opened:
        if checkpoint is None:
            weights = random_weights(network.variables(), height, width, config.runtime.seed)
        else:
            trained = opened.enter_context(open_trained(config, checkpoint))
            evaluation = trained.evaluation()
            (weights,) = trained_weights(trained, evaluation, [arch])
            seen = {"geometry": config.data.geometry}  # of recalibration and calibration
        model, content = checked_file(network, weights, height, width, form, int8)
        if checkpoint and verify:
            errors = errors_of_file(evaluation, trained.session, arch, weights, model, verify, progress)
    description = {
        "arch": str(arch),
        "space": supernet.name,
        "form": form,
        "type": "int8" if int8 else "float32",
        "height": height,
        "width": width,
        "base_width": config.network.base_width,
        "source": {**weights.source, **seen},
        "inputs": [port._asdict() for port in content.inputs],
        "outputs": [port._asdict() for port in content.outputs],
        "how_to_read": HOW_TO_READ[form].format(height=height, width=width, **output_names(supernet, form)),
        "sha256": hashlib.sha256(model).hexdigest(),
        "operators": len(content.operators),
        "convolution_macs": content.convolution_macs,
        "versions": {"efnas": __version__, "tensorflow": tf.__version__, "python": platform.python_version()},
    }
    exported = Exported(out, description, errors)
    if errors:
        told = {"geometry": config.data.geometry, **exported.verification._asdict(), "gap": exported.verification.gap}
        description["verification"] = told
    write_together({out: model, described: as_json(description)})
    return exported


def errors_of_file(
    evaluation: PoolEvaluation, session: tf.Session, arch: ArchCode, weights: SubnetWeights, model: bytes, pairs: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> FileErrors:  # fmt: skip
    """Run the file and the float graph of its weights on the first validation pairs (centre crops or whole frames)."""
    val = evaluation.sets.val
    interpreter = Interpreter(model)
    errors: List[Tuple[float, ...]] = []
    for batch in evaluation.validation_batches(session, evaluation_plan(len(val), pairs)):
        for images, truth in zip(*batch):
            (exact,) = evaluation.evaluator.predict(session, arch, weights.statistics, images[None])
            size = truth.shape[:2]
            flows = scaled_flow(interpreter.flow(images), *size), scaled_flow(exact, *size), np.zeros_like(truth)
            errors.append(tuple(np.linalg.norm(flow - truth, axis=-1).mean() for flow in flows))
            progress(len(errors), min(pairs, len(val)))
    return FileErrors(*np.array(errors, np.float64).T)
