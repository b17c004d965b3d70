"""The proof of a file's accuracy: its error beside that of the float graph, on the same validation pairs."""

from typing import Callable, List, NamedTuple, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from efnas.core.space import ArchCode
from efnas.data.sampling_plan import evaluation_plan
from efnas.data.scaling import scaled_flow
from efnas.evaluation.subnets import PoolEvaluation
from efnas.export.host import KERNELS, Interpreter
from efnas.export.weights import SubnetWeights


class Verification(NamedTuple):
    """EPE in pixels of the file and of the float graph on the same validation pairs, and of predicting zero."""

    pairs: int
    file_epe: float
    float_epe: float
    zero_epe: float

    @property
    def gap(self) -> float:
        return self.file_epe / self.float_epe - 1.0

    def as_dict(self) -> dict:
        return {**self._asdict(), "gap": self.gap, "kernels": KERNELS}


class FileErrors(NamedTuple):
    """EPE in pixels on each pair, float64 [pairs]: of the file, of the float graph, and of predicting zero."""

    file: np.ndarray
    float: np.ndarray
    zero: np.ndarray

    def verification(self) -> Verification:
        return Verification(len(self.file), *(float(each.mean()) for each in self))


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
