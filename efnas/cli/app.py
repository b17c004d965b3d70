"""The Typer application and its one way to fail."""

import errno
import os
import signal
import sys
import threading
import time
from importlib import import_module
from typing import List, NamedTuple, Optional

import typer
import typer.core
from typer.core import TyperCommand, TyperGroup
from typing_extensions import Annotated

from efnas import __version__
from efnas.cli.click import ClickException, Command, Context, NoSuchOption
from efnas.cli.entry import STOPPED, heeded
from efnas.errors import EfnasError

# Help as click writes it: rich takes longer to draw a table of options than all else together, and cuts their names.
typer.core.HAS_RICH = False

TRAIN, DEPLOY, LOOK = "Train and rank", "Deploy", "Look things up"
SILENT_SECONDS = 1.0  # a launcher ends all ranks when one ends: the first has to speak before
COMPLETES = "_EFNAS_COMPLETE"  # set by the shell's completion script


class Listed(NamedTuple):
    """A command as `--help` lists it; its module, which has its function or an `app`, is imported when it is called."""

    module: str
    panel: str
    told: str


COMMANDS = {
    "train": Listed("train", TRAIN, "Train a supernet, or a subnet alone; a run that stopped goes on with --resume."),
    "eval": Listed("evaluate", TRAIN, "Rank subnets of a trained supernet by end-point error."),
    "bench": Listed("bench", TRAIN, "How fast a configuration trains here, and which settings to take."),
    "infer": Listed("infer", TRAIN, "Predict the flow of an image pair, of two folders, or of video frames."),
    "runs": Listed("runs", TRAIN, "The runs under an output folder, and the curves of one."),
    "export": Listed("export", DEPLOY, "Export a subnet as an INT8 TFLite file."),
    "vela-compare": Listed("vela_compare", DEPLOY, "What subnets cost on a board, against the bilinear baseline."),
    "fit": Listed("fit", DEPLOY, "The compiler's settings that fit a subnet into a board's memory."),
    "search": Listed("search", DEPLOY, "Which subnet to take: error and cost of all, the front, and how sure it is."),
    "fidelity": Listed("fidelity", TRAIN, "Whether the supernet's ranking is that of the same subnets trained alone."),
    "retrain": Listed(
        "retrain", DEPLOY, "Train the chosen subnets alone, beside the baseline; measure them as deployed."
    ),
    "package": Listed("package", DEPLOY, "A folder that runs a subnet on a board, and checks itself there."),
    "sweep": Listed("sweep", DEPLOY, "What every subnet costs on a board, and which meet a budget."),
    "codec": Listed("codec", LOOK, "Read, write and translate arch codes."),
    "sample-check": Listed("sample_check", LOOK, "Check that the sampler is fair, reproducible and uniform."),
    "data": Listed("data", LOOK, "Check a data set, pack it, or write a synthetic one."),
    "checkpoint": Listed("checkpoint", LOOK, "Look at checkpoints."),
    "pretrained": Listed("pretrained", LOOK, "The trained networks that come with the package, and the card of one."),
    "manifest": Listed("manifest", LOOK, "Show what a run is, and where two runs differ."),
    "doctor": Listed("doctor", LOOK, "What this machine can do, and what to do about the rest."),
}


class Terminated(BaseException):
    """A signal, where no run takes it as a request to save."""


class LazyGroup(TyperGroup):
    """Lists its commands by what is said of them above, and imports the one that is called."""

    def list_commands(self, ctx: Context) -> List[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Context, cmd_name: str) -> Optional[Command]:
        listed = COMMANDS.get(cmd_name)
        return listed and TyperCommand(cmd_name, help=listed.told)

    def format_commands(self, ctx: Context, formatter) -> None:
        for panel in (TRAIN, DEPLOY, LOOK):
            with formatter.section(panel):
                formatter.write_dl([(name, each.told) for name, each in COMMANDS.items() if each.panel == panel])

    def resolve_command(self, ctx: Context, args: List[str]):
        name, command, rest = super().resolve_command(ctx, args)
        return name, command and load(name), rest

    def invoke(self, ctx: Context):
        try:
            return super().invoke(ctx)
        except EfnasError as error:
            if ctx.params["debug"]:
                raise
            # Before ranks have met it is something in the words that all of them were given.
            return end(str(error), error.exit_code, error.label, error.of_all_ranks or ctx.obj is None)
        except Terminated as error:
            return _end_by(error.args[0])
        except BaseException as error:
            # What pydantic's Rust makes of an interrupt is one, too.
            if type(error).__name__ not in ("KeyboardInterrupt", "PanicException"):
                raise
            return _end_by(signal.SIGINT)


