"""Whether a supernet's ranking of subnets is that of the same subnets trained alone, and how sure that is.

Agreement is Kendall's tau-b; see `agreement` for how its interval comes about. The tau between two trainings of the
same subnets is what one training says of another. It is not the most that a ranking can reach: one that knows each
subnet's expected error has the noise of one training against it, not of two. So the supernet is compared with a second
training as with an equal, and `reachable` is what such a ranking would have, by a model.

A tau "corrected" for noise is not given: dividing by the root of a reliability (Spearman 1904) is right for Pearson's
correlation of scores with independent noise, while counts of couples do not factor so.

"Pairs" are pairs of frames, "couples" are two subnets. Errors are in pixels. Programmers' mistakes are ValueErrors.
"""

from typing import List, NamedTuple, Optional, Sequence

import numpy as np
from scipy.special import comb

from efnas.evaluation.places import LEVEL, RESAMPLES
from efnas.search.agreement import Estimate, agreement, estimate, measured_and_resampled, rank_estimate

WINDOW = 0.02
TOPS = (1, 3, 5, 10)


class Trained(NamedTuple):
    """Subnets trained a second time: their `rows` among all, and errors [rows, pairs] of both trainings."""

    rows: np.ndarray
    first: np.ndarray
    second: np.ndarray


class Measured(NamedTuple):
    """The same subnets in the supernet and `alone`: errors, float [subnets, pairs]; `latency` [subnets], NaN where not
    known; `scenes`, int [pairs], which pairs are drawn together (see `scenes_of`).

    `alone` is the mean over trainings where there are several.
    """

    supernet: np.ndarray
    alone: np.ndarray
    latency: np.ndarray
    scenes: np.ndarray
    twice: Optional[Trained] = None


class Regret(NamedTuple):
    """What is lost by training only the supernet's best `top` alone: the least error among them less the least of all.

    `random_px` is what as many drawn blindly lose on average, and `as_good_by_chance` how often they lose no more; both
    are counted, not simulated. `px` has an interval over pairs only: among the subnets drawn in a resample, two thirds
    of all, the best few would be another question.
    """

    top: int
    px: Estimate
    random_px: float
    as_good_by_chance: float


class Noise(NamedTuple):
    """Standard deviations in px, alone: `between_subnets`, and `between_trainings` of a subnet less what all have in
    common. And what the choice of pairs moves a subnet against the mean of all, in the supernet and alone.
    """

    between_subnets: Optional[float]
    between_trainings: Optional[float]
    by_pairs_supernet: Optional[float]
    by_pairs_alone: Optional[float]


class Window(NamedTuple):
    """Couples whose latency differs by less than `share` of the lesser, and (agreeing - disagreeing) / all of them."""

    share: float
    couples: int
    tau: Estimate


class Fidelity(NamedTuple):
    """How well the supernet ranks. `tau_of_trainings` and `rho_of_trainings` are between the two trainings of the
    subnets trained twice; `against_training`, on these subnets, the supernet's tau (mean over both trainings) less
    theirs. `reachable`: what knowing every expected error would have against one training, if errors were normal.
    """

    subnets: int
    pairs: int
    scenes: int
    trained_twice: int
    level: float
    tau: Estimate
    rho: Estimate
    tau_of_trainings: Estimate
    rho_of_trainings: Estimate
    against_training: Estimate
    reachable: Estimate
    window: Window
    regrets: List[Regret]
    noise: Noise

    def as_dict(self) -> dict:
        """For JSON: numbers, None, lists and dictionaries."""
        return plain(self)


