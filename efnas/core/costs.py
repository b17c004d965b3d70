"""Parameters and multiply-accumulates of a subnet, counted by walking the same description with shapes for tensors."""

from collections import OrderedDict
from contextlib import contextmanager
from typing import Dict, NamedTuple, Tuple

from efnas.core.network import BASE_WIDTH, HE, First, optical_flow_network
from efnas.core.routing import Fixed
from efnas.core.space import ArchCode, SearchSpace

Shape = Tuple[int, int, int]  # height, width, channels


class Cost(NamedTuple):
    params: int
    macs: int

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.params + other.params, self.macs + other.macs)


class CostLayers:
    """The interface of `layers.Layers` over shapes.

    `costs` holds the cost of each layer by its name, `shapes` that of each trained variable.

    Trained parameters are counted (kernels; scale and offset of batch norms), multiply-accumulates are those of the
    convolutions: the rest folds away or is free on the NPU.
    """

    def __init__(self) -> None:
        self.costs: Dict[str, Cost] = OrderedDict()
        self.shapes: Dict[str, Tuple[int, ...]] = {}

    def conv(self, x: Shape, scope: str, channels: int, kernel: int, stride: int = 1, first: First = HE) -> Shape:
        height, width = -(-x[0] // stride), -(-x[1] // stride)
        weights = kernel * kernel * x[2] * channels
        self.costs[scope] = Cost(weights, weights * height * width)
        self.shapes[f"{scope}/kernel"] = (kernel, kernel, x[2], channels)
        return height, width, channels

    def batch_norm(self, x: Shape, scope: str, first_scale: float = 1.0) -> Shape:
        self.costs[scope] = Cost(2 * x[2], 0)
        self.shapes[f"{scope}/gamma"] = self.shapes[f"{scope}/beta"] = (x[2],)
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
    def total(self) -> Cost:
        return sum(self.costs.values(), Cost(0, 0))

    def by_stage(self) -> Dict[str, Cost]:
        """The cost of each stage (E0, EB0, ...), in the order of the network."""
        stages: Dict[str, Cost] = OrderedDict()
        for name, cost in self.costs.items():
            stage = name.split("/")[0]
            stages[stage] = stages.get(stage, Cost(0, 0)) + cost
        return stages


def subnet_costs(
    space: SearchSpace, code: ArchCode, height: int, width: int, base_width: int = BASE_WIDTH
) -> CostLayers:
    """The counted layers of one subnet on pairs of images of height x width pixels."""
    layers = CostLayers()
    optical_flow_network(layers, Fixed(space, code), (height, width, 6), base_width)
    return layers


def supernet_params(space: SearchSpace, base_width: int = BASE_WIDTH) -> int:
    """Trained parameters of the whole supernet: any fair cycle visits every option once."""
    layers: Dict[str, Cost] = {}
    for code in space.shifts(space.baseline):
        layers.update(subnet_costs(space, code, 64, 64, base_width).costs)
    return sum(cost.params for cost in layers.values())


def lanes_using(space: SearchSpace) -> Dict[str, int]:
    """How many lanes of a fair cycle use each layer: all of them a shared one, one of them an option's."""
    users: Dict[str, int] = {}
    for code in space.shifts(space.baseline):
        for name in subnet_costs(space, code, 64, 64, base_width=2).costs:
            users[name] = users.get(name, 0) + 1
    return users
