"""What the loop, the data, checkpoints, resume, histories and early stop know of a training step.

A step is configured first, which costs nothing (`draw`, `identity`), and connected to data and weights later.
"""

from typing import Dict, List, NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf
from typing_extensions import Protocol

from efnas.core.weights import Weights
from efnas.data.batches import Batch


class StepResult(NamedTuple):
    """Mean over the lanes, the micro batches and the ranks; the norm is that of the mean gradient before it was
    clipped, or 0 of a step that was left out because its gradient overflowed float16 (see `mixed`)."""

    loss: float
    loss_with_decay: float
    gradient_norm: float


class Step(Protocol):
    @property
    def identity(self) -> Dict[str, object]:
        """What of it makes a run another run: keys and values for the manifest."""

    def draw(self, step: int) -> np.ndarray:
        """The arch codes that step number `step` trains: int32 [lanes, blocks], a function of the number alone."""

    def connect(self, batch: Batch, weights: Weights, gradients_as_convolutions: bool, small_maps: bool = True) -> None:
        """Build the graph over `batch`, the next micro batch each time it is fetched. The last two are for the CPU:
        see `core.layers`."""

    def run(
        self, session: tf.Session, codes: np.ndarray, rate: float, micro_batches: List[int], share: float = 1.0
    ) -> StepResult:
        """Train on the next `len(micro_batches)` pieces of the reader, of these sizes: one session call a piece. They
        are this `share` of the step's samples; other ranks have the others."""

    @property
    def optimiser_state(self) -> List[tf.Variable]:
        """What, beside the weights, a training needs to go on."""
