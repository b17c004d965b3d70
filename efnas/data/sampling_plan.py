"""Which samples an epoch gives, in which order and cut where: pure functions of (seed, position).

All epochs read one endless stream of samples; position t of it does not depend on how it is cut into epochs. An epoch
is `samples_per_epoch` positions of the stream, so a resumed run finds its place by counting.
"""

from dataclasses import dataclass
from typing import Optional

import numpy as np

from efnas.config_augmentation import Augmentation
from efnas.core.sampler import CROPS, ORDER, counter_stream
from efnas.data.augmentation import changes_at

FULL_PASS, BY_SAMPLES, FIXED_STEPS = "full_pass", "by_samples", "fixed_steps"
SHUFFLE, WITH_REPLACEMENT = "shuffle_no_replacement", "random_with_replacement"
# The stream is drawn in blocks of this many positions where it does not follow whole passes over the data.
BLOCK = 4096


@dataclass(frozen=True)
class SamplePlan:
    """Samples in the order of reading. `indices` int64 [n]; `crops` uint-valued int64 [n, 2]: a crop begins at
    crop % (image size - crop size + 1) from the top and from the left; -1 is the centre. `changes` are the rows of
    `augmentation.changes_at` where the samples are changed."""

    indices: np.ndarray
    crops: np.ndarray
    changes: Optional[np.ndarray] = None

    def __getitem__(self, part) -> "SamplePlan":
        changes = None if self.changes is None else self.changes[part]
        return SamplePlan(self.indices[part], self.crops[part], changes)

    def __len__(self) -> int:
        return len(self.indices)


def samples_per_epoch(size: int, epoch_mode: str, batch_size: int, steps: int, samples: int) -> int:
    """Number of samples that an epoch reads from a data set of `size` samples."""
    return {FULL_PASS: size, BY_SAMPLES: samples, FIXED_STEPS: steps * batch_size}[epoch_mode]


def training_plan(
    seed: int, size: int, start: int, count: int, sampling: str = SHUFFLE, augmentation: Optional[Augmentation] = None
) -> SamplePlan:
    """Positions start .. start + count of the training stream over a data set of `size` samples.

    `shuffle_no_replacement` goes through the data in one random order after another, each sample once a pass, also
    across epochs that are shorter than a pass; `random_with_replacement` draws each position on its own.
    """
    positions = np.arange(start, start + count, dtype=np.int64)
    period = size if sampling == SHUFFLE else BLOCK
    indices = np.empty(count, np.int64)
    crops = np.empty((count, 2), np.int64)
    for block in np.unique(positions // period):
        here = positions // period == block
        place = positions[here] % period
        draws = counter_stream(seed, ORDER, int(block)).random_raw(period)
        indices[here] = (
            np.argsort(draws, kind="stable") if sampling == SHUFFLE else (draws % np.uint64(size)).astype(np.int64)
        )[place]
        cuts = counter_stream(seed, CROPS, int(block)).random_raw(2 * period).reshape(period, 2)
        crops[here] = (cuts >> np.uint64(33)).astype(np.int64)[place]
    return SamplePlan(indices, crops, changes_at(augmentation, seed, positions) if augmentation else None)


def evaluation_plan(size: int, count: int) -> SamplePlan:
    """The first `count` samples, centre crops."""
    count = min(size, count)
    return SamplePlan(np.arange(count, dtype=np.int64), np.full((count, 2), -1, np.int64))


def coverage(plan: SamplePlan, size: int) -> float:
    """Distinct samples of a plan / size of the data set."""
    return len(np.unique(plan.indices)) / size