def fidelity_of(
    measured: Measured,
    window: float = WINDOW,
    tops: Sequence[int] = TOPS,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> Fidelity:
    """All figures; of `tops` those that leave some subnet out. A single scene, or too few subnets, leave ends unknown.

    Subnets are taken as drawn at random from the space; of those drawn in strata more is known than the intervals say.
    """
    supernet, alone, latency, scenes, twice = checked(measured)
    (subnets, pairs), rows = supernet.shape, twice.rows
    weights, times = measured_and_resampled(scenes, subnets, rows, resamples, seed)
    of_supernet, of_alone, first, second = (weights @ each.T for each in (supernet, alone, twice.first, twice.second))

    near = _near(latency, window)
    tau, rho, near_tau = agreement(of_supernet, of_alone, times, near)
    theirs, their_rho, _ = agreement(first, second, times[:, rows])
    to_first, to_second = (agreement(of_supernet[:, rows], each, times[:, rows])[0] for each in (first, second))
    tau_of_trainings = rank_estimate(theirs, len(rows), level)
    return Fidelity(
        subnets=subnets,
        pairs=pairs,
        scenes=len(np.unique(scenes)),
        trained_twice=len(rows),
        level=level,
        tau=rank_estimate(tau, subnets, level),
        rho=rank_estimate(rho, subnets, level),
        tau_of_trainings=tau_of_trainings,
        rho_of_trainings=rank_estimate(their_rho, len(rows), level),
        against_training=rank_estimate((to_first + to_second) / 2 - theirs, len(rows), level),
        reachable=Estimate(*(None if each is None else reachable(each) for each in tau_of_trainings)),
        window=_window(window, latency, near, near_tau, level),
        regrets=[_regret(of_supernet, of_alone, top, level) for top in tops if top < subnets],
        noise=_noise(of_supernet, of_alone, twice),
    )


def reachable(tau_of_trainings: float) -> float:
    """The tau that knowing every expected error would have against one training, from that between two trainings.

    By the normal model: tau is 2 / pi asin(r) (Greiner 1909), and expected errors correlate with one training by the
    root of what two trainings do with each other. 0 where two trainings disagree.
    """
    return float(2 / np.pi * np.arcsin(np.sqrt(max(0.0, np.sin(np.pi / 2 * tau_of_trainings)))))


def checked(measured: Measured) -> Measured:
    """As float64. Raises ValueError for tables that do not fit each other or are not finite."""
    supernet, alone, latency = (np.asarray(each, dtype=np.float64) for each in measured[:3])
    scenes = np.asarray(measured.scenes)
    if supernet.ndim != 2 or not supernet.size or supernet.shape != alone.shape:
        raise ValueError(f"errors are of the same subnets and pairs, not {supernet.shape} and {alone.shape}")
    if (latency.shape, scenes.shape) != (supernet.shape[:1], supernet.shape[1:]):
        raise ValueError(f"a latency a subnet and a scene a pair of {supernet.shape}: {latency.shape}, {scenes.shape}")
    rows, first, second = measured.twice or Trained(np.array([], dtype=int), alone[:0], alone[:0])
    rows, first, second = np.asarray(rows, dtype=int), np.asarray(first, float), np.asarray(second, float)
    if len(set(rows.tolist())) != len(rows) or not np.isin(rows, np.arange(len(supernet))).all():
        raise ValueError(f"the subnets trained twice are different rows of {len(supernet)}")
    if not first.shape == second.shape == (len(rows), supernet.shape[1]):
        raise ValueError(f"errors of {len(rows)} subnets trained twice, not {first.shape} and {second.shape}")
    if not all(np.isfinite(each).all() for each in (supernet, alone, first, second)):
        raise ValueError("errors are finite")
    return Measured(supernet, alone, latency, scenes, Trained(rows, first, second))


def _near(latency: np.ndarray, share: float) -> np.ndarray:
    """Couples of nearly equal latency: bool [subnets, subnets]; none with an unknown one, nor with itself."""
    difference = np.abs(latency[:, np.newaxis] - latency)
    near = difference < share * np.minimum(latency[:, np.newaxis], latency)
    return near & ~np.eye(len(latency), dtype=bool)


def _window(share: float, latency: np.ndarray, near: np.ndarray, tau: np.ndarray, level: float) -> Window:
    disjoint, free = 0, None
    for place in np.argsort(latency):  # each with the one before, if they are near and that one is free
        if free is not None and near[free, place]:
            disjoint, free = disjoint + 1, None
        else:
            free = place
    # If all of them agree, each may yet disagree with a probability at which all would just be likely to agree.
    unseen = 2 * (1 - ((1 - level) / 2) ** (1 / max(disjoint, 1)))
    return Window(share, int(near.sum()) // 2, estimate(tau if disjoint > 2 else tau[:1], level, unseen))


def _regret(supernet: np.ndarray, alone: np.ndarray, top: int, level: float) -> Regret:
    """From mean errors [1 + resamples, subnets]; the best few are chosen anew in each resample of the pairs."""
    # Of subnets that the supernet holds equal the worse come first: it is credited with nothing that it does not say.
    best_first = np.lexsort((-alone, supernet), axis=-1)
    least = np.take_along_axis(alone, best_first, axis=1)[:, :top].min(axis=1)
    subnets = alone.shape[1]
    ways, worse = comb(subnets, top, exact=True), int((alone[0] > least[0]).sum())
    # The best of `top` drawn blindly stands at each place, and all others of them behind it.
    chances = np.array([comb(subnets - 1 - place, top - 1, exact=True) / ways for place in range(subnets)])
    return Regret(
        top=top,
        px=estimate(least - alone.min(axis=1), level),
        random_px=float(chances @ (np.sort(alone[0]) - alone[0].min())),
        as_good_by_chance=1 - comb(worse, top, exact=True) / ways,
    )


def _noise(supernet: np.ndarray, alone: np.ndarray, twice: Trained) -> Noise:
    apart = (twice.first - twice.second).mean(axis=1)
    against_mean = [means[1:] - means[1:].mean(axis=1, keepdims=True) for means in (supernet, alone)]
    return Noise(
        float(alone[0].std(ddof=1)) if alone.shape[1] > 1 else None,
        float(apart.std(ddof=1) / np.sqrt(2)) if len(apart) > 1 else None,
        *(float(np.sqrt(each.var(axis=0).mean())) if len(each) else None for each in against_mean),
    )


def plain(value):
    """For JSON: tuples with names become dictionaries."""
    if hasattr(value, "_asdict"):
        return {name: plain(each) for name, each in value._asdict().items()}
    return [plain(each) for each in value] if isinstance(value, list) else value
