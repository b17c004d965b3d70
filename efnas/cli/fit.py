"""`efnas fit`: the compiler's settings that fit a subnet into a board's memory, with the lowest latency."""

from pathlib import Path
from typing import Dict, List, Optional

import typer
from typing_extensions import Annotated

from efnas.cli.grouping import grouped
from efnas.cli.options import (
    CostOptions,
    Output,
    SkipCheckpoint,
    TrainedWeights,
    require_choice,
    require_folder,
    same_network,
)
from efnas.cli.sizes import Sizes, files_at
from efnas.errors import EfnasError


@grouped
def fit(
    arch: Annotated[str, typer.Option(metavar="CODE|best", help="The subnet.")],
    limit_kib: Annotated[
        Optional[float], typer.Option(min=1, show_default="the board's", help="SRAM that it may use, in KiB.")
    ] = None,
    forms: Annotated[
        Optional[List[str]],
        typer.Option("--form", metavar="accumulated|two-scale|packed", show_default="all", help="Output form to try."),
    ] = None,
    velas: Annotated[
        Optional[List[str]],
        typer.Option("--vela", metavar="PATH|VERSION", show_default=False, help="A compiler to try; may be repeated."),
    ] = None,
    checkpoint: TrainedWeights = None,
    sizes: Sizes = None,
    skip_checkpoint: SkipCheckpoint = False,
    plot: Annotated[
        Optional[Path], typer.Option(metavar="FILE.png", show_default=False, help="Draw SRAM against latency.")
    ] = None,
    keep: Annotated[
        Optional[Path],
        typer.Option(metavar="DIR", show_default=False, help="Keep the best one's files, exported and compiled."),
    ] = None,
    cost: CostOptions = CostOptions(),
    output: Output = Output(),
) -> None:
    """Search output form, --optimise and arena cache size for the fastest settings that fit a board's SRAM.

    Every figure is that of a compile; compiles are cached, so that a second search costs nothing. With several --size
    each is searched, and their best stand side by side. Exit code 1 when nothing fits.
    """
    from efnas.cli.screen.console import print_json
    from efnas.cli.screen.progress import progress_bar
    from efnas.cost.fit import fit_subnet
    from efnas.export.host import FORMS
    from efnas.figures import require_picture

    for form in forms or []:
        require_choice("--form", form, FORMS)
    if plot:
        require_picture(plot)
    if plot and sizes:
        raise EfnasError("--plot draws the settings of one size: leave it out with --size.")
    require_folder("--keep", keep)
    every = files_at(cost, sizes, checkpoint, skip_checkpoint)
    first = next(iter(every.values()))
    code = first.arch(arch)
    compilers = [cost.compiler(program) for program in velas or [None]]
    found = {}
    for size, files in every.items():
        kept = keep / str(size) if keep and size else keep
        with progress_bar("Compiling", "settings") as progress:
            found[size] = fit_subnet(
                files, code, forms or FORMS, compilers, limit_kib, cost.legacy_core, kept, progress
            )
    if plot:
        from efnas.cost.pictures import draw_fit

        draw_fit(found[None], plot)
    board = compilers[0].profile.name
    if output.as_json:
        told = [{"size": str(size), **each.as_dict()} for size, each in found.items()]
        what = {"sizes": told} if sizes else found[None].as_dict()
        print_json({"arch": str(code), "profile": board, "weights": first.weights_of(code), **what})
    elif sizes:
        _show_sizes(found, str(code), board)
    else:
        _show(found[None], str(code), board, plot, bool(velas))
    if not any(each.best for each in found.values()):
        next(iter(found.values())).require_fit()


def _show_sizes(found: Dict, arch: str, board: str) -> None:
    """The best settings of each size."""
    from efnas.cli.screen.console import console, table

    rows = []
    for size, fit in found.items():
        best = fit.best
        if best is None:
            rows.append((str(size), "nothing fits", "", "", "", f"{fit.front[0].compiled.sram_kib:,.1f}", "", ""))
            continue
        arena, compiled = best.settings.arena, best.compiled
        rows.append((str(size), best.form, best.vela.version, best.settings.optimise, f"{arena:,}" if arena else "",
                     f"{compiled.sram_kib:,.1f}", f"{compiled.inference_ms:,.2f}", f"{compiled.fps:.2f}"))  # fmt: skip
    columns = ["size", "form", "Vela", "optimise", ">arena bytes", ">SRAM KiB", ">ms", ">FPS"]
    tried = sum(len(fit.trials) for fit in found.values())
    screen = console()
    screen.print(table(f"{arch} on {board}: the best of each size, {tried} settings tried", columns, rows))
    for size, fit in found.items():
        for note in fit.notes:
            screen.print(f"Not searched further at {size}: {note}.")


def _show(found, arch: str, board: str, plot: Optional[Path], named: bool) -> None:
    from efnas.cli.screen.console import console, print_next, table
    from efnas.cli.screen.tables import FITS

    best, screen = found.best, console()
    rows = []
    for trial in found.front:
        compiled, settings = trial.compiled, trial.settings
        rows.append((
            trial.form, trial.vela.version, settings.optimise, f"{settings.arena:,}" if settings.arena else "",
            f"{compiled.sram_kib:,.1f}", f"{compiled.sram_mb:.4f}", f"{compiled.inference_ms:,.2f}",
            f"{compiled.fps:.2f}", FITS[compiled.sram_kib <= found.limit_kib], "best" if trial is best else "",
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
        words = f"--form {best.form} --optimise {best.settings.optimise}{arena}{program}{same_network()}"
        print_next(f"efnas vela-compare --arch {arch} {words}")
