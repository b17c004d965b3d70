"""A validation set that is held out of the training set (`data.val_holdout`)."""

from typing import Tuple

import numpy as np

from efnas.core.sampler import HOLDOUT, counter_stream
from efnas.data.flying_chairs import DataSet
from efnas.data.scenes import scenes_of

# Of no run: trainings with several seeds are compared on the same pairs.
SEED = 0


def held_out(whole: DataSet, count: int) -> Tuple[DataSet, DataSet]:
    """What is left to train on, and `count` pairs drawn from all, both in the order of the whole; either may be empty.

    Where the names tell scenes, whole ones are held out, as many as fit into `count` in the order drawn: a frame beside
    one that was trained on would measure what was remembered. Of single pairs more hold the fewer out as well.
    """
    scenes = scenes_of([sample.name for sample in whole.samples])
    sizes = np.bincount(scenes)
    held = np.zeros(len(sizes), bool)
    for scene in np.argsort(counter_stream(SEED, HOLDOUT, 0).random_raw(len(sizes)), kind="stable"):
        if sizes[scene] <= count:
            held[scene] = True
            count -= sizes[scene]
    rest, out = (tuple(sample for sample, taken in zip(whole.samples, held[scenes]) if taken == wanted)
                 for wanted in (False, True))  # fmt: skip
    return DataSet(rest, whole.source), DataSet(out, whole.source)
