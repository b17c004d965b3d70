"""What the screen looks like: one table style, colours only on a terminal, answers as JSON, errors as one sentence."""

import json
import os
import re
import sys
from typing import Iterable, Sequence

from efnas.cli.click import get_current_context

PIPED_WIDTH = 500
NARROW = 100
LONG_WORD = re.compile(r"\S{400,}")


def is_quiet() -> bool:
    """Whether the command is to answer without progress, notes and hints."""
    context = get_current_context(silent=True)
    return context is not None and bool(context.params.get("quiet"))


class Marked(str):
    """Text with rich's marks for colours in it. All other text, such as a folder's name, is shown as it stands."""


def console(stderr: bool = False):
    """A rich console. Where the output is no terminal, tables are as wide as what they hold, or as COLUMNS says."""
    from rich.console import Console

    terminal = (sys.stderr if stderr else sys.stdout).isatty()
    asked = os.environ.get("COLUMNS", "")
    width = None if terminal else min(int(asked), PIPED_WIDTH) if asked.isdecimal() and int(asked) else PIPED_WIDTH
    return Console(stderr=stderr, highlight=False, markup=False, soft_wrap=not terminal, width=width)


def table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence], footer: Sequence = (), less: Sequence[str] = ()
):
    """A table in the style of the house. A column whose name begins with `>` holds figures: they stand to the right,
    and are whole where the text of others wraps. A narrow terminal goes without the columns that `less` names."""
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    made = Table(box=box.SIMPLE_HEAD, show_footer=bool(footer), pad_edge=False)
    narrow = bool(less) and console().width < NARROW
    shown = [place for place, name in enumerate(columns) if not (narrow and name in less)]
    for place in shown:
        name = columns[place]
        made.add_column(
            name.lstrip(">"),
            justify="right" if name.startswith(">") else "left",
            no_wrap=name.startswith(">"),
            footer=str(footer[place]) if footer else "",
        )
    for row in rows:
        cells = (row[place] for place in shown if place < len(row))
        made.add_row(*(Text.from_markup(cell) if isinstance(cell, Marked) else str(cell) for cell in cells))
    return Group(Text(title, "bold"), made) if title else made  # a title of the table's own wraps at its width


def print_json(content) -> None:
    print(json.dumps(content, indent=1))


def print_error(message: str, label: str = "Error") -> None:
    """A word longer than any that a person wrote is shown by its ends."""
    from rich.text import Text

    message = LONG_WORD.sub(lambda word: f"{word[0][:40]}...{word[0][-40:]}", one_line(message))
    console(stderr=True).print(Text.assemble((f"{label}: ", "bold red"), message))


def one_line(message: str) -> str:
    """A message that repeats what stood in a file: ends of lines and signs that steer a terminal are written out."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in message)


def print_note(message: str) -> None:
    """A line beside the answer, on standard error."""
    from rich.text import Text

    if not is_quiet():
        console(stderr=True).print(Text.assemble(("Note: ", "yellow"), message))


def print_next(command: str) -> None:
    """What one would sensibly do next."""
    from rich.text import Text

    if not is_quiet():
        console().print(Text.assemble(("Next: ", "dim"), command), soft_wrap=True)
