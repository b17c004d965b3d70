"""The Typer application and its one way to fail."""

import os
import sys
from typing import Optional

import click
import typer
from typing_extensions import Annotated

from efnas import __version__
from efnas.cli import (
    checkpoint,
    codec,
    data,
    doctor,
    evaluate,
    export,
    fit,
    infer,
    manifest,
    runs,
    sample_check,
    sweep,
    sweep_query,
    train,
    vela_compare,
)
from efnas.errors import EfnasError

app = typer.Typer(
    name="efnas",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(codec.app, name="codec")
app.add_typer(data.app, name="data")
app.add_typer(manifest.app, name="manifest")
app.add_typer(checkpoint.app, name="checkpoint")
app.add_typer(sweep.app, name="sweep")
sweep.app.command("query")(sweep_query.query)
app.command("sample-check")(sample_check.sample_check)
app.command("train")(train.train)
app.command("eval")(evaluate.evaluate)
app.command("export")(export.export)
app.command("vela-compare")(vela_compare.vela_compare)
app.command("fit")(fit.fit)
app.command("infer")(infer.infer)
app.command("doctor")(doctor.doctor)
app.add_typer(runs.app, name="runs")
COMPLETES = "_EFNAS_COMPLETE"  # set by the shell's completion script


def _version(wanted: bool) -> None:
    if wanted:
        print(f"efnas {__version__}")
        raise typer.Exit()


@app.callback()
def efnas(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        Optional[bool], typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = None,
) -> None:
    """Train, rank and deploy a supernet of 19,683 optical-flow networks for microcontrollers."""


def command() -> click.Command:
    """The application as click knows it; where a shell asks, with what values complete to."""
    made = typer.main.get_command(app)
    if COMPLETES in os.environ:
        from efnas.cli.completion import attach

        attach(made)
    return made


def main() -> None:
    try:
        sys.exit(command()(prog_name="efnas", standalone_mode=False))
    except EfnasError as error:
        if "--debug" in sys.argv:
            raise
        _end(str(error), error.exit_code, error.label)
    except click.exceptions.ClickException as error:
        _end(" ".join(error.format_message().split()), 2)
    except (click.exceptions.Abort, KeyboardInterrupt):
        _end("interrupted.", 130, "Stopped")


def _end(message: str, code: int, label: str = "Error") -> None:
    from efnas.cli.console import print_error

    print_error(message, label)
    sys.exit(code)
