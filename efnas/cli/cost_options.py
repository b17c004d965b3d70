"""Options of the commands that ask the compiler what a network costs, and what they stand for."""

import shlex
from pathlib import Path
from typing import Optional

import click
import typer
from click.core import ParameterSource
from typing_extensions import Annotated

from efnas.errors import EfnasError

BoardProfile = Annotated[
    Optional[str],
    typer.Option(
        "--profile", metavar="PROFILE", show_default="grove-vision-ai-v2", help="Board profile of the package."
    ),
]
VelaConfig = Annotated[
    Optional[Path], typer.Option(metavar="FILE", show_default=False, help="A Vela .ini of your own, not --profile.")
]
SystemConfig = Annotated[
    Optional[str], typer.Option(metavar="NAME", show_default=False, help="Its System_Config section.")
]
MemoryMode = Annotated[Optional[str], typer.Option(metavar="NAME", show_default=False, help="Its Memory_Mode section.")]
AcceleratorConfig = Annotated[
    Optional[str], typer.Option(metavar="NAME", show_default=False, help="Accelerator of your board (ethos-u55-128).")
]
VelaProgram = Annotated[Optional[str], typer.Option(metavar="PATH|VERSION", show_default=False, help="The compiler.")]
LegacyCore = Annotated[bool, typer.Option("--legacy-core", help="Let Vela 5.x use its old core, which equals 4.5.")]
Arena = Annotated[
    Optional[int],
    typer.Option(min=1, metavar="BYTES", show_default="the board's", help="Arena cache size to aim at (Performance)."),
]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Export and compile anew; keep nothing.")]
Checkpoint = Annotated[
    Optional[str],
    typer.Option(metavar="best|last|PATH", show_default=False, help="Trained weights of a run, recalibrated."),
]
SkipCheckpoint = Annotated[
    bool, typer.Option("--skip-checkpoint", help="Seeded random weights: good for timing. The default.")
]
ABOUT = ("profile", "vela_config", "system_config", "memory_mode", "accelerator_config", "vela",
         "legacy_core", "checkpoint", "seed", "height", "width", "base_width", "config", "experiment_name",
         "output_root", "assignments")  # fmt: skip
Seed = Annotated[Optional[int], typer.Option(min=0, show_default="42", help="Seed of the random weights.")]


def board(
    profile: Optional[str],
    vela_config: Optional[Path],
    system_config: Optional[str],
    memory_mode: Optional[str],
    accelerator_config: Optional[str],
):
    """The `Profile` that the options name."""
    from efnas.vela.board import DEFAULT_PROFILE, own_profile, packaged_profile

    own = {"--system-config": system_config, "--memory-mode": memory_mode, "--accelerator-config": accelerator_config}
    if vela_config is None:
        given = [name for name, value in own.items() if value]
        if given:
            raise EfnasError(f"{', '.join(given)} belongs to a file of your own: name it with --vela-config.")
        return packaged_profile(profile or DEFAULT_PROFILE)
    missing = [name for name, value in own.items() if not value]
    if profile or missing:
        raise EfnasError(f"--vela-config needs {', '.join(missing) or 'no --profile beside it'}.")
    return own_profile(vela_config, accelerator_config, system_config, memory_mode)


def network_files(
    cache, checkpoint: Optional[str], skip_checkpoint: bool, seed: Optional[int], size: tuple, run: tuple
):
    """The `NetworkFiles` that the options name: those of a run, or random ones of the size that is asked for.

    `size` is height, width and base width; `run` the options that name a run: --config, --experiment-name,
    --output-root, --set.
    """
    from efnas.cli.screen.tensorflow_messages import quiet_tensorflow
    from efnas.config import load_config
    from efnas.export.network_files import NetworkFiles
    from efnas.runs.manifest import load_run_config

    if checkpoint and skip_checkpoint:
        raise EfnasError("--checkpoint and --skip-checkpoint contradict each other: give one.")
    config_file, experiment_name, output_root, assignments = run
    height, width, base_width = size
    options = {
        "runtime.seed": seed, "runtime.experiment_name": experiment_name, "runtime.output_root": output_root,
        "data.input_height": height, "data.input_width": width, "train.base_width": base_width,
    }  # fmt: skip
    load = load_run_config if checkpoint else load_config
    return NetworkFiles(load(config_file, options, assignments or []), cache, checkpoint, quiet_tensorflow)


def given_again() -> str:
    """Those of the given options that say which network, board and compiler it is about, for what is proposed next."""
    context = click.get_current_context()
    words = []
    for param in context.command.params:
        if param.name in ABOUT and context.get_parameter_source(param.name) == ParameterSource.COMMANDLINE:
            value = context.params[param.name]
            values = value if isinstance(value, (list, tuple)) else [value]
            words += [param.opts[0] if one is True else f"{param.opts[0]} {shlex.quote(str(one))}" for one in values]
    return "".join(f" {word}" for word in words)


def require_keep(folder: Optional[Path]) -> None:
    if folder and folder.exists() and not folder.is_dir():
        raise EfnasError(f"--keep takes a folder; {folder} is a file.")


def open_cache(no_cache: bool):
    from efnas.cache import Cache, cache_folder

    return Cache(None if no_cache else cache_folder())


def open_vela(program: Optional[str], profile, cache, legacy_core: bool):
    """The compiler, after a line on standard error when its figures are known to differ from the reference."""
    from efnas.cli.screen.console import print_note
    from efnas.vela.compiler import Vela, find_vela, other_figures

    vela = Vela(find_vela(program), profile, cache)
    notice = other_figures(vela.version, legacy_core)
    if notice:
        print_note(notice)
    return vela
