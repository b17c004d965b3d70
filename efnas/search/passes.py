"""What settles bundles of subnets: an open checkpoint, the walks over it, and batches that go through every pass."""

from contextlib import contextmanager
from functools import lru_cache
from typing import Callable, Iterable, Iterator, List, Optional, Sequence

import numpy as np

from efnas.config import Config
from efnas.data.packed import frame_size
from efnas.data.sampling_plan import evaluation_plan
from efnas.errors import EfnasError
from efnas.evaluation.space_errors import SpaceEvaluator, bundles
from efnas.evaluation.trained import Trained, open_trained
from efnas.machine import available_memory_gb
from efnas.ranks import ALONE, Ranks
from efnas.search.pass_engines import Computation, Pass

# What of the free memory the batches may take, which are read once and go through every pass.
SHARE_OF_MEMORY = 0.25


class Passes:
    """Passes over all subnets that differ in the `opened` blocks, on the first `pairs` of the validation set or on all.

    `of` says what decides the errors; other values are other errors. The graph is built, and batches are read, when
    the first pass needs them.
    """

    def __init__(
        self, trained: Trained, pairs: Optional[int], opened: Sequence[str], memory_gb: Optional[float] = None
    ):
        self._trained, self._session, self._memory_gb = trained, trained.session, memory_gb
        self.space, self._opened, self._pairs = trained.supernet.space, list(opened), pairs
        self.bundles = bundles(self.space, self._opened)
        self._evaluation = trained.evaluation()
        self.doubt = trained.doubt(self._evaluation.sets)
        validation = self._evaluation.sets.val
        self._plan = evaluation_plan(len(validation), pairs or len(validation))
        self.of = self._what([validation.samples[index].name for index in self._plan.indices])
        self._evaluator: Optional[SpaceEvaluator] = None
        self._validation = self._again(lambda: self._evaluation.validation_batches(self._session, self._plan))
        self._recalibration = lru_cache(maxsize=None)(self._recalibration_batches)

    @property
    def computation(self) -> Computation:
        """The same for another process."""
        config, path = self._trained.config, str(self._trained.path)
        return Computation.seen_from_anywhere(config, path, self._pairs, tuple(self._opened), self.of)

    def errors(self, wanted: Pass) -> np.ndarray:
        """End-point errors of the subnets of a bundle, float32 [subnets, pairs], in px."""
        if self._evaluator is None:
            trained, data = self._trained, self._trained.config.data
            size = (data.input_height, data.input_width, trained.config.network.base_width)
            self._evaluator = SpaceEvaluator(trained.supernet, trained.weights, *size, self._opened)
        bundle, evaluator = self.bundles[wanted.bundle], self._evaluator
        statistics = evaluator.recalibrate(self._session, bundle, self._recalibration(wanted.recalibration))
        batches = evaluator.errors(self._session, bundle, statistics, self._validation)
        return np.concatenate(list(batches), axis=1).astype(np.float32)

    def zero_errors(self) -> List[float]:
        """The error of no flow at all, by pair, in px."""
        lengths = [np.linalg.norm(truth.astype(np.float64), axis=-1) for _, truth in self._validation]
        return np.concatenate([each.mean(axis=(1, 2)) for each in lengths]).tolist()

    def _recalibration_batches(self, number: int) -> "_Again":
        return self._again(
            lambda: (images for images, _ in self._evaluation.recalibration_batches(self._session, number))
        )

    def _again(self, read: Callable[[], Iterable]) -> "_Again":
        config = self._trained.config
        pixels = config.data.input_height * config.data.input_width
        of_truth = pixels
        if config.data.whole:  # as large as the frames are, of which the first stands for all
            height, width = frame_size(self._evaluation.sets.val.samples[0])
            of_truth = height * width
        recalibration = config.eval.bn_recal_batches * config.train.batch_size * 8 * pixels
        size = 4 * (recalibration + len(self._plan) * (6 * pixels + 2 * of_truth))
        known = [each for each in (available_memory_gb(), self._memory_gb) if each is not None]
        return _Again(read, not known or size / 1e9 < SHARE_OF_MEMORY * min(known))

    def _what(self, names: List[str]) -> dict:
        config, sealed = self._trained.config, self._trained.seal
        recalibration = config.eval.bn_recal_batches * config.train.batch_size
        if not recalibration:
            raise EfnasError("The error of all subnets needs recalibration: eval.bn_recal_batches is 0.")
        return {
            **self._trained.supernet.identity(config.network.base_width),
            "checkpoint": sealed.data_sha256,
            "epoch": sealed.state["epoch"],
            "input": [config.data.input_height, config.data.input_width],
            "geometry": config.data.geometry,
            "pairs": names,
            "data": self._evaluation.sets.fingerprints(),
            "recalibration": {"pairs": recalibration, "batch_size": config.train.batch_size,
                              "seed": config.runtime.seed},
        }  # fmt: skip


@contextmanager
def open_passes(
    config: Config,
    which: str,
    pairs: Optional[int],
    opened: Sequence[str],
    memory_gb: Optional[float] = None,
    ranks: Ranks = ALONE,
) -> Iterator[Passes]:
    """Those over a checkpoint, with no more than `memory_gb` to take (None: all that is free).

    Raises EfnasError for a checkpoint or data that are missing.
    """
    with open_trained(config, which, ranks) as trained:
        yield Passes(trained, pairs, opened, memory_gb)


class _Again:
    """What can be gone through many times: kept since the first time, or read anew each time."""

    def __init__(self, read: Callable[[], Iterable], keep: bool):
        self._read, self._keep, self._kept = read, keep, None

    def __iter__(self) -> Iterator:
        if self._keep and self._kept is None:
            self._kept = list(self._read())
        return iter(self._read() if self._kept is None else self._kept)
