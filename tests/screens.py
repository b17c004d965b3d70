"""Pictures of the terminal, for the README and to look at: `python tests/screens.py FOLDER [COLUMNS ...]`.

Takes the run of `make demo`. Each command runs for real on a terminal; what stands on its screen is drawn.
"""

import re
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import Iterable

from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from terminal import Terminal

FEW = ["--num-epochs", "6", "--steps-per-epoch", "20", "--set", "eval.eval_batches_per_arch=2"]
COMMANDS = {
    "train": ["train", "--config", "configs/quickstart.yaml", *FEW],
    "eval": ["eval", "--experiment-name", "quickstart"],
    "vela-compare": ["vela-compare", "--arch", "000001000", "--arch", "222222222", "--skip-checkpoint"],
    "codec-show": ["codec", "show", "000001000"],
    "doctor": ["doctor"],
}


def drawn(terminal: Terminal, title: str) -> str:
    """What stands on the screen, as SVG."""
    screen = terminal.screen
    console = Console(record=True, width=screen.columns, file=tempfile.TemporaryFile("w"), force_terminal=True)
    for row in range(len(terminal.lines)):
        cells = [screen.buffer[row][column] for column in range(screen.columns)]
        console.print(_Row(_words([Segment(cell.data, _style(cell)) for cell in cells])))
    return console.export_svg(title=title)


class _Row:
    """A line of the screen, to be written as it is."""

    def __init__(self, segments: Iterable[Segment]):
        self.segments = segments

    def __rich_console__(self, console, options):
        yield from self.segments
        yield Segment.line()


def _words(cells: Iterable[Segment]) -> Iterable[Segment]:
    """Cells of one style together, but blanks apart: some programs that show SVG drop those that a text begins with."""
    for run in Segment.simplify(cells):
        for text in re.split("( {2,}|^ )", run.text):
            yield Segment(text, run.style if text.strip() else None)


def _style(cell) -> Style:
    return Style(color=_colour(cell.fg), bgcolor=_colour(cell.bg), bold=cell.bold, italic=cell.italics)


def _colour(name: str) -> str:
    """What rich calls a colour of pyte: a name, or six hexadecimal digits."""
    if len(name) == 6 and set(name) <= set("0123456789abcdef"):
        return f"#{name}"
    return name.replace("brown", "yellow").replace("bright", "bright_")


def main() -> None:
    folder, widths = Path(sys.argv[1]), [int(word) for word in sys.argv[2:]] or [80, 120]
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        for columns in widths:
            for name, words in COMMANDS.items():
                if name == "train":
                    words = [*words, "--output-root", Path(scratch) / str(columns)]
                    terminal = Terminal(*words, columns=columns).wait_for("epoch 6/6")
                else:
                    terminal = Terminal(*words, columns=columns).finish()
                written = folder / f"{name}_{columns}.svg"
                title = textwrap.shorten(" ".join(["efnas", *COMMANDS[name]]), columns - 24, placeholder=" ...")
                written.write_text(drawn(terminal, title))
                terminal.stop()
                print(written)


if __name__ == "__main__":
    main()
