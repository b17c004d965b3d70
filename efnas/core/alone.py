"""A subnet, or the baseline, that is trained alone: a supernet value whose network is walked in one way only.

Its variables are those of that subnet, with the names, and so the first values, that they have in the supernet.
"""

from dataclasses import replace
from typing import List, Sequence

from efnas.core.geometry import OUTPUT_CHANNELS, ScaleMaps
from efnas.core.routing import Fixed
from efnas.core.sampler import chosen_archs, evaluation_pool
from efnas.core.space import ArchCode, SearchSpace
from efnas.core.supernet import Supernet
from efnas.errors import EfnasError

BASELINE, BEST = "baseline", "best"


class BaselineCode(ArchCode):
    """What stands for the baseline where a code says which network is meant.

    The baseline is a network of its own and no subnet of the space. Its digits are those of the subnet that costs the
    same, for what goes by digits; but it must not be taken for that subnet, so it equals no code but itself.
    """

    __slots__ = ()

    def __str__(self) -> str:
        return BASELINE

    @property
    def compact(self) -> str:
        return BASELINE

    def __eq__(self, other) -> bool:
        return isinstance(other, BaselineCode) and tuple.__eq__(self, other)

    def __ne__(self, other) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((BASELINE, tuple(self)))


def network_named(space: SearchSpace, text: str) -> ArchCode:
    """A subnet by its code, or the baseline. Raises EfnasError for neither."""
    return BaselineCode(space.baseline) if text.strip() == BASELINE else space.parse(text)


def in_words(arch) -> str:
    """`arch` is a code, or its text."""
    return f"bilinear {BASELINE}" if str(arch) == BASELINE else f"subnet {arch}"


def alone(supernet: Supernet, arch: ArchCode) -> Supernet:
    """The network that `arch` names, by itself: whatever router it is walked with, it goes its one way."""

    def subnet(layers, router, images, base_width: int, output_channels: int = OUTPUT_CHANNELS) -> List[ScaleMaps]:
        return supernet.network(layers, Fixed(supernet.space, arch), images, base_width, output_channels)

    def baseline(layers, router, images, base_width: int, output_channels: int = OUTPUT_CHANNELS) -> List[ScaleMaps]:
        return [supernet.baseline(layers, images, base_width, output_channels)]

    return replace(supernet, network=baseline if isinstance(arch, BaselineCode) else subnet, arch=arch)


def subnet_named(supernet: Supernet, text: str) -> ArchCode:
    """The subnet of a code; of a network that is alone also `best`, for there is no other.

    Raises EfnasError for what is no code, and for a subnet that a network which is alone does not have.
    """
    if supernet.arch is None:
        return supernet.space.parse(text)
    if text.strip() != BEST and network_named(supernet.space, text) != supernet.arch:
        raise _has_no_other(supernet)
    return supernet.arch


def pool_of(supernet: Supernet, seed: int, size: int) -> List[ArchCode]:
    """The subnets that a training evaluates."""
    return evaluation_pool(supernet.space, seed, size) if supernet.arch is None else [supernet.arch]


def chosen_of(supernet: Supernet, seed: int, texts: Sequence[str], drawn: int, pool_size: int) -> List[ArchCode]:
    """The subnets with these codes and `drawn` random ones, or, with neither, the pool; and the baseline's."""
    named = [subnet_named(supernet, text) for text in texts]
    if supernet.arch is None:
        return chosen_archs(supernet.space, seed, named, drawn, pool_size)
    if drawn:
        raise _has_no_other(supernet)
    return [supernet.arch]


def require_all_subnets(supernet: Supernet, command: str) -> None:
    """Raises EfnasError for a network that is alone."""
    if supernet.arch is not None:
        raise EfnasError(f"This run trained {_told(supernet)} alone; {command} needs a supernet, with all its subnets.")


def _has_no_other(supernet: Supernet) -> EfnasError:
    return EfnasError(f"This run trained {_told(supernet)} alone; it has no other subnet.")


def _told(supernet: Supernet) -> str:
    return f"the {in_words(supernet.arch)}" if isinstance(supernet.arch, BaselineCode) else str(supernet.arch)
