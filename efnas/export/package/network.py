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
        """The flow itself, or of several outputs the smallest: the flow summed up to a coarser scale."""
        return self._maps[0]

    @property
    def residual(self) -> Optional[Port]:
        """What is added to the flow, upsampled to twice its size; rows below the image may be missing."""
        return self._maps[1] if len(self._maps) == 2 else None

    @property
    def packed(self) -> Optional[Port]:
        """What is added last, to their sum upsampled: [1, rows, columns, 8], where channel (p * 2 + q) * 2 + c is
        component c of the position (2 * row + p, 2 * column + q) of the canvas."""
        return next((port for port in self.outputs if port.shape[3] == 8), None)

    @property
    def _maps(self) -> List[Port]:
        return sorted((port for port in self.outputs if port.shape[3] == 2), key=lambda port: port.shape[1])

    @property
    def coarse_to_fine(self) -> List[Port]:
        return [port for port in (self.flow, self.residual, self.packed) if port]

    @property
    def canvas(self) -> List[int]:
        """Height and width of the map in whose top-left the image lies."""
        height, width = self.coarse_to_fine[-1].shape[1:3]
        return [2 * height, 2 * width] if self.packed else [height, width]


def deployed_network(model: bytes, compiled: bytes) -> DeployedNetwork:
    """Raises CheckFailed where the compiler changed what goes in and comes out."""
    (taken, given), (compiled_taken, compiled_given) = read_ports(model), read_ports(compiled)
    if taken != compiled_taken or sorted(given) != sorted(compiled_given):
        raise CheckFailed("The compiled file has other inputs and outputs than the exported one.")
    return DeployedNetwork(*compiled_taken, compiled_given)
