"""What the screen looks like: one table style, colours only on a terminal, answers as JSON, errors as one sentence."""

import json
import os
import sys
import warnings
from typing import Iterable, Sequence


def console(stderr: bool = False):
    """A rich console; tables keep their shape when the output is no terminal."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(
        stderr=stderr, highlight=False, soft_wrap=not stream.isatty(), width=None if stream.isatty() else 120
    )


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence], footer: Sequence = ()):
    """A table in the style of the house. A column whose name begins with `>` is aligned to the right."""
    from rich import box
    from rich.table import Table

    made = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_footer=bool(footer),
        pad_edge=False,
    )
    for place, name in enumerate(columns):
        made.add_column(
            name.lstrip(">"),
            justify="right" if name.startswith(">") else "left",
            no_wrap=True,
            footer=str(footer[place]) if footer else "",
        )
    for row in rows:
        made.add_row(*map(str, row))
    return made


def print_json(content) -> None:
    print(json.dumps(content, indent=1))


def print_error(message: str) -> None:
    from rich.text import Text

    console(stderr=True).print(Text.assemble(("Error: ", "bold red"), message))


def progress_bar(description: str, unit: str):
    """A progress bar with rate and time left; silent when the output is no terminal. Use it in a `with`; then
    `update(done, total)`."""
    return _Bar(description, unit)


class _Bar:
    def __init__(self, description: str, unit: str):
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        screen = console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=screen,
            transient=True,
            disable=not screen.is_terminal,
        )
        self._task = self._progress.add_task(description, total=None, rate="")
        self._unit = unit

    def update(self, done: int, total: int) -> None:
        speed = self._progress.tasks[0].speed
        self._progress.update(
            self._task, completed=done, total=total, rate=f"{speed:,.1f} {self._unit}/s" if speed else ""
        )

    def __enter__(self) -> "_Bar":
        self._progress.start()
        return self

    def __exit__(self, *_) -> None:
        self._progress.stop()


def quiet_tensorflow() -> None:
    """Keep TensorFlow's chatter off the screen. Call before anything imports it."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.filterwarnings("ignore", category=FutureWarning, module="tensor.*")
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    import tensorflow.compat.v1 as tf

    tf.logging.set_verbosity(tf.logging.ERROR)
    if tf.__version__.startswith("2"):
        tf.disable_v2_behavior()
