"""Which blocks one pass of `SpaceEvaluator` opens: as many as pay, and as the memory at hand holds.

The maps of all branches could be alive at once: what a pass takes is bounded by their sum, which is counted by walking
the network's description with shapes for tensors.
"""

from contextlib import contextmanager
from typing import Callable, List, Optional, Sequence

from efnas.core.branches import Branches, branches_of, pairs
from efnas.core.costs import CostLayers, Shape
from efnas.core.routing import Tree
from efnas.core.space import ArchCode, SearchSpace
from efnas.core.supernet import Supernet

# Of more a pass saves little and needs three times the memory. At 180x240 and width 32, in batches of 4, 243 subnets
# take 4.3 s and 1.4 GB in a pass of 729, and 4.7 s and 0.9 GB in one of their own.
MOST_SUBNETS = 1000
FLOAT_BYTES = 4


def opened_blocks(space: SearchSpace, most: int = MOST_SUBNETS) -> List[str]:
    """The longest end of the space whose blocks have no more than `most` combinations of options."""
    opened, count = [], 1
    for block in reversed(space.blocks):
        count *= len(block.options)
        if count > most:
            break
        opened.insert(0, block.name)
    return opened


def opened_within(
    supernet: Supernet, height: int, width: int, base_width: int, batch: int, free: Optional[float]
) -> List[str]:
    """The same, but no more than `free` bytes hold in batches of `batch` pairs (None: not known); at least the last."""
    opened = opened_blocks(supernet.space)
    if free is not None:
        while len(opened) > 1 and batch * bytes_of_pair(supernet, opened, height, width, base_width) > free:
            opened = opened[1:]
    return opened


def bytes_of_pair(
    supernet: Supernet, opened: List[str], height: int, width: int, base_width: int, codes: Sequence[ArchCode] = ()
) -> int:
    """The maps of all branches, or those that `codes` take, which a pair of images goes through."""
    layers = _Maps()
    supernet.network(layers, _Shapes(supernet.space, None, layers, opened, codes), (height, width, 6), base_width)
    return FLOAT_BYTES * layers.values


class _Maps(CostLayers):
    """Counts the values of the maps that layers give, without sums over the scales: the last, and largest, are never
    made, and those before are small."""

    def __init__(self) -> None:
        super().__init__()
        self.values = 0

    def conv(self, *description, **more) -> Shape:
        return self._counted(super().conv(*description, **more))

    def batch_norm(self, *description, **more) -> Shape:
        return self._counted(super().batch_norm(*description, **more))

    def upsample(self, x):
        if not isinstance(x, Branches):
            return self._counted(super().upsample(x))
        return Branches((branch, self.upsample(shape)) for branch, shape in x.items())

    def add(self, x, y):
        if not isinstance(x, Branches) and not isinstance(y, Branches):
            return super().add(x, y)
        return Branches((branch, one) for branch, one, _ in pairs(branches_of(x), branches_of(y)))

    @contextmanager
    def separate_moments(self):
        yield []

    def together(self, outputs: List[Shape]) -> List[Shape]:
        return outputs

    def _counted(self, shape: Shape) -> Shape:
        height, width, channels = shape
        self.values += height * width * channels
        return shape


class _Shapes(Tree):
    """A tree over shapes; a switched block runs its last option."""

    def choose(self, block: str, x, option: Callable):
        if block in self.opened:
            return super().choose(block, x, option)
        return option(self.space.blocks[self.space.position(block)].options[-1].value)(x)
