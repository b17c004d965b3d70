"""What a walk over every option is at: a branch is the options that were taken on the way to a tensor."""

from typing import Dict, Iterator, Optional, Sequence, Tuple

# Places and digits, in the order of the walk.
Branch = Tuple[Tuple[int, int], ...]
ROOT: Branch = ()


class Branches(dict):
    """Tensors by branch."""


def branches_of(x) -> Branches:
    """What no opened block has come before yet is the one branch that all grow from."""
    return x if isinstance(x, Branches) else Branches({ROOT: x})


def goes_through(code: Sequence[int], branch: Branch) -> bool:
    """Whether the subnet of a code takes these options."""
    return all(code[place] == digit for place, digit in branch)


def joined(one: Branch, other: Branch) -> Optional[Branch]:
    """The options of both, or None where they differ in a block and so belong to no subnet together."""
    taken: Dict[int, int] = dict(one)
    if any(taken.setdefault(place, digit) != digit for place, digit in other):
        return None
    return tuple(sorted(taken.items()))


def pairs(one: Branches, other: Branches) -> Iterator[Tuple[Branch, object, object]]:
    """Of two places in the network, the branches that a subnet has together, with their tensors."""
    for first, x in one.items():
        for second, y in other.items():
            both = joined(first, second)
            if both is not None:
                yield both, x, y
