"""`efnas fit`: the compiler's settings that fit a subnet into a board's memory, with the lowest latency."""

from pathlib import Path
from typing import List, Optional

import typer
from typing_extensions import Annotated

from efnas.cli import cost_options as cost
from efnas.cli.options import (
    Assignments,
    BaseWidth,
    ConfigFile,
    ExperimentName,
    Height,
    Json,
    OutputRoot,
    Width,
    require_choice,
)
from efnas.errors import CheckFailed, EfnasError


def fit(
    arch: Annotated[str, typer.Option(metavar="CODE|best", help="The subnet.")],
    limit_kib: Annotated[
        Optional[float], typer.Option(min=1, show_default="the board's", help="SRAM that it may use, in KiB.")
    ] = None,
    forms: Annotated[
        Optional[List[str]],
        typer.Option("--form", metavar="accumulated|two-scale", show_default="both", help="Output form to try."),
    ] = None,
    velas: Annotated[
        Optional[List[str]],
        typer.Option("--vela", metavar="PATH|VERSION", show_default=False, help="A compiler to try; may be repeated."),
    ] = None,
    checkpoint: cost.Checkpoint = None,
    skip_checkpoint: cost.SkipCheckpoint = False,
    plot: Annotated[
        Optional[Path], typer.Option(metavar="FILE.png", show_default=False, help="Draw SRAM against latency.")
    ] = None,
    keep: Annotated[
        Optional[Path],
        typer.Option(metavar="DIR", show_default=False, help="Keep the best one's files, exported and compiled."),
    ] = None,
    profile: cost.BoardProfile = None,
    vela_config: cost.VelaConfig = None,
    system_config: cost.SystemConfig = None,
    memory_mode: cost.MemoryMode = None,
    accelerator_config: cost.AcceleratorConfig = None,
    legacy_core: cost.LegacyCore = False,
    no_cache: cost.NoCache = False,
    seed: cost.Seed = None,
    height: Height = None,
    width: Width = None,
    base_width: BaseWidth = None,
    config: ConfigFile = None,
    experiment_name: ExperimentName = None,
    output_root: OutputRoot = None,
    assignments: Assignments = None,
    as_json: Json = False,
) -> None:
    """Search output form, --optimise and arena cache size for the fastest settings that fit a board's SRAM.

    Every figure is that of a compile; compiles are cached, so that a second search costs nothing. Exit code 1 when
    nothing fits.
    """
    from efnas.cli.screen.console import print_json, progress_bar
    from efnas.cost.fit import fit as search
    from efnas.export.host import FORMS
    from efnas.figures import require_picture
    from efnas.files import make_folder, write_whole

    for form in forms or []:
        require_choice("--form", form, FORMS)
    if plot:
        require_picture(plot)
    cost.require_keep(keep)
    cache = cost.open_cache(no_cache)
    size = (height, width, base_width)
    run = (config, experiment_name, output_root, assignments)
    files = cost.network_files(cache, checkpoint, skip_checkpoint, seed, size, run)
    code = files.arch(arch)
    board = cost.board(profile, vela_config, system_config, memory_mode, accelerator_config)
    limit = limit_kib or board.arena_limit_kib
    if limit is None:
        raise EfnasError(f"{board.name} does not say how much SRAM the board has for it: give --limit-kib.")
    compilers = [cost.open_vela(program, board, cache, legacy_core) for program in velas or [None]]
    with progress_bar("Compiling", "settings") as progress:
        models = files.subnet(code, forms or FORMS)
        found = search(models, compilers, limit, legacy_core, progress)
    best = found.best
    if keep and best:
        make_folder(keep)
        stem = f"subnet_{code.compact}_{best.form}"
        write_whole(keep / f"{stem}.tflite", models[best.form])
        best.vela.compile(models[best.form], best.settings, keep / f"{stem}_vela.tflite")
    if plot:
        from efnas.cost.pictures import draw_fit

        draw_fit(found, plot)
    if as_json:
        print_json({"arch": str(code), "profile": board.name, "weights": files.weights_of(code), **found.as_dict()})
    else:
        _show(found, str(code), board.name, plot, bool(velas))
    if best is None:
        least = found.front[0].compiled.sram_kib
        raise CheckFailed(f"Nothing fits {limit:,.0f} KiB: the least SRAM found is {least:,.1f} KiB.")


def _show(found, arch: str, board: str, plot: Optional[Path], named: bool) -> None:
    from efnas.cli.screen.console import console, print_next, table

    best, screen = found.best, console()
    rows = []
    for trial in found.front:
        compiled, settings = trial.compiled, trial.settings
        fits = "[green]yes[/]" if compiled.sram_kib <= found.limit_kib else "[yellow]no[/]"
        rows.append((
            trial.form, trial.vela.version, settings.optimise, f"{settings.arena:,}" if settings.arena else "",
            f"{compiled.sram_kib:,.1f}", f"{compiled.sram_mb:.4f}", f"{compiled.inference_ms:,.2f}",
            f"{compiled.fps:.2f}", fits, "best" if trial is best else "",
        ))  # fmt: skip
    columns = ["form", "Vela", "optimise", ">arena bytes", ">SRAM KiB", ">MB", ">ms", ">FPS", "fits", ""]
    tried = f"{len(found.trials)} settings tried"
    failed = sum(trial.compiled is None for trial in found.trials)
    title = f"{arch} on {board}: SRAM against latency, {tried}" + (f", {failed} failed in the compiler" * bool(failed))
    screen.print(table(title, columns, rows, less=(">MB", ">FPS")))
    for note in found.notes:
        screen.print(f"Not searched further: {note}.")
    if plot:
        screen.print(f"Picture: {plot}")
    if best:
        program = f" --vela {best.vela.program}" if named else ""
        arena = f" --arena {best.settings.arena}" if best.settings.arena else ""
        words = f"--form {best.form} --optimise {best.settings.optimise}{arena}{program}{cost.given_again()}"
        print_next(f"efnas vela-compare --arch {arch} {words}")
