"""The packed form of a network: how its layers are connected, over tensors or over shapes.

What is upsampled after the coarsest head goes into the convolution that follows (see `phases`). The map of the last
scale stays packed to the end. Those between are put together again: two convolutions give the even and the odd rows,
and the two columns that a position becomes lie side by side in memory as they are.

Rows that no pixel of the image depends on are left out: the canvas is that of the network's stride.
"""

from functools import partial
from typing import Any, Callable, NamedTuple, Tuple

import numpy as np

from efnas.core.costs import CostLayers, LayerCost, Shape
from efnas.core.supernet import Supernet
from efnas.core.upsampling import Upsampled
from efnas.core.variables import HE, ONE, First, Variable
from efnas.export.phases import Window, packed, plain, upsampled, upsampled_row

# Rows of a map that its own kernel and the head after it reach below, at most: two each, of 7x7.
REACH = 4


class Packed(NamedTuple):
    """A map of the last scale, the channels of four positions in one."""

    map: Any


class Rows:
    """A map [2h, 2w, c] as its even and its odd rows, each [h, w, 2c]; put together once, for all that take it."""

    def __init__(self, even, odd, block: str):
        self.pair, self.block, self.map = (even, odd), block, None


class Packing:
    """Mixed into layers, which say what the `shape` of a map is, how a `window` of one is computed, how a batch norm of
    a map with several positions in its channels (`normalised`), and how rows are put together (`interleaved`)."""

    supernet: Supernet
    size: Tuple[int, int]  # of the images: height and width

    def upsample(self, x):
        if isinstance(x, (Upsampled, Rows)) or self._scale(x) <= self.supernet.heads[0].scale:
            return Upsampled(x)
        return super().upsample(x)

    def add(self, x, y):
        return x if isinstance(x, Upsampled) else super().add(x, y)  # scales are the host's to add

    def relu(self, x):
        relu = super().relu
        if isinstance(x, Packed):
            return Packed(relu(x.map))
        return Rows(*map(relu, x.pair), x.block) if isinstance(x, Rows) else relu(x)

    def batch_norm(self, x, scope: str, first_scale: First = ONE):
        if isinstance(x, Packed):
            return Packed(self.normalised(x.map, scope, 4))
        if isinstance(x, Rows):
            return Rows(*(self.normalised(part, scope, 2) for part in x.pair), x.block)
        return super().batch_norm(x, scope, first_scale)

    def conv(self, x, scope: str, channels: int, kernel: int, stride: int = 1, first: First = HE):
        def run(compose: Callable[[np.ndarray], Window], given, positions: int = 1, part: str = "", rows: int = 0):
            variable = Variable((kernel, kernel, self.shape(given)[2] // positions, channels), first)
            return self.window(given, compose, f"{scope}/kernel", variable, f"{scope}{part}", rows)

        if isinstance(x, Upsampled):
            small = self._whole(x.map)
            if self._scale(small) == 2:
                return Packed(run(upsampled, small))
            rows = max(self._needed(self._scale(small) // 2) // 2, self.shape(small)[0] - 1)
            even = run(partial(upsampled_row, row=0), small, part="/even", rows=rows)
            return Rows(even, run(partial(upsampled_row, row=1), small, part="/odd", rows=rows), scope.split("/")[0])
        if isinstance(x, Packed):
            return Packed(run(packed, x.map, positions=4))
        if isinstance(x, Rows):
            return run(plain, self._whole(x))
        return super().conv(x, scope, channels, kernel, stride, first)

    def rows_of(self, given, window: Window, wanted: int) -> int:
        """How many rows a window gives of a map: as many where that is the whole canvas and no fewer are `wanted`; of
        one that is cut those that it has all rows for."""
        height, width, _ = self.shape(given)
        whole = height == self._canvas(0) * width // self._canvas(1)
        return max(wanted or (height if whole else 0), height - window.last)

    def _needed(self, scale: int) -> int:
        """Rows of a map at 1/scale, an even number, that the image depends on, as far as the canvas has them."""
        rows, at = self.size[0], 1
        while at < scale:
            at *= 2
            rows = -(-rows // 2) + REACH
            rows += rows % 2
        return min(rows, self._canvas(0) // scale)

    def _canvas(self, axis: int) -> int:
        stride = self.supernet.stride
        return -(-self.size[axis] // stride) * stride

    def _scale(self, x) -> int:
        return self._canvas(1) // self.shape(x)[1]

    def _whole(self, x):
        if not isinstance(x, Rows):
            return x
        if x.map is None:
            x.map = self.interleaved(*x.pair, x.block)
        return x.map


class PackedCosts(Packing, CostLayers):
    """`CostLayers` of the packed form: `variables` are those of the network, `costs` what is computed of them."""

    def __init__(self, supernet: Supernet, height: int, width: int):
        super().__init__()
        self.supernet, self.size = supernet, (height, width)

    def shape(self, x: Shape) -> Shape:
        return x

    def window(self, given: Shape, compose: Callable, name: str, variable: Variable, part: str, wanted: int) -> Shape:
        window = compose(np.zeros(variable.shape, np.float32))
        rows = self.rows_of(given, window, wanted)
        self.variables[name] = variable
        self.costs[part] = LayerCost(window.kernel.size, window.kernel.size * rows * given[1])
        return rows, given[1], window.kernel.shape[-1]

    def normalised(self, x: Shape, scope: str, positions: int) -> Shape:
        super().batch_norm((*x[:2], x[2] // positions), scope)
        return x

    def interleaved(self, even: Shape, odd: Shape, block: str) -> Shape:
        return even[0] + odd[0], 2 * even[1], even[2] // 2
