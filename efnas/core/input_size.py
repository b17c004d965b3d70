"""The size of what a network sees."""

from typing import NamedTuple

from efnas.errors import EfnasError


class Size(NamedTuple):
    """Of the input, in pixels."""

    height: int
    width: int

    def __str__(self) -> str:
        return f"{self.height}x{self.width}"

    @classmethod
    def of_text(cls, text: str) -> "Size":
        """Of `180x240`. Raises EfnasError for other text."""
        height, x, width = text.partition("x")
        if x and all(side.isascii() and side.isdigit() and len(side) < 6 for side in (height, width)):
            return cls(int(height), int(width))
        raise EfnasError(f"--size is height x width, as in 180x240, not '{text}'.")
