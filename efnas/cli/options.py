"""Options that commands share, and groups of them that a command takes as one parameter (see `grouping`)."""

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional

import typer
from typing_extensions import Annotated

from efnas.cli.click import ParameterSource, get_current_context
from efnas.cli.grouping import options_of
from efnas.errors import EfnasError

Checkpoint = Annotated[str, typer.Option(metavar="best|last|PATH", help="Weights of a run.")]
TrainedWeights = Annotated[
    Optional[str],
    typer.Option(
        "--checkpoint", metavar="best|last|PATH", show_default=False, help="Trained weights of a run, recalibrated."
    ),
]
SkipCheckpoint = Annotated[
    bool, typer.Option("--skip-checkpoint", help="Seeded random weights: good for timing. The default.")
]
Form = Annotated[str, typer.Option(metavar="accumulated|two-scale|packed", help="How much the host adds up itself.")]
Optimise = Annotated[str, typer.Option(metavar="Size|Performance", help="What Vela optimises.")]
Arena = Annotated[
    Optional[int],
    typer.Option(min=1, metavar="BYTES", show_default="the board's", help="Arena cache size to aim at (Performance)."),
]
VelaProgram = Annotated[Optional[str], typer.Option(metavar="PATH|VERSION", show_default=False, help="The compiler.")]
SweepTable = Annotated[
    Optional[Path],
    typer.Option("--table", metavar="TABLE", show_default=False, help="Show what the table of a sweep says, too."),
]
NetworkName = Annotated[str, typer.Option("--network", metavar="NETWORK", help="The supernet whose codes these are.")]
DEFAULT_NETWORK = "edgeflow-bilinear"


def limit(told: str):
    """A bound of a query: a number that is not below zero."""
    return Annotated[Optional[float], typer.Option(min=0, show_default=False, help=told)]


def scheduler(told: str):
    """The address of a Dask scheduler, or none."""
    return Annotated[Optional[str], typer.Option(metavar="tcp://HOST:PORT", show_default=False, help=told)]


def _no_color(wanted: bool) -> bool:
    if wanted:
        os.environ["NO_COLOR"] = "1"
    return wanted


@dataclass(frozen=True)
class Output:
    """What every command has. What is not the answer looks up `--quiet` for itself, in the context."""

    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress, notes and hints: the answer and errors alone.")
    ] = False
    no_color: Annotated[
        bool,
        typer.Option(
            "--no-color", is_eager=True, callback=_no_color, help="No colours, as with the variable NO_COLOR."
        ),
    ] = False


@dataclass(frozen=True)
class RunOptions:
    """Which run a command is about, and with which configuration."""

    config: Annotated[
        Optional[Path],
        typer.Option(
            "--config", "-c", metavar="CONFIG", show_default=False,
            help="Configuration (YAML); what it leaves out has its default.",
        ),
    ] = None  # fmt: skip
    experiment_name: Annotated[
        Optional[str], typer.Option(metavar="EXPERIMENT", show_default=False, help="Name of the run and of its folder.")
    ] = None
    output_root: Annotated[
        Optional[Path], typer.Option(metavar="DIR", show_default=False, help="Where runs are kept.")
    ] = None
    base_path: Annotated[
        Optional[Path], typer.Option(metavar="DIR", show_default=False, help="Folder of the data set.")
    ] = None
    gpu_device: Annotated[
        Optional[int], typer.Option(min=-1, show_default=False, help="GPU to use; -1 for the CPU.")
    ] = None
    assignments: Annotated[
        Optional[List[str]],
        typer.Option(
            "--set", metavar="SECTION.KEY=VALUE", show_default=False,
            help="Set any key of the configuration; may be repeated.",
        ),
    ] = None  # fmt: skip

    def settings(self, more: Optional[Dict[str, Any]] = None, of_run: bool = False):
        """The `Config` that they name, with `more` values by key (None: not given). With `of_run` and without --config
        it is the one that the run was trained with."""
        from efnas.config_files import load_config
        from efnas.runs.manifest import load_run_config

        options = {
            "runtime.experiment_name": self.experiment_name, "runtime.output_root": self.output_root,
            "data.base_path": self.base_path, "runtime.gpu_device": self.gpu_device, **(more or {}),
        }  # fmt: skip
        return (load_run_config if of_run else load_config)(self.config, options, self.assignments or [])


@dataclass(frozen=True)
class SizeOptions:
    """How large a network is."""

    height: Annotated[Optional[int], typer.Option(min=16, show_default="180", help="Input height in pixels.")] = None
    width: Annotated[Optional[int], typer.Option(min=16, show_default="240", help="Input width in pixels.")] = None
    base_width: Annotated[
        Optional[int], typer.Option(min=2, show_default="32", help="Channels of the first layer.")
    ] = None

    def as_keys(self) -> Dict[str, Optional[int]]:
        return {"data.input_height": self.height, "data.input_width": self.width, "network.base_width": self.base_width}


