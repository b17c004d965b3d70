"""The front of two costs: what no other beats in both."""

from typing import Callable, Iterable, List, TypeVar

Item = TypeVar("Item")


def front_by(costs: Callable[[Item], tuple], items: Iterable[Item]) -> List[Item]:
    """The items than which no other has both costs less (or equal), those with the least first cost first.

    `costs` gives the two costs, and after them what decides which of equal items stands for all.
    """
    best: List[Item] = []
    for item in sorted(items, key=costs):
        if not best or costs(item)[1] < costs(best[-1])[1]:
            best.append(item)
    return best
