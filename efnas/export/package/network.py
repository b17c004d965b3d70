"""The network as its compiled file has it: what it takes, what it gives, and in which order."""

from typing import List, NamedTuple, Optional

from efnas.errors import CheckFailed
from efnas.export.content import Port, read_ports


class DeployedNetwork(NamedTuple):
    """`outputs` in the order of the compiled file. Sizes are [1, height, width, channels]."""

    given: Port
    outputs: List[Port]

    @property
    def height(self) -> int:
        return self.given.shape[1]

    @property
    def width(self) -> int:
        return self.given.shape[2]

    @property
    def flow(self) -> Port:
        """The flow itself, or of two outputs the smaller: the flow summed up to 1/2 scale."""
        return min(self.outputs, key=lambda port: port.shape[1])

    @property
    def residual(self) -> Optional[Port]:
        """Of two outputs the larger."""
        return max(self.outputs, key=lambda port: port.shape[1]) if len(self.outputs) == 2 else None

    @property
    def canvas(self) -> List[int]:
        """Height and width of the map in whose top-left the image lies."""
        return (self.residual or self.flow).shape[1:3]


def deployed_network(model: bytes, compiled: bytes) -> DeployedNetwork:
    """Raises CheckFailed where the compiler changed what goes in and comes out."""
    (taken, given), (compiled_taken, compiled_given) = read_ports(model), read_ports(compiled)
    if taken != compiled_taken or sorted(given) != sorted(compiled_given):
        raise CheckFailed("The compiled file has other inputs and outputs than the exported one.")
    return DeployedNetwork(*compiled_taken, compiled_given)
