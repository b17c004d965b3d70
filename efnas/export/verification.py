"""The proof of a file's accuracy: its error beside that of the float graph, on the same validation pairs."""

from typing import Callable, List, NamedTuple, Optional, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from efnas.core.space import ArchCode
from efnas.data.sampling_plan import evaluation_plan
from efnas.data.scaling import scaled_flow
from efnas.evaluation.subnets import PoolEvaluation
from efnas.export.host import KERNELS, Interpreter
from efnas.export.micro import Beside, Micro, MicroRun
from efnas.export.weights import SubnetWeights


class Verification(NamedTuple):
    """EPE in pixels of the file and of the float graph on the same validation pairs, and of predicting zero; `micro` is
    the same file in the runtime of the board, where that is at hand."""

    pairs: int
    file_epe: float
    float_epe: float
    zero_epe: float
    micro: Optional[MicroRun] = None

    @property
    def gap(self) -> float:
        return self.file_epe / self.float_epe - 1.0

    def as_dict(self) -> dict:
        return {**self._asdict(), "micro": self.micro and self.micro._asdict(), "gap": self.gap, "kernels": KERNELS}


class FileErrors(NamedTuple):
    """EPE in pixels on each pair, float64 [pairs]: of the file, of the float graph, and of predicting zero."""

    file: np.ndarray
    float: np.ndarray
    zero: np.ndarray
    micro: Optional[MicroRun] = None

    def verification(self) -> Verification:
        errors = self.file, self.float, self.zero
        return Verification(len(self.file), *(float(each.mean()) for each in errors), self.micro)


def errors_of_file(
    evaluation: PoolEvaluation, session: tf.Session, arch: ArchCode, weights: SubnetWeights, model: bytes, pairs: int,
    progress: Callable[[int, int], None] = lambda done, total: None, micro: Optional[Micro] = None,
) -> FileErrors:  # fmt: skip
    """Run the file and the float graph of its weights on the first validation pairs (centre crops or whole frames), and
    with `micro` an INT8 file in the runtime of the board beside it. Raises CheckFailed where that cannot run it."""
    val = evaluation.sets.val
    interpreter = Interpreter(model)
    beside = micro and Beside(micro, model)
    errors: List[Tuple[float, ...]] = []
    for batch in evaluation.validation_batches(session, evaluation_plan(len(val), pairs)):
        for images, truth in zip(*batch):
            stored = interpreter.stored(images)
            if beside:
                beside.begin(stored)
            (exact,) = evaluation.evaluator.predict(session, arch, weights.statistics, images[None])
            outputs = interpreter.run(stored)
            if beside:
                beside.compare(outputs)
            predicted = interpreter.flow_of(outputs, *images.shape[:2]), exact
            flows = *(scaled_flow(flow, *truth.shape[:2]) for flow in predicted), np.zeros_like(truth)
            errors.append(tuple(np.linalg.norm(flow - truth, axis=-1).mean() for flow in flows))
            progress(len(errors), min(pairs, len(val)))
    return FileErrors(*np.array(errors, np.float64).T, beside and beside.found)
