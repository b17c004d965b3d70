"""What is exported: a subnet of a supernet, or its baseline, each as a description over layers."""

from typing import Callable, Dict, List, NamedTuple

from efnas.core.costs import CostLayers, variables_of
from efnas.core.geometry import FLOW_CHANNELS, OUTPUT_CHANNELS, ScaleMaps
from efnas.core.routing import Fixed
from efnas.core.space import ArchCode
from efnas.core.supernet import Supernet
from efnas.core.variables import Variable
from efnas.errors import EfnasError
from efnas.export.host import ACCUMULATED, PACKED
from efnas.export.packing import PackedCosts


class ExportedNetwork(NamedTuple):
    """`describe(layers, images, output_channels)` gives its `ScaleMaps`, over tensors or shapes."""

    name: str
    supernet: Supernet
    describe: Callable[..., ScaleMaps]

    def variables(self) -> Dict[str, Variable]:
        """What it trains, by name."""
        stride = self.supernet.stride
        return variables_of(lambda layers: self.describe(layers, (stride, stride, 6), OUTPUT_CHANNELS))

    def counted(self, height: int, width: int, form: str) -> CostLayers:
        """Its layers for one image pair of height x width, as a form has them."""
        layers = PackedCosts(self.supernet, height, width) if form == PACKED else CostLayers()
        self.describe(layers, (height, width, 6), output_channels(form))
        return layers


def subnet_network(supernet: Supernet, arch: ArchCode, base_width: int) -> ExportedNetwork:
    def describe(layers, images, channels) -> ScaleMaps:
        (maps,) = supernet.network(layers, Fixed(supernet.space, arch), images, base_width, channels)
        return maps

    return ExportedNetwork(f"subnet_{arch.compact}", supernet, describe)


def baseline_network(supernet: Supernet, base_width: int) -> ExportedNetwork:
    return ExportedNetwork(
        "bilinear_baseline",
        supernet,
        lambda layers, images, channels: supernet.baseline(layers, images, base_width, channels),
    )


def output_channels(form: str) -> int:
    """Of a head: where the host adds up it has no use for the uncertainty."""
    return OUTPUT_CHANNELS if form == ACCUMULATED else FLOW_CHANNELS


def output_names(supernet: Supernet, form: str) -> List[str]:
    """The names of a form's outputs, from the coarsest scale to the finest.

    Raises EfnasError for a form that the network cannot have.
    """
    *coarser, fine = supernet.heads
    if form == ACCUMULATED:
        return [f"Sum{fine.scale}/flow" if coarser else f"{fine.block}/flow"]
    if not coarser:
        raise EfnasError(f"{supernet.name} predicts at one scale: it has no form {form}.")
    if form == PACKED:
        return [f"{coarser[0].block}/flow", *(f"{head.block}/residual" for head in supernet.heads[1:])]
    summed = f"Sum{coarser[-1].scale}" if len(coarser) > 1 else coarser[-1].block
    return [f"{summed}/flow", f"{fine.block}/residual"]
