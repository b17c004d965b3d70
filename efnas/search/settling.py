"""How the ranking of a whole space settles along the training of its supernet: one checkpoint against the next.

Agreement is Kendall's tau-b over *all* subnets, which are the population and not a draw of it: only the pairs of frames
are drawn anew. The interval is that of the resamples' deviations from their own mean, about the tau that was measured
(the bootstrap's bias taken off in full: Davison & Hinkley, "Bootstrap Methods and their Application", 1997, chapter 5).
Resampled pairs add their noise a second time, which lowers tau by several of its own standard errors where subnets are
many. In six simulations of 150 tables of 600 subnets, at a tau of 0.05 to 0.95, this 95 % interval of the tau *between
errors on as many pairs* held it in 91 to 100 %; the bias-corrected percentile of `agreement` in 53 to 57 % in three.
Resamples rank a fixed draw of the subnets, 4096 of a larger space: on the demo's errors their spread is that of all to
3 % of itself, in a sixth of the time.

All checkpoints are recalibrated with the same batches and measured on the same pairs: what these do to a subnet in one
they do in the next as well, so the tau between checkpoints is somewhat higher than their own noise would allow, and may
be above that between two recalibrations. A tau near 1 says that the order no longer changes, not that it is right; a
learning rate that falls to 0 holds any order still.

Errors are in pixels. Programmers' mistakes are ValueErrors.
"""

from typing import List, NamedTuple, Optional, Sequence

import numpy as np

from efnas.evaluation.confidence import resampled_means, resampled_weights
from efnas.evaluation.places import LEVEL, RESAMPLES
from efnas.search.agreement import Estimate
from efnas.search.effects import rank_correlation

SETTLED = 0.8  # a ranking has settled where tau between the last two checkpoints is surely no less
RESAMPLED = 4096  # subnets
BEST = 0.01  # of the subnets
TEN = 10


class Along(NamedTuple):
    """A checkpoint on the way: `errors` [subnets, pairs], and `apart`, by how much a second recalibration moves subnets
    against each other (the standard deviation of the change of their mean errors)."""

    epoch: int
    step: int
    errors: np.ndarray
    apart: float


class Moment(NamedTuple):
    """What is known at one checkpoint. `mean` and `spread` (standard deviation) are of the mean errors of all subnets.

    `tau` and `rho` are those with the checkpoint before, `tau_last` with the last one. `recalibrations`: the tau of two
    recalibrations of this checkpoint, by a model. `best_shared`: the share of the last one's best 1 % that is among the
    best 1 % here. `lost_best` and `lost_ten`: by the errors of the last, how much worse than its best subnet is the one
    that is best here, and the best of the ten that are. None for what is not defined.
    """

    epoch: int
    step: int
    mean: float
    spread: float
    tau: Estimate
    rho: Optional[float]
    tau_last: Optional[float]
    recalibrations: Optional[float]
    best_shared: float
    lost_best: float
    lost_ten: float


class Settling(NamedTuple):
    """How a ranking settles; `level` is that of the intervals, `moments` are oldest first."""

    subnets: int
    pairs: int
    scenes: int
    level: float
    moments: List[Moment]


def settling_of(
    along: Sequence[Along], scenes: np.ndarray, resamples: int = RESAMPLES, level: float = LEVEL, seed: int = 0
) -> Settling:
    """All figures of two checkpoints or more, oldest first; `scenes`, int [pairs], are drawn together (`scenes_of`).

    A single scene leaves the ends of intervals unknown.
    """
    shapes = {each.errors.shape for each in along}
    if len(along) < 2 or len(shapes) > 1 or scenes.shape != along[0].errors.shape[1:]:
        raise ValueError(f"two checkpoints or more with errors of the same subnets and pairs, not {shapes}")
    count = len(np.unique(scenes))
    weights = resampled_weights(scenes, resamples, seed) if count > 1 else np.empty((0, len(scenes)))
    last = _means(along[-1])
    drawn = np.sort(np.random.Generator(np.random.Philox(seed)).permutation(len(last))[:RESAMPLED])
    moments, before = [], None
    for each in along:
        means, resampled = _means(each), resampled_means(each.errors[drawn], weights)
        tau, rho = Estimate(None), None
        if before is not None:
            taus = [rank_correlation(*both) for both in zip(before[1], resampled)]
            tau, rho = _about(rank_correlation(before[0], means), taus, level), _rho(before[0], means)
        moments.append(_moment(each, means, last, tau, rho))
        before = means, resampled
    return Settling(len(last), len(scenes), count, level, moments)


