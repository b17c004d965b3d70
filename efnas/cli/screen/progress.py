"""Progress bars: on a terminal, on standard error, gone when the work is done."""

from contextlib import contextmanager

from efnas.cli.screen.console import console, is_quiet


@contextmanager
def progress_bar(description: str, unit: str):
    """A progress bar with rate and time left, as a function `update(done, total)`; silent without a terminal.

    `update` takes another description as its third argument, where a new stretch of work begins, and its unit.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    screen = console(stderr=True)
    if is_quiet() or not screen.is_terminal:
        yield lambda done, total, what=None, unit=None: None
        return
    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}")]
    with Progress(*columns, TimeRemainingColumn(), console=screen, transient=True) as progress:
        task = progress.add_task(description, total=None, rate="")

        def update(done: int, total: int, what: str = description, unit: str = unit) -> None:
            if what != progress.tasks[0].description:
                progress.reset(task, description=what)
            speed = progress.tasks[0].speed
            progress.update(task, completed=done, total=total, rate=f"{speed:,.1f} {unit}/s" if speed else "")

        yield update
