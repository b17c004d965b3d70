"""End-point errors of subnets as figures: their summary, their ranking, and how far chance can turn it."""

from typing import Dict, List, NamedTuple, Optional

import numpy as np

from efnas.core.space import ArchCode


class Margin(NamedTuple):
    """How much worse than the best, on the same pairs, in px, with the band that holds for all at once; without ends
    where a single scene says nothing of the spread."""

    mean: float
    low: Optional[float]
    high: Optional[float]

    def __str__(self) -> str:
        """With its band; nothing of the best itself, or where none is known."""
        return f"{self.mean:.4f} ({self.low:+.4f} to {self.high:+.4f})" if self.high else ""

    @property
    def signed(self) -> str:
        """As a difference, with its band where one is known."""
        band = "" if self.high is None else f" ({self.low:+.4f} to {self.high:+.4f})"
        return f"{self.mean:+.4f}{band}"


class Placed(NamedTuple):
    """The rank of a subnet, which those share that cannot be told apart, and how much worse than the best it is."""

    rank: int
    worse_by: Margin


class SubnetErrors(NamedTuple):
    """EPE in pixels of each arch, in the order they were asked for, and of predicting zero, on `samples` pairs;
    `by_pair` is [archs, samples]; `places` says where each stands."""

    epe: Dict[ArchCode, float]
    zero_epe: float
    samples: int
    by_pair: np.ndarray
    places: Dict[ArchCode, Placed] = {}

    def summary(self, baseline: Optional[ArchCode]) -> dict:
        """Figures over the archs, and that of the baseline where there is one to look for.

        Raises KeyError when the baseline was not among them."""
        values = np.array(list(self.epe.values()))
        return {
            "mean": float(values.mean()),
            "std": float(values.std()),
            "median": float(np.median(values)),
            "p90": float(np.percentile(values, 90)),
            **({} if baseline is None else {"baseline": self.epe[baseline]}),
            "zero": self.zero_epe,
        }

    def ranking(self) -> List[ArchCode]:
        return sorted(self.epe, key=lambda arch: (self.epe[arch], arch))

    def chance(self) -> str:
        """What the ranks say of chance, as a sentence; nothing where the best stands alone."""
        alike = sum(place.rank == 1 for place in self.places.values())
        return f"{alike} of {len(self.epe)} cannot be told from the best (95 %, all at once), and share its rank." * (
            alike > 1
        )
