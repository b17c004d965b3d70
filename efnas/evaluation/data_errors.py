"""End-point errors on a data set in a public layout, of networks and of what users have beside them.

A pair's error is the mean over its known pixels, that of a scene or of all the mean over its pairs. By length of motion
it is the mean over the pixels that move so far, each pair with the same weight: times their shares they add up to the
error of all.
"""

from functools import partial
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from efnas.config import CROP, WHOLE
from efnas.data.images import read_image
from efnas.data.layouts import LaidOutPair
from efnas.errors import EfnasError
from efnas.evaluation.confidence import intervals, resampled_weights
from efnas.evaluation.frames import Truth, read_pair, read_truth
from efnas.evaluation.inference import Flow, require_finite, through_one_size
from efnas.evaluation.places import LEVEL, RESAMPLES, finite
from efnas.runs.subnet_errors import Margin

FULL = "full"  # beside data.geometry: the frame as it is
GEOMETRIES = (CROP, WHOLE, FULL)
MOTIONS = {"below 10": (0.0, 10.0), "10 to 40": (10.0, 40.0), "above 40": (40.0, np.inf)}  # pixels
ZERO = "zero flow"
ENOUGH = 10  # sequences that an interval can be taken from


class DataErrors(NamedTuple):
    """Errors in pixels. `methods` names the rows of `by_pair` [methods, pairs] and of `by_motion` [methods, 3], which
    is NaN where no pixel moves so far; `known` [pairs] and `motion` [3] are shares of pixels."""

    pairs: Tuple[LaidOutPair, ...]
    methods: List[str]
    by_pair: np.ndarray
    by_motion: np.ndarray
    known: np.ndarray
    motion: np.ndarray

    def groups(self) -> Dict[str, np.ndarray]:
        """The pairs of each scene; of each part, where there are several; and all: indices by name."""
        scenes, parts = ([getattr(pair, kind) for pair in self.pairs] for kind in ("scene", "part"))
        names = [*dict.fromkeys(scenes), *(dict.fromkeys(parts) if len(set(parts)) > 1 else ())]
        found = {name: np.array([number for number, each in enumerate(zip(scenes, parts)) if name in each])
                 for name in names}  # fmt: skip
        return {**found, "all": np.arange(len(self.pairs))}

    def against(self, method: int) -> Optional[List[Margin]]:
        """How much worse than a method each is, with 95 % intervals from a bootstrap over sequences; None of few."""
        _, sequences = np.unique([pair.sequence for pair in self.pairs], return_inverse=True)
        if sequences.max() + 1 < ENOUGH:
            return None
        weights = resampled_weights(sequences, RESAMPLES, seed=0)
        found = intervals(self.by_pair - self.by_pair[method], weights, LEVEL)
        return [Margin(float(mean), finite(low), finite(high)) for mean, low, high in zip(*found)]

    def as_dict(self) -> dict:
        """What there is, for a file."""
        groups, against = self.groups(), self.against(0)
        return {
            "pairs": len(self.pairs),
            "known": float(self.known.mean()),
            "share_by_motion": dict(zip(MOTIONS, self.motion.tolist())),
            "methods": {
                name: {
                    "epe": float(own.mean()),
                    "by_motion": {length: finite(epe) for length, epe in zip(MOTIONS, self.by_motion[row])},
                    "against_first": against and against[row]._asdict(),
                    "by_scene": {group: float(own[which].mean()) for group, which in groups.items()},
                }
                for row, (name, own) in enumerate(zip(self.methods, self.by_pair))
            },
            "by_pair": [
                {"name": pair.name, "known": float(known), "epe": dict(zip(self.methods, own.tolist()))}
                for pair, known, own in zip(self.pairs, self.known, self.by_pair.T)
            ],
        }


def data_errors(
    pairs: Sequence[LaidOutPair],
    networks: Dict[str, Flow],
    geometry: str,
    size: Tuple[int, int],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> DataErrors:
    """Of networks, by their names, and of zero flow, on the part of each pair that the geometry shows to all of them.

    With `crop` that is the centre of `size` (height, width), with `whole` the frame scaled down to it, the flow scaled
    back up, and with `full` the frame. Raises EfnasError, naming the file, for what cannot be read, does not belong
    together, is smaller than the crop or has no known pixel there, and for flow that is not finite.
    """
    methods = [*networks, ZERO]
    by_pair, known = np.empty((len(methods), len(pairs))), np.empty(len(pairs))
    sums, shares = np.zeros((len(methods), len(MOTIONS))), np.zeros(len(MOTIONS))
    shown = {name: through_one_size(flow, *size) if geometry == WHOLE else flow for name, flow in networks.items()}
    for number, pair in enumerate(pairs):
        images, truth = _read(pair, size if geometry == CROP else None)
        lengths = np.linalg.norm(truth.flow[truth.known].astype(np.float64), axis=-1)
        moving = [(low <= lengths) & (lengths < high) for low, high in MOTIONS.values()]
        shares += [which.mean() for which in moving]
        known[number] = truth.known.mean()
        for row, name in enumerate(methods):
            errors = lengths
            if name != ZERO:
                flow = shown[name](images)
                require_finite(flow, pair.first, pair.second, name)
                errors = np.linalg.norm(flow[truth.known].astype(np.float64) - truth.flow[truth.known], axis=-1)
            by_pair[row, number] = errors.mean()
            sums[row] += [(errors * which).mean() for which in moving]
        progress(number + 1, len(pairs))
    with np.errstate(invalid="ignore"):
        by_motion = sums / shares
    return DataErrors(tuple(pairs), methods, by_pair, by_motion, known, shares / len(pairs))


def _read(pair: LaidOutPair, crop: Optional[Tuple[int, int]]) -> Tuple[np.ndarray, Truth]:
    """The images [h, w, 6] in [-1, 1] of a pair, or of the centre of it, and the truth there."""
    images = read_pair(pair.first, pair.second)
    height, width = images.shape[:2]
    flow, known = read_truth(pair.flow, height, width)
    if pair.invalid:
        invalid = read_image(pair.invalid).any(axis=-1)
        if invalid.shape != known.shape:
            sides = invalid.shape[::-1], (width, height)
            raise EfnasError(f"{pair.invalid} is of {_by(*sides[0])} pixels, the images are of {_by(*sides[1])}.")
        known = known & ~invalid
    part = partial(_centre, height=crop[0], width=crop[1]) if crop else lambda maps: maps
    if crop and (height < crop[0] or width < crop[1]):
        raise EfnasError(f"{pair.first} is of {_by(width, height)} pixels, less than a crop of {_by(*crop[::-1])}.")
    images, flow, known = map(part, (images, flow, known))
    if not known.any():
        raise EfnasError(f"{pair.flow} knows the flow of no pixel that is looked at.")
    return images, Truth(flow, known)


def _by(width: int, height: int) -> str:
    return f"{width}x{height}"


def _centre(maps: np.ndarray, height: int, width: int) -> np.ndarray:
    top, left = (maps.shape[0] - height) // 2, (maps.shape[1] - width) // 2
    return maps[top : top + height, left : left + width]
