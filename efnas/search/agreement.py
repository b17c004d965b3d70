"""How far two rankings of the same subnets agree, when subnets and pairs were a draw of many.

Kendall's tau-b (Kendall 1945) and Spearman's rho in resamples that draw subnets and scenes together (McCullagh,
"Resampling and exchangeable arrays", Bernoulli 6, 2000; Owen, "The pigeonhole bootstrap", Annals of Applied Statistics
1, 2007). A subnet that is drawn twice makes a couple with itself, tied in both errors: tau-b leaves such couples out of
its numerator and of both factors below, so duplicates only weigh the couples of distinct subnets. (Kendall's tau-a
would count them as couples that do not agree.)

The interval is Efron's bias-corrected percentile (Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, chapter
14, without acceleration): drawing pairs anew adds their noise a second time, which lowers resampled correlations, and
plain percentiles would lie too low. It is meant for tau *between errors measured on as many pairs*: noise of the pairs
lowers tau itself, and no interval puts that back.

In 600 simulated tables of 30 normal subnets each, at a tau of 0, 0.4, 0.7 and 0.9, the 95 % interval of tau held it in
96, 96, 98 and 99 %, that of rho in 95 to 97 %; where pairs are noise for the most part, in up to all.
"""

from typing import NamedTuple, Optional, Tuple

import numpy as np
from scipy.special import ndtr, ndtri

from efnas.evaluation.confidence import resampled_weights

FEWEST = 5  # of four subnets, even full agreement is no evidence: one order in 24 has it, and one its reverse
MOST_BIAS = 0.5  # in standard errors; more would squeeze the interval against its end when pairs are mostly noise
ROUNDING = 1e-12  # relative; means of the same errors by another sum differ by less
BLOCK = 4_000_000  # couples at a time


class Estimate(NamedTuple):
    """A figure and the ends of its interval; None for what cannot be said."""

    value: Optional[float]
    low: Optional[float] = None
    high: Optional[float] = None

    def __str__(self) -> str:
        return format(self)

    def __format__(self, each: str) -> str:
        """Each number as it says, or with two digits."""
        if self.value is None:
            return "unknown"
        value, *ends = (format(number, each or ".2f") for number in self if number is not None)
        return f"{value} ({' to '.join(ends)})" if ends else value


