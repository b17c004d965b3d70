"""The Typer application and its one way to fail."""

import os
import sys
from importlib import import_module
from typing import Iterable, Optional

import click
import typer
from typing_extensions import Annotated

from efnas import __version__
from efnas.cli.common_options import add_common_options
from efnas.errors import EfnasError

TRAIN, DEPLOY, LOOK = "Train and rank", "Deploy", "Look things up"
# By name: the module of a command, which has a function or an `app` of its own, and where --help lists it.
COMMANDS = {
    "train": ("train", TRAIN),
    "eval": ("evaluate", TRAIN),
    "infer": ("infer", TRAIN),
    "runs": ("runs", TRAIN),
    "export": ("export", DEPLOY),
    "vela-compare": ("vela_compare", DEPLOY),
    "fit": ("fit", DEPLOY),
    "sweep": ("sweep", DEPLOY),
    "codec": ("codec", LOOK),
    "sample-check": ("sample_check", LOOK),
    "data": ("data", LOOK),
    "checkpoint": ("checkpoint", LOOK),
    "manifest": ("manifest", LOOK),
    "doctor": ("doctor", LOOK),
}
COMPLETES = "_EFNAS_COMPLETE"  # set by the shell's completion script


def _version(wanted: bool) -> None:
    if wanted:
        print(f"efnas {__version__}")
        raise typer.Exit()


def efnas(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        Optional[bool], typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = None,
) -> None:
    """Train, rank and deploy a supernet of 19,683 optical-flow networks for microcontrollers."""


def application(names: Iterable[str] = tuple(COMMANDS), listed: bool = False) -> typer.Typer:
    """The application with these commands; a module is only imported for its own.

    `listed` ones have their help but no options, which take time to make: good for a list of them.
    """
    app = typer.Typer(
        name="efnas",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        callback=efnas,
    )
    for name in names:
        module, panel = COMMANDS[name]
        made = import_module(f"efnas.cli.{module}")
        group, function = getattr(made, "app", None), getattr(made, module, None)
        if listed:
            told = function.__doc__ if function else group.info.help
            app.command(name, rich_help_panel=panel, help=told)(lambda: None)
        elif group:
            app.add_typer(group, name=name, rich_help_panel=panel)
        else:
            app.command(name, rich_help_panel=panel)(function)
    return app


def command() -> click.Command:
    """What click runs: the whole application, or, for speed, the one command that the line begins with."""
    completes = COMPLETES in os.environ
    first = next((word for word in sys.argv[1:] if not word.startswith("-")), None)
    app = application([first]) if first in COMMANDS else application(listed=not completes)
    made = typer.main.get_command(app)
    add_common_options(made)
    if completes:
        from efnas.cli.completion.values import attach

        attach(made)
    return made


def main() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # that a terminal lacks a sign must not end a training
    try:
        sys.exit(command()(prog_name="efnas", standalone_mode=False))
    except EfnasError as error:
        if "--debug" in sys.argv:
            raise
        _end(str(error), error.exit_code, error.label)
    except click.exceptions.ClickException as error:
        _end(_sentence(error), 2)
    except (click.exceptions.Abort, KeyboardInterrupt):
        _end("interrupted.", 130, "Stopped")


def _sentence(error: click.exceptions.ClickException) -> str:
    """What click has to say, and the option or command that was probably meant."""
    import difflib

    said, near = " ".join(error.format_message().split()), []
    context = getattr(error, "ctx", None)
    if isinstance(error, click.exceptions.NoSuchOption):
        said, near = f"No such option: {error.option_name}.", error.possibilities or []
    elif said.startswith("No such command") and context is not None:
        near = difflib.get_close_matches(said.split("'")[1], context.command.list_commands(context), 1)
    return f"{said} Did you mean {near[0]}?" if near else said


def _end(message: str, code: int, label: str = "Error") -> None:
    from efnas.cli.screen.console import print_error

    try:
        print_error(message, label)
    except OSError:  # the terminal is gone; the code still is an answer, if nothing is left to be written at the end
        for stream in (sys.stdout, sys.stderr):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(code)


if __name__ == "__main__":
    main()
