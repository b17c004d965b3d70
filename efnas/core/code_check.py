"""Proof that every code of a space survives every way of writing it."""

from efnas.core.space import SearchSpace
from efnas.errors import CheckFailed

ROUND_TRIPS = 5


def check_codes(space: SearchSpace) -> int:
    """Send every code through every way of writing it, and back; returns how many there are. Raises CheckFailed."""
    seen = set()
    for index, code in enumerate(space.codes()):
        words = {block.name: str(block.options[digit].value) for block, digit in zip(space.blocks, code)}
        round_trips = (
            space.parse(str(code)),
            space.parse(code.compact),
            space.parse(f"#{index}"),
            space.encode(words),
            space.other_order(space.other_order(code)),
        )
        if any(back != code for back in round_trips) or space.index_of(code) != index:
            raise CheckFailed(f"Code {code} does not survive the round trip.")
        seen.add(code)
    if len(seen) != space.size:
        raise CheckFailed(f"{len(seen)} different codes instead of {space.size}.")
    return len(seen)
