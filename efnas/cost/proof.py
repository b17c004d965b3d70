"""How far derived costs can be trusted: subnets that no term was taken from, exported and compiled for real."""

import math
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

import numpy as np

from efnas.core.sampler import random_archs
from efnas.core.space import ArchCode, SearchSpace
from efnas.cost.model import PAIRS, BoardCost, probes


class Proof(NamedTuple):
    """Errors over held-out subnets: relative ones as fractions, `kendall_tau` between the orders by latency, where they
    have an order."""

    method: str
    subnets: int
    largest_error: float
    mean_error: float
    largest_error_ms: float
    largest_sram_error_kib: float
    largest_flash_error_kib: float
    kendall_tau: Optional[float]


def held_out(space: SearchSpace, count: int, seed: int) -> List[ArchCode]:
    """So many different subnets drawn at random, none that a method needs as a probe, unless the space has no other."""
    known = set(probes(space, PAIRS))
    drawn = random_archs(space, seed, min(count + len(known), space.size))
    return ([arch for arch in drawn if arch not in known] or drawn)[:count]


def prove(
    method: str, predict: Callable[[ArchCode], Tuple[float, float, float]], compiled: Dict[ArchCode, BoardCost]
) -> Proof:
    """Hold what `predict` says (latency, SRAM, flash) against compiled costs."""
    from scipy.stats import kendalltau

    said = np.array([predict(arch) for arch in compiled])
    true = np.array([cost.figures for cost in compiled.values()])
    off = np.abs(said - true)
    relative = off[:, 0] / true[:, 0]
    tau = float(kendalltau(said[:, 0], true[:, 0])[0])
    largest = off.max(axis=0).tolist()
    order = None if math.isnan(tau) else tau
    return Proof(method, len(compiled), float(relative.max()), float(relative.mean()), *largest, order)
