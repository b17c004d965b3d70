"""Flow without a network, by OpenCV where it is installed: what a user has already, as a line to beat.

Sources: Farneback, "Two-frame motion estimation based on polynomial expansion", 2003; Kroeger et al., "Fast optical
flow using dense inverse search", 2016.
"""

from typing import Dict, NamedTuple

import numpy as np

from efnas.errors import EfnasError
from efnas.evaluation.inference import Flow

# The parameters of OpenCV's own example: half the size from level to level, 3 levels, windows of 15 pixels, 3 rounds,
# polynomials of 5 pixels and their standard deviation, no flags.
FARNEBACK = (0.5, 3, 15, 3, 5, 1.2, 0)
# Red, green and blue of grey in 1/32768, cut off: what OpenCV reads of a coloured PNG file that it is to read as grey.
GREY = (9797, 19234, 3737)


class Classic(NamedTuple):
    """Methods by name, and the version of OpenCV that they are of; no method where there is none."""

    methods: Dict[str, Flow]
    version: str = ""


def classic_methods() -> Classic:
    """Farneback, and DIS with the preset `medium`; of frames of any size."""
    try:
        import cv2
    except ImportError:
        return Classic({})

    def farneback(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return cv2.calcOpticalFlowFarneback(first, second, None, *FARNEBACK)

    def dis(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(first, second, None)

    def of_pair(name: str, method) -> Flow:
        def flow(images: np.ndarray) -> np.ndarray:
            try:
                return method(grey(images[..., :3]), grey(images[..., 3:]))
            except cv2.error as error:
                height, width = images.shape[:2]
                raise EfnasError(f"OpenCV's {name} takes no frames of {width}x{height} pixels.") from error

        return flow

    methods = {"Farneback": of_pair("Farneback", farneback), "DIS": of_pair("DIS", dis)}
    return Classic(methods, cv2.__version__)


def grey(image: np.ndarray) -> np.ndarray:
    """uint8 [h, w] of RGB [h, w, 3] in [-1, 1]."""
    values = np.rint((image.astype(np.float64) + 1.0) * 127.5).astype(np.int64)
    return (np.clip(values, 0, 255) @ np.array(GREY) >> 15).astype(np.uint8)
