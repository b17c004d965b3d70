"""How sure a ranking of subnets is: a paired bootstrap over the validation pairs.

Every subnet was measured on the same pairs, and a hard pair is hard for all of them: the difference of two subnets is
far more certain than either's error. So all subnets share their resamples. Frames of one sequence are alike, so whole
scenes are drawn, not frames. Sources: Efron & Tibshirani, "An Introduction to the Bootstrap", 1993 (chapters 8 and
13); Romano & Wolf, "Stepwise multiple testing as formalized data snooping", Econometrica 73, 2005.

`errors` is float [subnets, pairs], pixels, and may be a memory map: it is read in blocks of subnets. Programmers'
mistakes are ValueErrors.
"""

import hashlib
from typing import Iterator, NamedTuple, Sequence, Tuple

import numpy as np
from scipy.special import ndtr, stdtrit

from efnas.data.scenes import scene_keys

BLOCK = 512  # subnets at a time: with 1000 resamples a block of results takes 4 MB in float64
NO_VARIANCE = 1e-10  # of two subnets' own variances; less in their difference is rounding (float64 leaves 1e-15)


class Comparison(NamedTuple):
    """Candidates against the best of them. Arrays are [candidates]; differences are in pixels, positive = worse.

    `best` is the best one's row in `errors`. `low` and `high` hold the true difference for all candidates at once.
    """

    best: int
    difference: np.ndarray
    low: np.ndarray
    high: np.ndarray
    indistinguishable: np.ndarray


class Promise(NamedTuple):
    """What choosing gained over the mean of the candidates, in pixels (positive = better), and who was `chosen`.

    `promised` is read off the pairs that it was chosen on, `measured` off the others.
    """

    chosen: int
    promised: float
    measured: float


def halves(names: Sequence[str]) -> np.ndarray:
    """The half that each pair belongs to: bool [pairs], by a hash of its scene's folder or, without scenes, its name.

    The same on every machine, and names that are added move no other (unless they bring a second folder, which makes
    scenes of what were single pairs). Nothing evens the halves out: of a few names all may be in one, which the caller
    sees as all True or all False.
    """
    return np.array([hashlib.sha256(text.encode()).digest()[0] < 128 for _, text in scene_keys(names)], dtype=bool)


