"""Parameters and multiply-accumulates, counted by walking a network's description with shapes for tensors."""

from collections import OrderedDict
from contextlib import contextmanager
from functools import reduce
from operator import mul
from typing import Callable, Dict, NamedTuple, Tuple

from efnas.core.routing import EveryOption, Fixed
from efnas.core.space import ArchCode
from efnas.core.supernet import Supernet
from efnas.core.variables import HE, ONE, ZERO, First, Variable

Shape = Tuple[int, int, int]  # height, width, channels


class LayerCost(NamedTuple):
    params: int
    macs: int

    def __add__(self, other: "LayerCost") -> "LayerCost":
        return LayerCost(self.params + other.params, self.macs + other.macs)


class CostLayers:
    """The interface of `layers.Layers` over shapes.

    `costs` holds the cost of each layer by its name, `variables` what it trains.

    Trained parameters are counted (kernels; scale and offset of batch norms), multiply-accumulates are those of the
    convolutions: the rest folds away or is free on the NPU.
    """

    def __init__(self) -> None:
        self.costs: Dict[str, LayerCost] = OrderedDict()
        self.variables: Dict[str, Variable] = OrderedDict()

    def conv(self, x: Shape, scope: str, channels: int, kernel: int, stride: int = 1, first: First = HE) -> Shape:
        height, width = -(-x[0] // stride), -(-x[1] // stride)
        weights = kernel * kernel * x[2] * channels
        self.costs[scope] = LayerCost(weights, weights * height * width)
        self.variables[f"{scope}/kernel"] = Variable((kernel, kernel, x[2], channels), first)
        return height, width, channels

    def batch_norm(self, x: Shape, scope: str, first_scale: First = ONE) -> Shape:
        self.costs[scope] = LayerCost(2 * x[2], 0)
        self.variables[f"{scope}/gamma"] = Variable((x[2],), first_scale)
        self.variables[f"{scope}/beta"] = Variable((x[2],), ZERO)
        return x

    def relu(self, x: Shape) -> Shape:
        return x

    def add(self, x: Shape, y: Shape) -> Shape:
        if x != y:
            raise ValueError(f"cannot add {x} and {y}")
        return x

    def upsample(self, x: Shape) -> Shape:
        return 2 * x[0], 2 * x[1], x[2]

    @contextmanager
    def scope(self, name: str):
        yield

    @property
    def total(self) -> LayerCost:
        return sum(self.costs.values(), LayerCost(0, 0))

    def by_stage(self) -> Dict[str, LayerCost]:
        """The cost of each stage (E0, EB0, ...), in the order of the network."""
        stages: Dict[str, LayerCost] = OrderedDict()
        for name, cost in self.costs.items():
            stage = name.split("/")[0]
            stages[stage] = stages.get(stage, LayerCost(0, 0)) + cost
        return stages


def variables_of(describe: Callable) -> Dict[str, Variable]:
    """What the layers that `describe(layers)` asks for train, by name."""
    layers = CostLayers()
    describe(layers)
    return layers.variables


def subnet_costs(supernet: Supernet, code: ArchCode, height: int, width: int, base_width: int) -> CostLayers:
    """The counted layers of one subnet on pairs of images of height x width pixels."""
    layers = CostLayers()
    supernet.network(layers, Fixed(supernet.space, code), (height, width, 6), base_width)
    return layers


def supernet_variables(supernet: Supernet, base_width: int) -> Dict[str, Variable]:
    """What the whole supernet trains, by name, in the order of the network."""
    size = (supernet.stride, supernet.stride, 6)
    return variables_of(lambda layers: supernet.network(layers, EveryOption(supernet.space), size, base_width))


def supernet_params(supernet: Supernet, base_width: int) -> int:
    """Trained parameters of the whole supernet."""
    return sum(reduce(mul, each.shape) for each in supernet_variables(supernet, base_width).values())


def lanes_using(supernet: Supernet) -> Dict[str, int]:
    """How many lanes of a fair cycle use each layer: all of them a shared one, one of them an option's."""
    users: Dict[str, int] = {}
    for code in supernet.space.shifts(supernet.space.baseline):
        for name in subnet_costs(supernet, code, supernet.stride, supernet.stride, base_width=2).costs:
            users[name] = users.get(name, 0) + 1
    return users
