"""A bilinear x2 and the convolution after it as one convolution of the small map.

Upsampling makes four positions of one; at each of the four the two steps together are a convolution of the small map
with a kernel of its own, of 5x5 for 7x7, 4x4 for 5x5, 3x3 for 3x3. Half of the multiplications of a 7x7 are left, and
the upsampled map, the largest of all, is never there. (Shi et al., 2016, do so with upsampling by zeros.)

The channels of a packed map [h, w, 4c] are those of the four positions, (row, column, channel). It is the same up to
where upsampling meets the border: there the small map goes on with zeros, where the upsampled one repeats its last
position below and to the right, and is zero before the first.
"""

from typing import NamedTuple, Tuple

import numpy as np

from efnas.core.upsampling import taps_after_upsampling


class Window(NamedTuple):
    """A kernel [rows, columns, in, out], and how far its first row and column lie from the position it is for."""

    kernel: np.ndarray
    first: Tuple[int, int]

    @property
    def last(self) -> int:
        """Rows that it reaches below."""
        return self.first[0] + self.kernel.shape[0] - 1


def plain(kernel: np.ndarray) -> Window:
    """The kernel itself."""
    return Window(kernel, (-(kernel.shape[0] // 2), -(kernel.shape[1] // 2)))


def upsampled_row(kernel: np.ndarray, row: int) -> Window:
    """For a small map to one (0 or 1) of the two rows that each of its rows becomes, out [h, w, (column, channel)]."""
    first_row, rows = taps_after_upsampling(kernel.shape[0], (row,))
    first_column, columns = taps_after_upsampling(kernel.shape[1])
    return Window(_joined("pad,qbe,deio->abipqo", rows, columns, kernel), (first_row, first_column))


def upsampled(kernel: np.ndarray) -> Window:
    """For a small map to the packed one of its upsampled size."""
    first, taps = taps_after_upsampling(kernel.shape[0])
    return Window(_joined("pad,qbe,deio->abipqo", taps, taps, kernel), (first, first))


def packed(kernel: np.ndarray) -> Window:
    """For a packed map to another."""
    size = kernel.shape[0]
    places = [[divmod(position + weight - size // 2, 2) for weight in range(size)] for position in (0, 1)]
    reach = max(abs(place) for row in places for place, _ in row)
    taps = np.zeros((2, 2 * reach + 1, 2, size))
    for position, row in enumerate(places):
        for weight, (place, part) in enumerate(row):
            taps[position, place + reach, part, weight] = 1.0
    return Window(_joined("pasd,qbte,deio->abstipqo", taps, taps, kernel), (-reach, -reach))


def _joined(how: str, rows: np.ndarray, columns: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """[rows, columns, in, out] with the positions among the channels."""
    found = np.einsum(how, rows, columns, kernel)
    into = int(np.prod(found.shape[2:-3]))
    return found.reshape(*found.shape[:2], into, -1).astype(np.float32)
