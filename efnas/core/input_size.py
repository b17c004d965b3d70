"""The size of what a network sees, or of a frame."""

from typing import NamedTuple, Optional

from efnas.errors import EfnasError


class Size(NamedTuple):
    """In pixels."""

    height: int
    width: int

    def __str__(self) -> str:
        return f"{self.height}x{self.width}"

    @classmethod
    def of_text(cls, text: str) -> "Size":
        """Of `180x240`. Raises EfnasError for other text."""
        size = cls.read(text)
        if size is None:
            raise EfnasError(f"--size is height x width, as in 180x240, not '{text}'.")
        return size

    @classmethod
    def read(cls, text: str) -> Optional["Size"]:
        """Of `180x240`; None for other text."""
        height, x, width = text.partition("x")
        if x and all(side.isascii() and side.isdigit() and len(side) < 6 for side in (height, width)):
            return cls(int(height), int(width))
        return None
