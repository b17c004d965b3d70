"""How a network is quantised."""

from typing import NamedTuple, Optional


class Calibration(NamedTuple):
    """From how many training images; whether a map's range is all that is seen in it (None) or what lies within this
    percentile at both ends; and whether a kernel has one scale or one a channel."""

    images: int = 16
    percentile: Optional[float] = None
    per_tensor: bool = False

    def in_words(self) -> str:
        seen = f"values within percentile {self.percentile:g}" if self.percentile else "all values"
        return f"from {seen} seen, one a {'kernel' if self.per_tensor else 'channel of a kernel'}"


AS_CONVERTED = Calibration()
