"""Export of a subnet: weights, conversion, checks, the description beside the file, and the proof of its accuracy."""

import platform
from pathlib import Path
from typing import Callable, Dict, NamedTuple, Optional

import numpy as np
import tensorflow.compat.v1 as tf

from efnas import __version__
from efnas.config import Config
from efnas.core.space import FLOW_SPACE, ArchCode
from efnas.data.batches import BatchReader
from efnas.data.sampling_plan import evaluation_plan
from efnas.data.sources import open_datasets
from efnas.evaluation.subnets import SubnetEvaluator
from efnas.export.converter import checked_file, subnet_network, trained_shapes
from efnas.export.host import HOW_TO_READ, Interpreter
from efnas.export.weights import SubnetWeights, checkpoint_weights, random_weights
from efnas.files import require_folder_of, write_json, write_whole


class Verification(NamedTuple):
    """EPE in pixels of the file and of the float graph on the same validation pairs, and of predicting zero."""

    pairs: int
    file_epe: float
    float_epe: float
    zero_epe: float

    @property
    def gap(self) -> float:
        return self.file_epe / self.float_epe - 1.0


class Exported(NamedTuple):
    path: Path
    description: dict
    verification: Optional[Verification]


def export_subnet(
    config: Config, arch: ArchCode, out: Path, checkpoint: Optional[str], form: str, int8: bool, verify: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Exported:  # fmt: skip
    """Write `out` and `out` + `.json`; `checkpoint` None means seeded random weights.

    `progress` is told how many pairs are verified. Raises CheckFailed, with nothing written, when the file is not the
    subnet or not fully INT8.
    """
    height, width, base_width = config.data.input_height, config.data.input_width, config.train.base_width
    require_folder_of(out)
    network = subnet_network(arch, base_width)
    if checkpoint is None:
        weights = random_weights(trained_shapes(network), height, width, config.runtime.seed)
    else:
        weights = checkpoint_weights(config, checkpoint, arch)
    model, content = checked_file(network, weights, height, width, form, int8)
    description = {
        "arch": str(arch),
        "space": FLOW_SPACE.name,
        "form": form,
        "type": "int8" if int8 else "float32",
        "height": height,
        "width": width,
        "base_width": base_width,
        "source": weights.source,
        "inputs": [port._asdict() for port in content.inputs],
        "outputs": [port._asdict() for port in content.outputs],
        "how_to_read": HOW_TO_READ[form].format(height=height, width=width),
        "operators": len(content.operators),
        "convolution_macs": content.convolution_macs,
        "versions": {"efnas": __version__, "tensorflow": tf.__version__, "python": platform.python_version()},
    }
    verification = verify_file(config, arch, weights, model, verify, progress) if verify else None
    if verification:
        description["verification"] = {**verification._asdict(), "gap": verification.gap}
    write_whole(out, model)
    write_json(out.with_name(out.name + ".json"), description)
    return Exported(out, description, verification)


def verify_file(
    config: Config, arch: ArchCode, weights: SubnetWeights, model: bytes, pairs: int,
    progress: Callable[[int, int], None],
) -> Verification:  # fmt: skip
    """Run the file and the float graph on the first validation pairs (centre crops)."""
    data = config.data
    val = open_datasets(data).val
    interpreter = Interpreter(model)
    errors: Dict[str, list] = {"file": [], "float": [], "zero": []}
    with tf.Graph().as_default(), tf.Session() as session:
        reader = BatchReader(val, data.input_height, data.input_width, batch_size=1)
        evaluator = SubnetEvaluator(FLOW_SPACE, data.input_height, data.input_width, config.train.base_width)
        layers = evaluator.recalibration.layers
        session.run(tf.global_variables_initializer())
        session.run([layers.trainable[name].assign(value) for name, value in weights.trainable.items()])
        for images, truth in reader.arrays(session, evaluation_plan(len(val), pairs)):
            flows = {"file": interpreter.flow(images[0]), "zero": np.zeros_like(truth[0]),
                     "float": evaluator.predict(session, arch, weights.statistics, images)[0]}  # fmt: skip
            for name, flow in flows.items():
                errors[name].append(np.linalg.norm(flow - truth[0], axis=-1).mean())
            progress(len(errors["file"]), min(pairs, len(val)))
    means = {name: float(np.mean(values)) for name, values in errors.items()}
    return Verification(len(errors["file"]), means["file"], means["float"], means["zero"])