def between_recalibrations(apart: float, spread: float) -> Optional[float]:
    """The tau between two recalibrations, from the standard deviations of their difference and of either.

    By the normal model: they correlate by 1 - apart^2 / (2 spread^2), and tau is 2 / pi asin of that (Greiner 1909). A
    rough figure, as `apart` is that of few bundles; 0 where recalibration explains all of the spread.
    """
    if not spread:
        return None
    return float(2 / np.pi * np.arcsin(max(0.0, 1 - apart**2 / (2 * spread**2))))


def settling_verdict(settling: Settling) -> str:
    """Whether the ranking has settled, in one sentence that says no more than the interval does."""
    before, last = settling.moments[-2:]
    tau, other = last.tau, last.recalibrations
    of = f"tau {tau} from step {before.step} to step {last.step}"
    if tau.low is None:
        return f"Whether the ranking has settled cannot be said from one scene, or from errors all alike: {of}."
    of += f"; two recalibrations of the last agree by about {other:.2f}"
    if tau.low >= SETTLED:
        return f"The ranking has settled: {of}."
    if tau.low >= max(0.0, other):
        return f"The ranking has settled as far as recalibration lets it be seen (eval.bn_recal_batches): {of}."
    if tau.high < min(SETTLED, other):
        return f"The ranking is still moving: {of}."
    return f"Whether the ranking has settled cannot be told: {of}."


def _moment(each: Along, means: np.ndarray, last: np.ndarray, tau: Estimate, rho: Optional[float]) -> Moment:
    best = max(1, round(BEST * len(last)))
    # Of subnets that are equal here those that end worse come first: nothing is credited that is not said here.
    order, order_last = np.lexsort((-last, means)), np.lexsort((-last, last))
    return Moment(
        epoch=each.epoch,
        step=each.step,
        mean=float(means.mean()),
        spread=float(means.std()),
        tau=tau,
        rho=rho,
        tau_last=_known(rank_correlation(means, last)),
        recalibrations=between_recalibrations(each.apart, float(means.std())),
        best_shared=len(np.intersect1d(order[:best], order_last[:best])) / best,
        lost_best=float(last[order[0]] - last.min()),
        lost_ten=float(last[order[:TEN]].min() - last.min()),
    )


def _means(each: Along) -> np.ndarray:
    return np.asarray(each.errors).mean(axis=1, dtype=np.float64)


def _rho(one: np.ndarray, other: np.ndarray) -> Optional[float]:
    from scipy.stats import rankdata  # takes a quarter of a second to import

    with np.errstate(invalid="ignore"):
        return _known(float(np.corrcoef(rankdata(one), rankdata(other))[0, 1]))


def _known(value: float) -> Optional[float]:
    return value if np.isfinite(value) else None


def _about(value: float, resampled: Sequence[float], level: float) -> Estimate:
    """The tau that was measured, and its interval: see the top of this module."""
    others = np.array(resampled, dtype=np.float64)
    if not np.isfinite(value) or not len(others) or not np.isfinite(others).all():
        return Estimate(_known(value))
    tail = (1 - level) / 2
    low, high = value + others.mean() - np.quantile(others, (1 - tail, tail))
    return Estimate(value, float(np.clip(low, -1, value)), float(np.clip(high, value, 1)))
