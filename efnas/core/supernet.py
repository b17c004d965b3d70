"""A supernet as a value: its search space, its network, its baseline. All that names a space of its own stands here."""

from dataclasses import dataclass
from typing import Callable, Optional, Tuple

from efnas.core.baseline import bilinear_baseline
from efnas.core.geometry import Head
from efnas.core.network import FLOW_SPACE, HEADS, NETWORK_VERSION, STRIDE, optical_flow_network
from efnas.core.space import ArchCode, SearchSpace
from efnas.errors import EfnasError


@dataclass(frozen=True)
class Supernet:
    """What is trained, searched and exported.

    space: the choice blocks.
    version: of the network; a checkpoint of another one is refused.
    heads: the blocks that predict flow, from the coarsest scale to the finest, which is 1.
    stride: what the deepest maps are smaller than the input by.
    network: `network(layers, router, images, base_width, output_channels)` gives one `ScaleMaps` a lane of the router.
    baseline: `baseline(layers, images, base_width, output_channels)` gives the `ScaleMaps` of the unsearched network.
    arch: of a network that is trained alone (see `alone`) the code that names it; None for all subnets together.
    """

    space: SearchSpace
    version: int
    heads: Tuple[Head, ...]
    stride: int
    network: Callable
    baseline: Callable
    arch: Optional[ArchCode] = None

    @property
    def name(self) -> str:
        return self.space.name

    @property
    def baseline_subnet(self) -> Optional[ArchCode]:
        """The subnet that stands for the baseline among the others; a network that is alone has none beside it."""
        return self.space.baseline if self.arch is None else None

    def identity(self, base_width: int) -> dict:
        """What a checkpoint must agree on to fit into this network."""
        return {
            "space": self.space.name,
            "space_version": self.space.version,
            "network_version": self.version,
            "base_width": base_width,
            "arch": None if self.arch is None else str(self.arch),
        }

    def require_size(self, height: int, width: int, base_width: int) -> None:
        """Raises EfnasError for an input size or a width that the network cannot have."""
        coarsest = self.heads[0].scale
        scales = ", ".join(f"1/{head.scale}" for head in self.heads)
        for key, value in (("data.input_height", height), ("data.input_width", width)):
            if value % coarsest:
                raise EfnasError(
                    f"{key} must be a multiple of {coarsest} (the heads predict at {scales}); it is {value}."
                )
        if base_width % 2:
            raise EfnasError(f"network.base_width must be even (some layers have half of it); it is {base_width}.")


EDGEFLOW = Supernet(FLOW_SPACE, NETWORK_VERSION, HEADS, STRIDE, optical_flow_network, bilinear_baseline)
SUPERNETS = {EDGEFLOW.name: EDGEFLOW}


def supernet_named(name: str) -> Supernet:
    """Raises EfnasError, with the names there are, for another."""
    if name not in SUPERNETS:
        raise EfnasError(f"There is no network '{name}' (network.name); there are {', '.join(SUPERNETS)}.")
    return SUPERNETS[name]
