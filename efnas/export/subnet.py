"""Export of a subnet: conversion, checks and the description beside the file."""

import hashlib
import platform
from contextlib import ExitStack
from pathlib import Path
from typing import Callable, NamedTuple, Optional

import tensorflow.compat.v1 as tf

from efnas import __version__
from efnas.config import Config
from efnas.core.space import ArchCode
from efnas.evaluation.trained import open_trained
from efnas.export.calibration import AS_CONVERTED, Calibration
from efnas.export.converter import checked_file, convert
from efnas.export.host import how_to_read
from efnas.export.micro import Micro
from efnas.export.networks import output_names, subnet_network
from efnas.export.verification import FileErrors, Verification, errors_of_files, layers_of_file
from efnas.export.weights import random_weights, trained_weights
from efnas.files import as_json, require_folder_of, write_together
from efnas.runs.supernet import supernet_of, whole_supernet_of
from efnas.vela.installed import planned_arena


class Exported(NamedTuple):
    path: Path
    description: dict
    errors: Optional[FileErrors]

    @property
    def verification(self) -> Optional[Verification]:
        return self.errors and self.errors.verification()


def export_subnet(
    config: Config, arch: ArchCode, out: Path, checkpoint: Optional[str], form: str, int8: bool, verify: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None, micro: Optional[Micro] = None,
    calibration: Calibration = AS_CONVERTED, max_gap: Optional[float] = None,
    on_step: Callable[[int, int], None] = lambda done, total: None,
) -> Exported:  # fmt: skip
    """Write `out` and `out` + `.json`; `checkpoint` None means seeded random weights, which are not fine-tuned.

    Of trained weights the file is verified on `verify` pairs, which `progress` is told, and in INT8 also in `micro`;
    where its error is more than `max_gap` above that in float (0.01: 1 %), the layers that this comes from are named.
    Raises CheckFailed, with nothing written, when the file is not the subnet, not fully INT8, or computes otherwise in
    the runtime of the board.
    """
    height, width = config.data.input_height, config.data.input_width
    described = out.with_name(out.name + ".json")
    for path in (out, described):
        require_folder_of(path)
    supernet = whole_supernet_of(config) if checkpoint is None else supernet_of(config)
    network = subnet_network(supernet, arch, config.network.base_width)
    errors, seen, layers, tuned, beside = None, {}, [], None, {}
    with ExitStack() as opened:
        if checkpoint is None:
            weights = random_weights(network.variables(), height, width, config.runtime.seed)
        else:
            trained = opened.enter_context(open_trained(config, checkpoint))
            evaluation = trained.evaluation()
            (weights,) = trained_weights(trained, evaluation, [arch], calibration.images)
            seen = {"geometry": config.data.geometry}  # of recalibration and calibration
        model, content = checked_file(network, weights, height, width, form, int8, calibration)
        untuned = model
        if calibration.tuning:
            from efnas.export.fine_tuning import fine_tuned

            batches = evaluation.training_batches(trained.session, calibration.tuning.steps * config.train.batch_size)
            tuned = fine_tuned(network, weights, model, form, config, calibration, batches, trained.device, on_step)
            weights = tuned.weights
            model, content = checked_file(network, weights, height, width, form, int8, calibration, tuned.ranges)
        if checkpoint and verify:
            files = {"file": model}
            if tuned:
                files.update(untuned=untuned, tuned_in_float=convert(network, weights, height, width, form, False))
            micro = micro if int8 else None
            beside = errors_of_files(evaluation, trained.session, arch, weights, files, verify, progress, micro)
            errors = beside.pop("file")
            if errors.micro:
                errors.micro.require_equal()
            if max_gap is not None and errors.verification().gap.mean > max_gap:
                exact = files.get("tuned_in_float") or convert(network, weights, height, width, form, False)
                layers = layers_of_file(evaluation, trained.session, model, exact, verify, progress)
    description = {
        "arch": str(arch),
        "space": supernet.name,
        "form": form,
        "type": "int8" if int8 else "float32",
        "height": height,
        "width": width,
        "base_width": config.network.base_width,
        "source": {**weights.source, **seen},
        "scales": calibration.in_words() if int8 else None,
        "fine_tuning": tuned and tuned.told,
        "inputs": [port._asdict() for port in content.inputs],
        "outputs": [port._asdict() for port in content.outputs],
        "how_to_read": how_to_read(form, output_names(supernet, form), height, width),
        "sha256": hashlib.sha256(model).hexdigest(),
        "operators": len(content.operators),
        "kinds_of_operators": sorted({kind for kind, _, _ in content.operators}),
        "convolution_macs": content.convolution_macs,
        "versions": {"efnas": __version__, "tensorflow": tf.__version__, "python": platform.python_version()},
    }
    exported = Exported(out, description, errors)
    if errors:
        description["verification"] = {"geometry": config.data.geometry, **exported.verification.as_dict()}
        for name, found in beside.items():
            description["verification"][name] = found.verification().as_dict()
        if errors.micro:
            description["verification"]["micro"]["vela"] = planned_arena(model)
        if layers:
            description["verification"]["layers"] = [layer.as_dict() for layer in layers]
    write_together({out: model, described: as_json(description)})
    return exported
