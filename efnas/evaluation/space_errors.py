"""The error of every subnet, with no sampling and no predictor.

The flow is a sum of what the heads say, and the statistics of a recalibrated batch norm depend only on the path above
it. So the subnets that differ only in the last blocks share one pass: these blocks are opened (see `Tree`), each branch
is recalibrated and run once a batch, and the error of every subnet is that of a sum of two maps. A `Bundle` is what one
pass settles; the errors equal those of `SubnetEvaluator` up to rounding.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Dict, Iterable, Iterator, List, NamedTuple, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from efnas.core.branches import ROOT, Branch, branches_of, joined
from efnas.core.geometry import FLOW_CHANNELS, valid_part
from efnas.core.layers import BranchedLayers
from efnas.core.routing import Tree
from efnas.core.space import ArchCode, SearchSpace
from efnas.core.supernet import Supernet
from efnas.core.weights import Weights
from efnas.data.scaling import scaled_flow
from efnas.evaluation.recalibration import (
    BatchMoments,
    LoadedStatistics,
    Statistics,
    StatisticsOfBranch,
    SubnetStatistics,
)

# Pixels whose sums fit into a processor's cache, for all subnets at once.
PIXELS = 2048


class Bundle(NamedTuple):
    """The subnets `first`, `first + 1`, ... of a space, `count` of them: all that begin with the digits of `code`."""

    code: ArchCode
    first: int
    count: int


def bundles(space: SearchSpace, opened: Iterable[str]) -> List[Bundle]:
    """All of a space, in the order of its codes."""
    count = space.options_per_block ** len(list(opened))
    return [Bundle(space.at(first), first, count) for first in range(0, space.size, count)]


class SpaceEvaluator:
    """Two `Tree` walks over the trained weights: one looks at batch statistics, one infers with recalibrated ones."""

    def __init__(
        self, supernet: Supernet, weights: Weights, height: int, width: int, base_width: int, opened: List[str]
    ):
        self.space, self.opened = supernet.space, opened
        self.images = tf.placeholder(tf.float32, [None, height, width, 6], "images")
        self._moments = BatchMoments(supernet, weights, self.images, base_width, opened)
        self._code = self._moments.code
        self._loaded = LoadedStatistics(self._moments.channels)
        statistics = StatisticsOfBranch(self._loaded.of_layers)
        layers = BranchedLayers(weights, statistics)
        tree = statistics.tree = Tree(supernet.space, self._code, layers, opened)
        (maps,) = supernet.network(layers, tree, self.images, base_width)

        def image_part(branches) -> Dict[Branch, tf.Tensor]:
            return {
                branch: valid_part(x, height, width)[..., :FLOW_CHANNELS] for branch, x in branches_of(branches).items()
            }

        # The last sum is left to `errors_of_sums`: there is one a subnet.
        self._fine = image_part(maps.residual[-1])
        self._coarse = image_part(layers.upsample(maps.accumulated[-2])) if len(maps.accumulated) > 1 else {}

    def recalibrate(self, session: tf.Session, bundle: Bundle, batches: Iterable[np.ndarray]) -> Statistics:
        """Of every branch of the subnets of a bundle, over batches of images [n, height, width, 6] of one size."""
        sums = SubnetStatistics()
        for images in batches:
            sums.add(self._moments.run(session, bundle.code, images))
        return sums.statistics

    def errors(
        self, session: tf.Session, bundle: Bundle, statistics: Statistics, batches: Iterable[Tuple]
    ) -> Iterator[np.ndarray]:
        """For each batch (images, flow) the end-point errors of the bundle's subnets, float64 [subnets, n], in px; the
        flow may be that of larger frames, which the images were scaled from."""
        self._loaded.load(session, statistics)
        with ThreadPoolExecutor(1) as pool:  # the sums of one batch beside the convolutions of the next
            summing = None
            for images, truth in batches:
                maps = session.run([self._coarse, self._fine], {self._code: bundle.code, self.images: images})
                if summing:
                    yield summing.result()
                summing = pool.submit(self._errors_of, bundle, *maps, truth)
            if summing:
                yield summing.result()

    def _errors_of(self, bundle: Bundle, coarse: Dict, fine: Dict, truth: np.ndarray) -> np.ndarray:
        found = np.empty([bundle.count, len(truth)])
        # Flow of whole frames takes far more memory than the maps that it is scaled from: a pair at a time.
        whole = truth.shape[1:] != next(iter(fine.values())).shape[1:]
        for part in [slice(k, k + 1) for k in range(len(truth))] if whole else [slice(None)]:
            maps = ({branch: flow[part] for branch, flow in side.items()} for side in (coarse, fine))
            for branch, errors in errors_of_sums(*maps, truth[part]):
                found[self._place(branch), part] = errors
        return found

    def _place(self, branch: Branch) -> int:
        """Where a subnet stands in its bundle."""
        place = 0
        for _, digit in branch:
            place = place * self.space.options_per_block + digit
        return place


def errors_of_sums(
    coarse: Dict[Branch, np.ndarray], fine: Dict[Branch, np.ndarray], truth: np.ndarray
) -> Iterator[Tuple[Branch, np.ndarray]]:
    """The end-point error [n] of the sum of two maps [n, h, w, 2], for all pairs of branches that belong together.

    Maps of another size than the truth are scaled to it: a sum scaled is the sum of both scaled. The pairs are taken
    together that share the options which both depend on, so that a map is read once for many sums.
    """
    shared = {place for place, _ in next(iter(coarse), ROOT)} & {place for place, _ in next(iter(fine))}
    groups: Dict[Branch, Tuple[List[Branch], List[Branch]]] = {}
    for side, branches in enumerate((coarse or {ROOT: None}, fine)):
        for branch in branches:
            common = tuple(each for each in branch if each[0] in shared)
            groups.setdefault(common, ([], []))[side].append(branch)
    for ones, others in groups.values():
        residuals = [_planes(truth - _at_size(truth, coarse[one])) if coarse else _planes(truth) for one in ones]
        fines = [_planes(_at_size(truth, fine[other])) for other in others]
        errors = _mean_lengths(np.stack(residuals), np.stack(fines))
        for one, row in zip(ones, errors):
            for other, own in zip(others, row):
                yield joined(one, other), own


def _at_size(truth: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """Flow [n, h, w, 2] at the size of the truth."""
    if maps.shape == truth.shape:
        return maps
    return np.stack([scaled_flow(flow, *truth.shape[1:3]) for flow in maps])


def _planes(maps: np.ndarray) -> np.ndarray:
    """[n, h, w, 2] -> [n, 2, h * w]."""
    return np.moveaxis(maps, -1, 1).reshape(len(maps), 2, -1)


def _mean_lengths(ones: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Mean lengths of the differences of vectors: [a, n, 2, p] and [b, n, 2, p] -> float64 [a, b, n]."""
    total = np.zeros([len(ones), len(others), ones.shape[1]])
    for sample in range(ones.shape[1]):
        for begin in range(0, ones.shape[-1], PIXELS):
            x, y = ones[:, sample, :, begin : begin + PIXELS], others[:, sample, :, begin : begin + PIXELS]
            u, v = (x[:, None, axis] - y[None, :, axis] for axis in (0, 1))
            u *= u
            v *= v
            u += v
            total[..., sample] += np.sqrt(u, out=u).sum(axis=-1)
    return total / ones.shape[-1]