@dataclass(frozen=True)
class CostOptions:
    """What a cost is asked about: a board, how its compiler is used, a network, and where its weights come from."""

    profile: Annotated[
        Optional[str],
        typer.Option(metavar="PROFILE", show_default="grove-vision-ai-v2", help="Board profile of the package."),
    ] = None
    vela_config: Annotated[
        Optional[Path], typer.Option(metavar="FILE", show_default=False, help="A Vela .ini of your own, not --profile.")
    ] = None
    system_config: Annotated[
        Optional[str], typer.Option(metavar="NAME", show_default=False, help="Its System_Config section.")
    ] = None
    memory_mode: Annotated[
        Optional[str], typer.Option(metavar="NAME", show_default=False, help="Its Memory_Mode section.")
    ] = None
    accelerator_config: Annotated[
        Optional[str],
        typer.Option(metavar="NAME", show_default=False, help="Accelerator of your board (ethos-u55-128)."),
    ] = None
    legacy_core: Annotated[
        bool, typer.Option("--legacy-core", help="Let Vela 5.x use its old core, which equals 4.5.")
    ] = False
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Export and compile anew; keep nothing.")] = False
    seed: Annotated[Optional[int], typer.Option(min=0, show_default="42", help="Seed of the random weights.")] = None
    size: SizeOptions = SizeOptions()
    run: RunOptions = RunOptions()

    def board(self):
        """The board `Profile`."""
        from efnas.vela.board import DEFAULT_PROFILE, own_profile, packaged_profile

        own = {
            "--system-config": self.system_config, "--memory-mode": self.memory_mode,
            "--accelerator-config": self.accelerator_config,
        }  # fmt: skip
        if self.vela_config is None:
            given = [name for name, value in own.items() if value]
            if given:
                raise EfnasError(f"{', '.join(given)} belongs to a file of your own: name it with --vela-config.")
            return packaged_profile(self.profile or DEFAULT_PROFILE)
        missing = [name for name, value in own.items() if not value]
        if self.profile or missing:
            raise EfnasError(f"--vela-config needs {', '.join(missing) or 'no --profile beside it'}.")
        return own_profile(self.vela_config, self.accelerator_config, self.system_config, self.memory_mode)

    def cache(self):
        from efnas.cache import Cache, cache_folder

        return Cache(None if self.no_cache else cache_folder())

    def files(self, checkpoint: Optional[str] = None, skip_checkpoint: bool = False):
        """The `NetworkFiles`: those of a run, or random ones of the size that is asked for."""
        from efnas.cli.screen.tensorflow_messages import quiet_tensorflow
        from efnas.export.network_files import NetworkFiles

        if checkpoint and skip_checkpoint:
            raise EfnasError("--checkpoint and --skip-checkpoint contradict each other: give one.")
        config = self.run.settings({"runtime.seed": self.seed, **self.size.as_keys()}, of_run=checkpoint is not None)
        files = NetworkFiles(config, self.cache(), checkpoint, quiet_tensorflow)
        files.require_checkpoint()
        return files

    def compiler(self, program: Optional[str]):
        """The `Vela`, after a line on standard error when its figures are known to differ from the reference."""
        from efnas.cli.screen.console import print_note
        from efnas.vela.compiler import Vela, find_vela, other_figures
        from efnas.vela.process import Services, on_waiting

        if not get_current_context().params.get("as_json"):
            on_waiting(print_note)
        path = find_vela(program)
        vela = Vela(path, self.board(), self.cache(), Services(path))
        notice = other_figures(vela.version, self.legacy_core)
        if notice:
            print_note(notice)
        return vela


def network_words(name: str) -> str:
    """What a proposed command about codes of a network has to say, where it is not the usual one."""
    return "" if name == DEFAULT_NETWORK else f" --set network.name={name}"


def require_choice(option: str, value: str, choices) -> None:
    if value not in choices:
        raise EfnasError(f"{option} is {' or '.join(choices)}, not '{value}'.")


def pair_count(text: str) -> Optional[int]:
    """What --pairs says: how many, or None for all. Raises EfnasError for what is neither."""
    if text != "all" and not (text.isdecimal() and text.isascii() and 0 < int(text[:10])):
        raise EfnasError(f"--pairs is a number or all, not '{text}'.")
    return None if text == "all" else int(text[:10])


def require_folder(option: str, folder: Optional[Path]) -> None:
    if folder and folder.exists() and not folder.is_dir():
        raise EfnasError(f"{option} takes a folder; {folder} is a file.")


def given(names: Iterable[str]) -> List:
    """Those of a command's parameters with these names that stand on the command line."""
    context = get_current_context()
    own = (param for param in context.command.params if param.name in names)
    return [param for param in own if context.get_parameter_source(param.name) == ParameterSource.COMMANDLINE]


def same_network() -> str:
    """Those of the given options that say which network, board and compiler it is about, for what is proposed next."""
    params = get_current_context().params
    words = []
    for param in given({"checkpoint", "vela", *options_of(CostOptions)} - {"no_cache", "base_path", "gpu_device"}):
        value = params[param.name]
        values = value if isinstance(value, (list, tuple)) else [value]
        words += [param.opts[0] if one is True else f"{param.opts[0]} {shlex.quote(str(one))}" for one in values]
    return "".join(f" {word}" for word in words)
