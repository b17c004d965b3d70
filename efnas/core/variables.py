"""What a variable of a network is: its shape, and the values that it begins with. Knows no TensorFlow."""

from typing import Mapping, NamedTuple, Optional, Tuple


class First(NamedTuple):
    """The first values of a variable: all `constant`, or He-normal in its inner `core` x `core` pixels (0: all of them)
    and zero around.

    Kernels of the same `name` (empty: their own) and core begin with the same values.
    """

    constant: Optional[float] = None
    core: int = 0
    name: str = ""


HE = First()
ZERO = First(constant=0.0)
ONE = First(constant=1.0)


class Variable(NamedTuple):
    """Kernels are [height, width, channels in, channels out], scales and offsets of batch norms [channels]."""

    shape: Tuple[int, ...]
    first: First


SHARED, INDEPENDENT = "shared", "independent"
_USUAL = {"kernel": HE, "gamma": ONE, "beta": ZERO}


def first_values(variables: Mapping[str, Variable], how: str) -> Mapping[str, Variable]:
    """`shared`: as the network says, so that all subnets begin as one function. `independent`: as networks usually
    begin, each kernel with He-normal values of its own and batch norms as the identity."""
    if how == SHARED:
        return variables
    return {name: each._replace(first=_USUAL[name.rsplit("/", 1)[1]]) for name, each in variables.items()}
