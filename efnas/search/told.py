"""What a finding is told in: tables and sentences, the same on the screen and on its page."""

from pathlib import Path
from typing import List, NamedTuple, Tuple


class Told(NamedTuple):
    """A table of text; columns whose name begins with `>` hold figures."""

    title: str
    columns: Tuple[str, ...]
    rows: List[Tuple[str, ...]]


class Written(NamedTuple):
    """The paths of the files, what the JSON file holds, and how it is told: tables and sentences."""

    files: List[Path]
    content: dict
    tables: List[Told]
    verdicts: List[str]


def as_markdown(table: Told) -> List[str]:
    """Its lines, without the title."""
    return [
        f"| {' | '.join(name.lstrip('>') for name in table.columns)} |",
        f"|{''.join('---:|' if name.startswith('>') else '---|' for name in table.columns)}",
        *(f"| {' | '.join(row)} |" for row in table.rows),
    ]