def drawn_subnets(subnets: int, apart: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """How often each subnet is in each resample: float64 [resamples, subnets].

    Those whose rows are in `apart` and the others are drawn apart, so that each resample has as many of both. Not the
    numbers that draw the pairs of the same seed.
    """
    random = np.random.Generator(np.random.Philox(seed).jumped())
    times = np.zeros((resamples, subnets))
    for part in (apart, np.setdiff1d(np.arange(subnets), apart)):
        if len(part):
            drawn = part[random.integers(len(part), size=(resamples, len(part)))]
            np.add.at(times, (np.arange(resamples)[:, np.newaxis], drawn), 1)
    return times


def measured_and_resampled(
    scenes: np.ndarray, subnets: int, apart: np.ndarray, resamples: int, seed: int
) -> Tuple[np.ndarray, np.ndarray]:
    """Weights of the pairs, [1 + resamples, pairs], and how often each subnet counts, [1 + resamples, subnets].

    What was measured comes first, then the resamples; there are none of a single scene.
    """
    weights, times = np.full((1, len(scenes)), 1 / len(scenes)), np.ones((1, subnets))
    if len(np.unique(scenes)) > 1:
        weights = np.concatenate([weights, resampled_weights(scenes, resamples, seed)])
        times = np.concatenate([times, drawn_subnets(subnets, apart, resamples, seed)])
    return weights, times


def agreement(
    one: np.ndarray, other: np.ndarray, times: np.ndarray, near: Optional[np.ndarray] = None
) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tau-b, rho and (agreeing - disagreeing) / all couples that are `near`, bool [subnets, subnets]: [resamples] each,
    NaN where not defined.

    `one` and `other` are mean errors, [resamples, subnets], and `times` counts how often each subnet was drawn. Written
    in signs of couples: the sum of a subnet's signs is twice its rank less the mean rank, so rho needs no sorting.
    """
    resamples, subnets = times.shape
    tau, rho, of_near = np.full((3, resamples), np.nan)
    step = max(1, BLOCK // max(subnets, 1) ** 2)
    for start in range(0, resamples if subnets else 0, step):
        block = slice(start, start + step)
        often = times[block]
        a, b = (_signs(errors[block]) for errors in (one, other))
        agreeing = a * b
        with np.errstate(invalid="ignore", divide="ignore"):
            tau[block] = _sum(agreeing, often) / np.sqrt(_sum(np.abs(a), often) * _sum(np.abs(b), often))
            ranks, other_ranks = _over_others(a, often), _over_others(b, often)
            spread = np.sqrt((often * ranks**2).sum(axis=1) * (often * other_ranks**2).sum(axis=1))
            rho[block] = (often * ranks * other_ranks).sum(axis=1) / spread
            if near is not None:
                of_near[block] = _sum(agreeing * near, often) / _sum(near[np.newaxis].astype(float), often)
    return tau, rho, of_near


def _signs(errors: np.ndarray) -> np.ndarray:
    """Which of each couple is larger, -1, 0 or 1: [resamples, subnets, subnets]. Equal but for rounding is equal."""
    difference = errors[:, :, np.newaxis] - errors[:, np.newaxis, :]
    smallest = ROUNDING * np.abs(errors).max(axis=1)[:, np.newaxis, np.newaxis]
    return np.sign(np.where(np.abs(difference) <= smallest, 0.0, difference))


def _over_others(of_couples: np.ndarray, often: np.ndarray) -> np.ndarray:
    """The sum of each subnet's couples with those drawn: [resamples, subnets]."""
    return np.matmul(of_couples, often[:, :, np.newaxis])[..., 0]


def _sum(of_couples: np.ndarray, often: np.ndarray) -> np.ndarray:
    """Over the couples drawn; a couple of one subnet with itself has sign 0, and is never near."""
    return (often * _over_others(of_couples, often)).sum(axis=1)


def rank_estimate(values: np.ndarray, subnets: int, level: float) -> Estimate:
    """Of a tau or rho, or a difference of such, from what was measured, `values[0]`, and what resamples gave.

    Two subnets say nothing, and fewer than `FEWEST` no more than a value. Where all couples agree, resamples see no way
    to be wrong. But if a share q of all subnets were ranked blindly, tau would be (1 - q)^2, and a set with none of
    them is drawn with probability (1 - q)^subnets: the interval goes down to the tau at which that is just likely.
    """
    if subnets < 3:
        return Estimate(None)
    return estimate(values if subnets >= FEWEST else values[:1], level, 1 - ((1 - level) / 2) ** (2 / subnets))


def estimate(values: np.ndarray, level: float, unseen: float = 0.0) -> Estimate:
    """From what was measured, `values[0]`, and what resamples gave; those in which it is not defined are left out.

    `unseen` is how far the truth may be from 1 or -1, or from what all resamples say, with no resample showing it.
    """
    value, others = float(values[0]), values[1:][np.isfinite(values[1:])]
    if not np.isfinite(value):
        return Estimate(None)
    if not len(others):
        return Estimate(value)
    same = np.abs(others - value) <= ROUNDING
    bias = np.clip(ndtri(np.mean(same / 2 + (~same & (others < value)))), -MOST_BIAS, MOST_BIAS)
    low, high = np.quantile(others, ndtr(2 * bias + ndtri((1 + level) / 2) * np.array([-1, 1])))
    low, high = min(low, value), max(high, value)
    if unseen and (same.all() or abs(value) >= 1 - ROUNDING):
        low, high = min(low, max(-1.0, value - unseen)), max(high, min(1.0, value + unseen))
    return Estimate(value, float(low), float(high))
