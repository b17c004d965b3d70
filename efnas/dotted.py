"""Nested settings by their dotted keys."""

from typing import Any, Iterator, Tuple


def dotted(tree: dict, prefix: str = "") -> Iterator[Tuple[str, Any]]:
    """Every value of nested dictionaries with its key, as in ("train.lr", 0.001)."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from dotted(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