def load(name: str) -> Command:
    """The command itself; where the shell completes, with what its values complete to."""
    module = COMMANDS[name].module
    made = import_module(f"efnas.cli.{module}")
    app = getattr(made, "app", None)
    if app is None:
        app = typer.Typer(add_completion=False)
        app.command(name)(getattr(made, module))
    command = typer.main.get_command(app)
    command.name = name
    for below in getattr(command, "commands", {}).values():
        below.short_help = " ".join(below.help.split("\n\n")[0].split())  # whole, where click would cut it
    if COMPLETES in os.environ:
        from efnas.cli.completion.values import attach

        attach(command)
    return command


def _version(wanted: bool) -> None:
    if wanted:
        print(f"efnas {__version__}")
        raise typer.Exit()


application = typer.Typer(
    name="efnas",
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@application.callback()
def efnas(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        Optional[bool], typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = None,
) -> None:
    """Train, rank and deploy a supernet of 19,683 optical-flow networks for microcontrollers."""


def main() -> None:
    _open_streams()
    if threading.current_thread() is threading.main_thread():
        for number in heeded():
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else _terminate)
    if any(word.startswith(("--install-completion", "--show-completion")) for word in sys.argv):
        from efnas.cli.completion.scripts import complete_scripts

        complete_scripts()
    try:
        code = typer.main.get_command(application)(prog_name="efnas", standalone_mode=False)
        sys.stdout.flush()
        _leave(code)
    except ClickException as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # of newer versions; older ones show the help themselves
            print(error.format_message())
            sys.exit()
        end(_sentence(error), 2)
    except (typer.Abort, KeyboardInterrupt):
        _end_by(signal.SIGINT)
    except OSError as error:
        if error.filename is not None or error.errno not in (errno.ENOSPC, errno.EIO):
            raise
        _write_to_nothing(sys.stdout)
        end(f"Cannot write the answer: {error.strerror}.", 2)


def _terminate(number, frame) -> None:
    raise Terminated(number)


def _end_by(number: int) -> None:
    word, code = STOPPED[number]
    end(f"{word}.", code, "Stopped")


def _leave(code: Optional[int]) -> None:
    _hear_nothing()
    sys.exit(code)


def _hear_nothing() -> None:
    """The answer is given: a signal while Python cleans up is none to anybody, and would be a traceback."""
    if threading.current_thread() is threading.main_thread():
        for number in STOPPED:
            signal.signal(number, signal.SIG_IGN)


def _open_streams() -> None:
    """What a terminal lacks signs for must not end a training. A closed stream is one to nowhere: else the next file
    that is opened would take its place, and what is printed would go there."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
            setattr(sys, name, open(number, "w"))
        getattr(sys, name).reconfigure(errors="replace")


def _write_to_nothing(stream) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _sentence(error: ClickException) -> str:
    """What click has to say, and the option or command that was probably meant."""
    import difflib

    said, near = " ".join(error.format_message().split()), []
    context = getattr(error, "ctx", None)
    if isinstance(error, NoSuchOption):
        said, near = f"No such option: {error.option_name}.", error.possibilities or []
    elif said.startswith("No such command") and context is not None:
        name, known = said.split("'")[1], context.command.list_commands(context)
        said, near = f"No such command '{name}'.", difflib.get_close_matches(name, known, 1)
    return f"{said} Did you mean {near[0]}?" if near else said


def end(message: str, code: int, label: str = "Error", of_all_ranks: bool = True) -> None:
    """Say how it ended, and end. What all of several ranks end with the first one says."""
    from efnas.cli.screen.console import print_error
    from efnas.cli.screen.ranks import told_here

    said = told_here(message, of_all_ranks)
    try:
        if said is None:
            _hear_nothing()
            time.sleep(SILENT_SECONDS)
        else:
            print_error(said, label)
    except OSError:  # the terminal is gone; the code still is an answer, if nothing is left to be written at the end
        for stream in (sys.stdout, sys.stderr):
            _write_to_nothing(stream)
    _leave(code)


if __name__ == "__main__":
    main()
