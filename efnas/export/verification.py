"""The proof of a file's accuracy: its error beside that of the float graph, on the same validation pairs."""

from typing import Callable, Dict, List, NamedTuple, Optional

import numpy as np
import tensorflow.compat.v1 as tf

from efnas.core.space import ArchCode
from efnas.data.sampling_plan import evaluation_plan
from efnas.data.scaling import scaled_flow
from efnas.errors import CheckFailed
from efnas.evaluation.places import paired_margin
from efnas.evaluation.subnets import PoolEvaluation
from efnas.export.host import KERNELS, Interpreter
from efnas.export.layer_errors import LayerError, layer_errors
from efnas.export.micro import Beside, Micro, MicroRun
from efnas.export.weights import SubnetWeights
from efnas.runs.subnet_errors import Margin

LAYER_PAIRS = 64  # held in memory


class Verification(NamedTuple):
    """EPE in pixels of the file and of the float graph on the same validation pairs, and of predicting zero.

    `gap` is the paired difference of the first two as a part of the second, with its 95 % interval; `micro` the same
    file in the runtime of the board, where that is at hand.
    """

    pairs: int
    file_epe: float
    float_epe: float
    zero_epe: float
    gap: Margin
    micro: Optional[MicroRun] = None

    def as_dict(self) -> dict:
        gap, low, high = self.gap
        return {**self._asdict(), "gap": gap, "gap_low": low, "gap_high": high, "kernels": KERNELS,
                "micro": self.micro and self.micro._asdict()}  # fmt: skip

    def require_gap(self, most: Optional[float], offered: str = "") -> None:
        """Raises CheckFailed where the gap surely lies above `most`, a part of the float error, with what is offered
        against that."""
        mean, low, high = self.gap
        if most is not None and low is not None and low > most:
            gap = f"{mean:+.2%} ({low:+.2%} to {high:+.2%})"
            raise CheckFailed(f"The gap of INT8 to float is {gap}, above --max-gap {most:.2%}.{offered}")


class FileErrors(NamedTuple):
    """EPE in pixels on each pair, float64 [pairs], of the file, of the float graph, and of predicting zero; the pairs
    by name."""

    names: List[str]
    file: np.ndarray
    float: np.ndarray
    zero: np.ndarray
    micro: Optional[MicroRun] = None

    def verification(self) -> Verification:
        mean = float(self.float.mean())
        gap = paired_margin((self.file - self.float) / mean, self.names)
        return Verification(len(self.file), float(self.file.mean()), mean, float(self.zero.mean()), gap, self.micro)


def errors_of_files(
    evaluation: PoolEvaluation, session: tf.Session, arch: ArchCode, weights: SubnetWeights, models: Dict[str, bytes],
    pairs: int, progress: Callable[[int, int], None] = lambda done, total: None, micro: Optional[Micro] = None,
) -> Dict[str, FileErrors]:  # fmt: skip
    """Run the files and the float graph of the checkpoint on the first validation pairs (centre crops or whole frames),
    and with `micro` the first one, in INT8, in the runtime of the board beside it. Raises CheckFailed where that cannot
    run it."""
    val = evaluation.sets.val
    interpreters = list(map(Interpreter, models.values()))
    beside = micro and Beside(micro, next(iter(models.values())))
    errors: List[List[float]] = []
    for batch in evaluation.validation_batches(session, evaluation_plan(len(val), pairs)):
        for images, truth in zip(*batch):
            stored = [interpreter.stored(images) for interpreter in interpreters]
            if beside:
                beside.begin(stored[0])
            (exact,) = evaluation.evaluator.predict(session, arch, weights.statistics, images[None])
            outputs = [interpreter.run(given) for interpreter, given in zip(interpreters, stored)]
            if beside:
                beside.compare(outputs[0])
            predicted = [each.flow_of(given, *images.shape[:2]) for each, given in zip(interpreters, outputs)]
            flows = *(scaled_flow(flow, *truth.shape[:2]) for flow in (exact, *predicted)), np.zeros_like(truth)
            errors.append([np.linalg.norm(flow - truth, axis=-1).mean() for flow in flows])
            progress(len(errors), min(pairs, len(val)))
    names = [sample.name for sample in val.samples[: len(errors)]]
    exact, *files, zero = np.array(errors, np.float64).T
    runs = [beside and beside.found] + [None] * (len(files) - 1)
    return {name: FileErrors(names, file, exact, zero, run) for name, file, run in zip(models, files, runs)}


def layers_of_file(
    evaluation: PoolEvaluation, session: tf.Session, model: bytes, exact: bytes, pairs: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> List[LayerError]:  # fmt: skip
    """What each layer of an INT8 file adds alone to the error of `exact`, the same network in float, on the first
    validation pairs, of which there are at most 64."""
    plan = evaluation_plan(len(evaluation.sets.val), min(pairs, LAYER_PAIRS))
    batches = evaluation.validation_batches(session, plan)
    seen = [pair for batch in batches for pair in zip(*batch)]
    names = [evaluation.sets.val.samples[index].name for index in plan.indices]
    return layer_errors(model, exact, seen, names, progress)
