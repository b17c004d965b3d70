"""The search space: choice blocks, arch codes, and the ways to write a code down."""

from dataclasses import dataclass
from itertools import product
from typing import Any, Dict, Iterable, Iterator, NamedTuple, Tuple

from efnas.errors import EfnasError


class ArchCode(tuple):
    """One digit per choice block. Prints as `0,0,0,0,0,1,0,0,0`; made by a `SearchSpace`, which has checked it."""

    __slots__ = ()

    def __str__(self) -> str:
        return ",".join(str(digit) for digit in self)

    @property
    def compact(self) -> str:
        return "".join(str(digit) for digit in self)


class Option(NamedTuple):
    """One way to fill a choice block: what the network is built with, and how it is told, in brief and in full."""

    value: Any
    word: str
    label: str


@dataclass(frozen=True)
class ChoiceBlock:
    """A place in the network where one of several options is picked."""

    name: str
    options: Tuple[Option, ...]

    def label(self, digit: int) -> str:
        return self.options[digit].label

    def digit_of(self, word: str) -> int:
        """The digit of an option written as its value: `2` for a depth, `5` or `5x5` for a kernel."""
        for digit, option in enumerate(self.options):
            if word in (str(option.value), option.word):
                return digit
        options = ", ".join(option.word for option in self.options)
        raise EfnasError(f"Block {self.name} has no option '{word}'; its options are {options}.")


@dataclass(frozen=True)
class SearchSpace:
    """A list of choice blocks, all with the same number of options (strict fairness needs that).

    `counted_down` names the blocks whose options another public order of codes counts from the other end.
    """

    name: str
    version: int
    blocks: Tuple[ChoiceBlock, ...]
    baseline: ArchCode
    counted_down: Tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len({len(block.options) for block in self.blocks}) != 1:
            raise ValueError("every choice block of a space needs the same number of options")
        if not 1 <= self.options_per_block <= 10:
            raise ValueError("a choice block has 1 to 10 options: each is one digit of a code")

    @property
    def options_per_block(self) -> int:
        return len(self.blocks[0].options)

    @property
    def size(self) -> int:
        return self.options_per_block ** len(self.blocks)

    def position(self, block_name: str) -> int:
        return [block.name for block in self.blocks].index(block_name)

    def code(self, digits) -> ArchCode:
        """The arch code of a sequence of integers, checked."""
        digits = tuple(int(digit) for digit in digits)
        if len(digits) != len(self.blocks):
            written = "".join(map(str, digits))
            an_index = len(written) < 9 and written.isdigit() and int(written) < self.size
            raise EfnasError(
                f"An arch code of {self.name} has {len(self.blocks)} digits, one per choice block; "
                f"'{','.join(map(str, digits))}' has {len(digits)}"
                + (f"; did you mean '#{written}'?" if an_index else ".")
            )
        for block, digit in zip(self.blocks, digits):
            if not 0 <= digit < len(block.options):
                raise EfnasError(
                    f"Digit {digit} for block {block.name} is out of range: use 0 to {len(block.options) - 1}."
                )
        return ArchCode(digits)

    def parse(self, text: str) -> ArchCode:
        """Read `0,0,0,0,0,1,0,0,0`, `000001000` or `#27` (an index from 0)."""
        text = text.strip()
        if text.startswith("#"):
            if not _is_number(text[1:]):
                raise EfnasError(f"'{text}' is not an index; write # and a number, as in #27.")
            return self.at(_number(text[1:]))
        fields = [field.strip() for field in text.split(",")] if "," in text else list(text)
        if not fields or text.isalpha():  # a name that another command knows, such as best
            what = f"'{text}' is no arch code" if fields else "The arch code is empty"
            raise EfnasError(f"{what}; write one digit per choice block, as in {self.baseline.compact}.")
        for place, field in enumerate(fields, start=1):
            if not field:
                raise EfnasError(f"Field {place} of the arch code '{text}' is empty.")
            if not _is_number(field):
                raise EfnasError(f"'{field}' (field {place} of the arch code '{text}') is not a digit.")
        return self.code(map(_number, fields))

    def at(self, index: int) -> ArchCode:
        """The code at `index` in the order of `codes()`."""
        if not 0 <= index < self.size:
            raise EfnasError(f"Index {index} is outside the space: use 0 to {self.size - 1}.")
        digits = []
        for _ in self.blocks:
            index, digit = divmod(index, self.options_per_block)
            digits.append(digit)
        return ArchCode(reversed(digits))

    def index_of(self, code: ArchCode) -> int:
        index = 0
        for digit in code:
            index = index * self.options_per_block + digit
        return index

    def codes(self) -> Iterator[ArchCode]:
        """Every code of the space, in the order of their indices."""
        return map(ArchCode, product(range(self.options_per_block), repeat=len(self.blocks)))

    def uniform_codes(self) -> Tuple[ArchCode, ...]:
        """The codes with one digit everywhere: a fair cycle in the order of its digits."""
        return self.shifts(ArchCode([0] * len(self.blocks)))

    def shifts(self, code: ArchCode) -> Tuple[ArchCode, ...]:
        """A fair cycle: the code and its cyclic shifts, which together use every option of every block once."""
        count = self.options_per_block
        return tuple(ArchCode((digit + shift) % count for digit in code) for shift in range(count))

    def encode_words(self, words: Iterable[str]) -> ArchCode:
        """The code of options written as `EB0=2`; see `encode`."""
        options: Dict[str, str] = {}
        for text in words:
            name, equals, word = text.partition("=")
            if not equals:
                raise EfnasError(f"'{text}' is not BLOCK=OPTION, as in EB0=2 or H1=5x5.")
            if name in options:
                raise EfnasError(f"Block {name} is named twice.")
            options[name] = word
        return self.encode(options)

    def encode(self, options: Dict[str, str]) -> ArchCode:
        """The code of `{block name: option value}`; a block that is not named takes the baseline's option."""
        names = {block.name.lower(): place for place, block in enumerate(self.blocks)}
        digits = list(self.baseline)
        for name, word in options.items():
            if name.lower() not in names:
                blocks = ", ".join(block.name for block in self.blocks)
                raise EfnasError(f"There is no choice block '{name}'; the blocks are {blocks}.")
            place = names[name.lower()]
            digits[place] = self.blocks[place].digit_of(word)
        return ArchCode(digits)

    def other_order(self, code: ArchCode) -> ArchCode:
        """Translate to or from the public order that counts the options of some blocks from the other end."""
        last = self.options_per_block - 1
        return ArchCode(
            last - digit if block.name in self.counted_down else digit for block, digit in zip(self.blocks, code)
        )


def _number(digits: str) -> int:
    """Forty digits are beyond any space; Python itself refuses thousands."""
    return int(digits.lstrip("0")[:40] or "0")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
