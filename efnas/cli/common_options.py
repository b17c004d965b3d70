"""Options that every command has: --quiet and --no-color."""

import os

import click


def add_common_options(command: click.Command) -> None:
    """Add them to a command, and to those below it."""
    below = getattr(command, "commands", {})
    for each in below.values():
        add_common_options(each)
    if not below or getattr(command, "invoke_without_command", False):
        command.params += [
            click.Option(["--quiet", "-q"], is_flag=True, expose_value=False, callback=_quiet,
                         help="No progress, notes and hints: the answer and errors alone."),
            click.Option(["--no-color"], is_flag=True, expose_value=False, callback=_no_color, is_eager=True,
                         help="No colours; as the variable NO_COLOR does."),
        ]  # fmt: skip


def _quiet(context: click.Context, param: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        from efnas.cli.screen.console import be_quiet

        be_quiet()


def _no_color(context: click.Context, param: click.Parameter, wanted: bool) -> None:
    if wanted:
        os.environ["NO_COLOR"] = "1"
