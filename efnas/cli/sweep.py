"""`efnas sweep`: what every subnet costs on a board, and which subnets meet a budget."""

from pathlib import Path
from typing import Dict, Optional

import typer
from typing_extensions import Annotated

from efnas.cli.grouping import grouped
from efnas.cli.options import (
    Arena,
    CostOptions,
    Form,
    Optimise,
    Output,
    TrainedWeights,
    VelaProgram,
    require_choice,
    require_folder,
    scheduler,
)
from efnas.cli.sizes import Sizes, files_at
from efnas.cli.sweep_query import query

app = typer.Typer(invoke_without_command=True, add_completion=False)
app.command("query")(query)


@app.callback()
@grouped
def sweep(
    context: typer.Context,
    method: Annotated[
        str,
        typer.Option(metavar="auto|additive|pairs|exact", help="Derived from a few compiles, or all compiled."),
    ] = "auto",
    tolerance: Annotated[
        float, typer.Option(min=0, metavar="PERCENT", help="Largest error of a derived latency over the proof.")
    ] = 0.1,
    verify: Annotated[int, typer.Option(min=2, max=2000, help="Held-out subnets compiled for the proof.")] = 24,
    out: Annotated[
        Optional[Path], typer.Option(metavar="DIR", show_default="outputs/sweep/...", help="Where to write the table.")
    ] = None,
    dask: scheduler("Compile on the workers of a Dask scheduler.") = None,
    checkpoint: TrainedWeights = None,
    sizes: Sizes = None,
    sample: Annotated[int, typer.Option(min=1, help="With --checkpoint: subnets to evaluate.")] = 50,
    form: Form = "accumulated",
    optimise: Optimise = "Size",
    arena: Arena = None,
    vela: VelaProgram = None,
    cost: CostOptions = CostOptions(),
    output: Output = Output(),
) -> None:
    """Latency, SRAM, flash, MACs and parameters of all 19,683 subnets on a board, and a proof of how exact they are.

    A few compiles give terms that derive the rest; held-out subnets, compiled for real, prove them or send the sweep
    on to the next method, at last to compiling everything. Every compile is kept: a sweep that was stopped goes on
    where it was. Weights are random, the estimates Vela's. `efnas sweep query` asks the table.
    """
    if context.invoked_subcommand:
        return
    from efnas.cli.screen.console import print_json, print_note
    from efnas.cli.screen.progress import progress_bar
    from efnas.core.alone import require_all_subnets
    from efnas.cost.board_sweep import SweepRequest, sweep_board
    from efnas.cost.sweep import METHODS
    from efnas.export.host import FORMS
    from efnas.vela.compiler import OPTIMISE, Settings

    require_choice("--method", method, METHODS)
    require_choice("--form", form, FORMS)
    require_choice("--optimise", optimise, OPTIMISE)
    settings = Settings(optimise, arena, cost.legacy_core)
    every = files_at(cost, sizes, checkpoint)
    for files in every.values():
        require_all_subnets(files.supernet, "efnas sweep --checkpoint")
    compiler, results = cost.compiler(vela), {}
    for size, files in every.items():
        request = SweepRequest(files, compiler, vela, settings, form, method, tolerance / 100, verify, sample, dask)
        folder = out or request.folder()
        folder = folder / str(size) if size else folder
        require_folder("--out", folder)
        with progress_bar("Evaluating", "subnets") as progress:
            results[size] = sweep_board(request, folder, progress, print_note)
        if not output.as_json:
            _show(results[size], request.files.supernet.space.baseline)
    told = [{"folder": str(each.folder), **each.table.about} for each in results.values()]
    if output.as_json:
        print_json({"sizes": [{"size": str(size), **each} for size, each in zip(results, told)]} if sizes else told[0])
    elif sizes:
        _show_sizes({size: each.table for size, each in results.items()})
    for each in results.values():
        each.require_sound(tolerance / 100)


def _show_sizes(tables: Dict) -> None:
    """What each size costs, and where errors are known the front over all of them."""
    from efnas.cli.screen.console import console, table
    from efnas.cli.screen.tables import cost_rows_table
    from efnas.cost.sized import costs_of_sizes, front_of_sizes

    rows = [(str(each.size), *(f"{figure:.3f}" for figure in each[1:4]), f"{each.baseline_sram_kib:,.1f}",
             f"{each.fitting:,}") for each in costs_of_sizes(tables)]  # fmt: skip
    columns = ["size", ">fastest ms", ">median ms", ">slowest ms", ">baseline SRAM KiB", ">fit the board"]
    console().print(table("What each size costs", columns, rows))
    front = front_of_sizes(tables)
    if front:
        beside = [{"size": str(size)} for size, _ in front]
        console().print(cost_rows_table("Front over all sizes", [row for _, row in front], more=beside))


def _show(result, baseline) -> None:
    from efnas.cli.screen.console import console, print_next, table
    from efnas.cli.screen.tables import cost_rows_table
    from efnas.cost.table import FAILED, TABLE

    screen, about, folder = console(), result.table.about, result.folder
    rows = [
        (proof["method"], proof["subnets"], f"{proof['largest_error']:.4%}", f"{proof['mean_error']:.4%}",
         f"{proof['largest_error_ms']:.4f}", f"{proof['largest_sram_error_kib']:.1f}",
         f"{proof['largest_flash_error_kib']:.1f}",
         "-" if proof["kendall_tau"] is None else f"{proof['kendall_tau']:.4f}")
        for proof in about["proofs"]
    ]  # fmt: skip
    columns = ["method", ">held out", ">largest error", ">mean", ">ms", ">SRAM KiB", ">flash KiB", ">Kendall tau"]
    screen.print(table(f"Proof: {about['title']} (estimates)", columns, rows, less=(">flash KiB",)))
    known = sorted((row for row in result.table.rows if row.known != FAILED), key=lambda row: row.latency_ms)
    named = {"fastest": known[0], "median": known[len(known) // 2], "slowest": known[-1],
             "baseline": result.table.row(baseline)}  # fmt: skip
    screen.print(cost_rows_table(f"{len(known):,} subnets", list(named.values()), list(named)))
    fitting = sum(bool(row.fits) for row in known)
    if about["arena_limit_kib"]:
        screen.print(f"{fitting:,} fit the board's {about['arena_limit_kib']:,.0f} KiB of SRAM.")
    screen.print(
        f"{result.compiled:,} compiles now, {about['compiled']:,} subnets compiled in all, by {about['method']}."
    )
    screen.print(f"Written: {folder / TABLE}, {', '.join(result.pictures)}")
    print_next(f"efnas sweep query {folder} --max-ms {known[len(known) // 2].latency_ms:.0f} --sort params")
