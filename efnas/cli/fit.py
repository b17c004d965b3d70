"""`efnas fit`: the compiler's settings that fit a subnet into a board's memory, with the lowest latency."""

from pathlib import Path
from typing import List, Optional

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


@grouped
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
    checkpoint: TrainedWeights = None,
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

    Every figure is that of a compile; compiles are cached, so that a second search costs nothing. Exit code 1 when
    nothing fits.
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
    require_folder("--keep", keep)
    files = cost.files(checkpoint, skip_checkpoint)
    code = files.arch(arch)
    compilers = [cost.compiler(program) for program in velas or [None]]
    with progress_bar("Compiling", "settings") as progress:
        found = fit_subnet(files, code, forms or FORMS, compilers, limit_kib, cost.legacy_core, keep, progress)
    if plot:
        from efnas.cost.pictures import draw_fit

        draw_fit(found, plot)
    board = compilers[0].profile.name
    if output.as_json:
        print_json({"arch": str(code), "profile": board, "weights": files.weights_of(code), **found.as_dict()})
    else:
        _show(found, str(code), board, plot, bool(velas))
    found.require_fit()


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
