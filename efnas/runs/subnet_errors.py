"""End-point errors of subnets as figures: their summary and their ranking."""

from typing import Dict, List, NamedTuple

import numpy as np

from efnas.core.space import ArchCode


class SubnetErrors(NamedTuple):
    """EPE in pixels of each arch, in the order they were asked for, and of predicting zero, on `samples` pairs;
    `by_pair` is [archs, samples]."""

    epe: Dict[ArchCode, float]
    zero_epe: float
    samples: int
    by_pair: np.ndarray

    def summary(self, baseline: ArchCode) -> dict:
        """Figures over the archs. Raises KeyError when the baseline was not among them."""
        values = np.array(list(self.epe.values()))
        return {
            "mean": float(values.mean()),
            "std": float(values.std()),
            "median": float(np.median(values)),
            "p90": float(np.percentile(values, 90)),
            "baseline": self.epe[baseline],
            "zero": self.zero_epe,
        }

    def ranking(self) -> List[ArchCode]:
        return sorted(self.epe, key=lambda arch: (self.epe[arch], arch))