def resampled_weights(scenes: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """The weights of the pairs in each resample: float64 [resamples, pairs], each row sums to 1.

    As many scenes as there are are drawn with replacement, and a mean is over all pairs drawn: scenes of many pairs
    count more, as they do in the plain mean.
    """
    _, scenes = np.unique(scenes, return_inverse=True)
    count = scenes.max() + 1
    drawn = np.random.Generator(np.random.Philox(seed)).integers(count, size=(resamples, count))
    times = np.array([np.bincount(row, minlength=count) for row in drawn], dtype=np.float64)[:, scenes]
    return times / times.sum(axis=1, keepdims=True)


def resampled_means(errors: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The mean error of every subnet in every resample: float32 [resamples, subnets]."""
    weights = weights.astype(np.float32)
    means = np.empty((len(weights), len(errors)), dtype=np.float32)
    for block in _blocks(len(errors)):
        means[:, block] = weights @ np.asarray(errors[block], dtype=np.float32).T
    return means


def intervals(
    errors: np.ndarray, weights: np.ndarray, level: float = 0.95
) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every subnet's mean error, and the low and high end of its percentile interval: float64 [subnets] each.

    Each interval stands alone; `compared_with_best` is for comparing. Resamples that are all the same (a single scene)
    say nothing of the spread: the ends are then -inf and inf.
    """
    means = _means(errors, np.arange(len(errors)))
    low, high = np.full((2, len(errors)), [[-np.inf], [np.inf]])
    if not _all_the_same(weights):
        for block in _blocks(len(errors)):
            tail = (1 - level) / 2
            low[block], high[block] = np.quantile(resampled_means(errors[block], weights), (tail, 1 - tail), axis=0)
    return means, low, high


def compared_with_best(
    errors: np.ndarray, candidates: Sequence[int], weights: np.ndarray, level: float = 0.95
) -> Comparison:
    """Which candidates (rows of `errors`) are not significantly worse than the one with the least mean error.

    The band is the paired difference +- c standard errors (of the bootstrap), with c from the distribution of the
    largest studentised difference among all candidates (Romano & Wolf 2005), so that with probability `level` it holds
    for all of them at once. In each resample the differences are taken *to the best of that resample*, as they are in
    the sample: to a best that was fixed beforehand, c would be too small, because the best is the luckiest of many.
    Of 20 equal subnets one would be called worse in half of the tables. (It is the step from Dunnett's comparison
    with a control to Tukey's range: Hsu, "Multiple Comparisons", 1996.) Differences to the best have one sign, so one
    side is both.

    A difference without any variance is indistinguishable if it is 0, else distinguishable. Where resamples are all
    the same (a single scene) nothing can be told apart: the band is -inf to inf, and 0 for the best itself.
    """
    candidates = np.asarray(candidates, dtype=int)
    best = int(candidates[_means(errors, candidates).argmin()])
    reference = np.asarray(errors[best], dtype=np.float64)
    scenes = len(np.unique(weights, axis=1).T)  # the pairs of a scene have the same weight in every resample
    if scenes == 1 or _all_the_same(weights):
        difference = np.concatenate([d.mean(axis=1) for _, d in _differences(errors, candidates, reference)])
        width = np.where(candidates == best, 0.0, np.inf)
    else:
        difference, standard_error, largest = _studentised(errors, candidates, reference, weights)
        width = _small_sample(np.quantile(largest, level), scenes) * standard_error
    low, high = difference - width, difference + width
    return Comparison(best, difference, low, high, indistinguishable=low <= 0)


def _studentised(errors, candidates, reference, weights):
    """Differences to `reference` and their standard errors [candidates]; the largest t in each resample [resamples].

    Two readings of the errors: the first finds the best of each resample when all candidates are equally good (each
    one's deviation from its own mean), the second measures all others against it.
    """
    resamples = np.arange(len(weights))
    least, winner = np.full(len(weights), np.inf), np.zeros(len(weights), dtype=int)
    for block, differences in _differences(errors, candidates, reference):
        deviation = _deviation(differences, weights)
        place = deviation.argmin(axis=1)
        better = deviation[resamples, place] < least
        least[better] = deviation[resamples, place][better]
        winner[better] = block.start + place[better]
    winners, which = np.unique(winner, return_inverse=True)
    # At most one winner a resample: [resamples, winners] is small.
    of_winners = _deviation(np.asarray(errors[candidates[winners]], dtype=np.float64) - reference, weights)
    variance_of_winners = (of_winners**2).mean(axis=0)

    difference, standard_error = np.empty((2, len(candidates)))
    largest = np.zeros(len(weights))
    for block, differences in _differences(errors, candidates, reference):
        deviation = _deviation(differences, weights)
        own = (deviation**2).mean(axis=0)
        difference[block], standard_error[block] = differences.mean(axis=1), np.sqrt(own)
        sum_of_variances = own + variance_of_winners[:, np.newaxis]
        variance = sum_of_variances - 2 * (of_winners.T @ deviation) / len(weights)
        variance[variance <= NO_VARIANCE * sum_of_variances] = np.inf  # the same subnet, or its twin: t is 0
        t = (deviation - least[:, np.newaxis]) / np.sqrt(variance)[which]
        np.maximum(largest, t.max(axis=1), out=largest)
    return difference, standard_error, largest


def _small_sample(c: float, scenes: int) -> float:
    """c for standard errors that were themselves estimated, from so many scenes.

    The resamples' t knows its standard error and has normal tails; the sample's has those of Student's t with one
    degree less than scenes, and the bootstrap's variance lacks n / (n - 1) (Efron & Tibshirani 1993, chapter 12;
    Cameron, Gelbach & Miller, "Bootstrap-based improvements for inference with clustered errors", 2008).
    At 15 scenes of 20 equal subnets this takes false alarms from 30 % to 8 %; at 640 scenes it hardly matters.
    With few scenes and many candidates it is not enough: of 3000 equal subnets on 20 pairs one was still called worse
    in a quarter of simulated tables; on 60 or 640 pairs, in about a twentieth.
    """
    tail = max(ndtr(-c), 1e-290)
    return float(-stdtrit(scenes - 1, tail) * np.sqrt(scenes / (scenes - 1)))


def winners_curse(errors: np.ndarray, candidates: Sequence[int], half: np.ndarray) -> Promise:
    """Choose the best candidate (row of `errors`) on the pairs of one half, and see on the other what that was worth.

    The best of many is partly lucky, so its error on the pairs it was chosen on is too good to be true.
    """
    candidates, half = np.asarray(candidates, dtype=int), np.asarray(half, dtype=bool)
    if half.all() or not half.any():
        raise ValueError("a choice is checked on other pairs than it was made on: both halves need some")
    seen, unseen = _means(errors, candidates, half), _means(errors, candidates, ~half)
    chosen = seen.argmin()
    return Promise(int(candidates[chosen]), float(seen.mean() - seen[chosen]), float(unseen.mean() - unseen[chosen]))


def _blocks(count: int) -> Iterator[slice]:
    return (slice(start, min(start + BLOCK, count)) for start in range(0, count, BLOCK))


def _means(errors, rows, pairs=...) -> np.ndarray:
    blocks = (errors[rows[block]][:, pairs] for block in _blocks(len(rows)))
    return np.concatenate([block.mean(axis=1, dtype=np.float64) for block in blocks])


def _differences(errors, rows, reference) -> Iterator[Tuple[slice, np.ndarray]]:
    """Blocks of errors less the reference's, float64 [block, pairs]: differences are small, errors are not."""
    return ((block, errors[rows[block]].astype(np.float64) - reference) for block in _blocks(len(rows)))


def _deviation(differences: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """How far each resample's mean is from the sample's: [resamples, block]."""
    return weights @ differences.T - differences.mean(axis=1)


def _all_the_same(weights: np.ndarray) -> bool:
    return bool((weights == weights[0]).all())
