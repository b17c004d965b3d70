"""How a network is quantised."""

from typing import NamedTuple, Optional


class Tuning(NamedTuple):
    """Steps of quantisation-aware fine-tuning, and the learning rate that they begin with."""

    steps: int
    rate: float = 1e-4


class Calibration(NamedTuple):
    """From how many training images; whether a map's range is all that is seen in it (None) or what lies within this
    percentile at both ends; whether a kernel has one scale or one a channel; and how all that is tuned after."""

    images: int = 16
    percentile: Optional[float] = None
    per_tensor: bool = False
    tuning: Optional[Tuning] = None

    def in_words(self) -> str:
        seen = f"values within percentile {self.percentile:g}" if self.percentile else "all values"
        tuned = f", tuned in {self.tuning.steps} steps" if self.tuning else ""
        return f"from {seen} seen, one a {'kernel' if self.per_tensor else 'channel of a kernel'}{tuned}"


AS_CONVERTED = Calibration()
