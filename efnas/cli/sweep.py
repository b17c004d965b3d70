"""`efnas sweep`: what every subnet costs on a board, and which subnets meet a budget."""

from pathlib import Path
from typing import Optional

import typer
from typing_extensions import Annotated

from efnas.cli import cost_options as cost
from efnas.cli.options import (
    Assignments,
    BaseWidth,
    ConfigFile,
    ExperimentName,
    Form,
    Height,
    Json,
    OutputRoot,
    Width,
    require_choice,
)
from efnas.cli.screen.cost_rows import rows_table
from efnas.cli.sweep_query import query
from efnas.core.space import FLOW_SPACE
from efnas.errors import CheckFailed, EfnasError

app = typer.Typer(invoke_without_command=True)
app.command("query")(query)


@app.callback()
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
    dask: Annotated[
        Optional[str],
        typer.Option(metavar="tcp://HOST:PORT", show_default=False, help="Compile on the workers of a Dask scheduler."),
    ] = None,
    checkpoint: cost.Checkpoint = None,
    sample: Annotated[int, typer.Option(min=1, help="With --checkpoint: subnets to evaluate.")] = 50,
    form: Form = "accumulated",
    optimise: Annotated[str, typer.Option(metavar="Size|Performance", help="What Vela optimises.")] = "Size",
    arena: cost.Arena = None,
    profile: cost.BoardProfile = None,
    vela_config: cost.VelaConfig = None,
    system_config: cost.SystemConfig = None,
    memory_mode: cost.MemoryMode = None,
    accelerator_config: cost.AcceleratorConfig = None,
    vela: cost.VelaProgram = None,
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
    """Latency, SRAM, flash, MACs and parameters of all 19,683 subnets on a board, and a proof of how exact they are.

    A few compiles give terms that derive the rest; held-out subnets, compiled for real, prove them or send the sweep
    on to the next method, at last to compiling everything. Every compile is kept: a sweep that was stopped goes on
    where it was. Weights are random, the estimates Vela's. `efnas sweep query` asks the table.
    """
    if context.invoked_subcommand:
        return
    from efnas.cache import Cache
    from efnas.cli.screen.console import print_json, print_note, progress_bar
    from efnas.cost.compiles import Compiles, Work, exported_one_by_one, here
    from efnas.cost.sweep import METHODS
    from efnas.cost.sweep import sweep as run_sweep
    from efnas.export.host import FORMS
    from efnas.files import make_folder
    from efnas.vela.compiler import OPTIMISE, Settings

    for option, value, choices in (
        ("--method", method, METHODS), ("--form", form, FORMS), ("--optimise", optimise, OPTIMISE),
    ):  # fmt: skip
        require_choice(option, value, choices)
    cache = cost.open_cache(no_cache)
    run = (config, experiment_name, output_root, assignments)
    files = cost.network_files(cache, checkpoint, False, seed, (height, width, base_width), run)
    board = cost.board(profile, vela_config, system_config, memory_mode, accelerator_config)
    compiler = cost.open_vela(vela, board, cache, legacy_core)
    settings = Settings(optimise, arena, legacy_core)
    words = [board.name, f"vela-{compiler.version}", optimise, *([str(arena)] if arena else []), form]
    folder = out or Path("outputs") / "sweep" / "-".join(words)
    if folder.exists() and not folder.is_dir():
        raise EfnasError(f"--out takes a folder; {folder} is a file.")
    if dask:
        from efnas.cost.cluster import on_cluster
    engine = on_cluster(dask, print_note) if dask else here
    with progress_bar("Evaluating", "subnets") as progress:
        epe = _evaluate(files, sample, progress) if checkpoint else {}
        files = files._replace(checkpoint=None)
        parts = tuple(files.subnet(arch, [form])[form] for arch in FLOW_SPACE.uniform_codes())
        work = Work(FLOW_SPACE, parts, vela, compiler.version, board, settings)
        compiles = Compiles(work, cache, engine)
        exported = Compiles(work, Cache(None), exported_one_by_one(files, form, compiler))
        seed = files.config.runtime.seed
        swept = run_sweep(compiles, exported, method, tolerance / 100, verify, seed, epe, progress, print_note)

    from efnas.cost.sweep_pictures import draw_sweep
    from efnas.cost.sweep_rows import table_of
    from efnas.cost.table import write_table

    table = table_of(swept, work, form, files.config, epe)
    make_folder(folder)
    write_table(folder, table)
    pictures = draw_sweep(table, FLOW_SPACE, folder)
    if as_json:
        print_json({"folder": str(folder), **table.about})
    else:
        _show(table, folder, pictures, compiles.compiled + exported.compiled)
    if swept.failed:
        named = "; ".join(f"{arch}: {said}" for arch, said in list(swept.failed.items())[:3])
        raise CheckFailed(f"The compiler fails on {len(swept.failed)} subnets: {named}")
    proof = swept.proofs[-1]
    if proof.largest_error > tolerance / 100:
        raise CheckFailed(
            f"By {proof.method} the latency is off by up to {proof.largest_error:.3%}, more than {tolerance} %."
        )


def _evaluate(files, sample: int, progress) -> dict:
    """EPE by arch of the baseline and of subnets drawn from the seed, as `efnas eval --random` draws them."""
    from efnas.core.sampler import random_archs

    files.before_tensorflow()
    from efnas.evaluation.trained import evaluate_checkpoint

    archs = list(dict.fromkeys([*random_archs(FLOW_SPACE, files.config.runtime.seed, sample), FLOW_SPACE.baseline]))
    return evaluate_checkpoint(files.config, files.checkpoint, archs, progress=progress).evaluation.epe


def _show(table, folder: Path, pictures: list, compiled: int) -> None:
    from efnas.cli.screen.console import console, print_next
    from efnas.cli.screen.console import table as screen_table
    from efnas.cost.table import FAILED, TABLE

    screen, about = console(), table.about
    rows = [
        (proof["method"], proof["subnets"], f"{proof['largest_error']:.4%}", f"{proof['mean_error']:.4%}",
         f"{proof['largest_error_ms']:.4f}", f"{proof['largest_sram_error_kib']:.1f}",
         f"{proof['largest_flash_error_kib']:.1f}", f"{proof['kendall_tau']:.4f}")
        for proof in about["proofs"]
    ]  # fmt: skip
    columns = ["method", ">held out", ">largest error", ">mean", ">ms", ">SRAM KiB", ">flash KiB", ">Kendall tau"]
    screen.print(screen_table(f"Proof: {about['title']} (estimates)", columns, rows, less=(">flash KiB",)))
    known = sorted((row for row in table.rows if row["known"] != FAILED), key=lambda row: row["latency_ms"])
    named = {"fastest": known[0], "median": known[len(known) // 2], "slowest": known[-1],
             "baseline": table.row(FLOW_SPACE.baseline)}  # fmt: skip
    screen.print(rows_table(f"{len(known):,} subnets", list(named.values()), list(named)))
    fitting = sum(bool(row["fits"]) for row in known)
    if about["arena_limit_kib"]:
        screen.print(f"{fitting:,} fit the board's {about['arena_limit_kib']:,.0f} KiB of SRAM.")
    screen.print(f"{compiled:,} compiles now, {about['compiled']:,} subnets compiled in all, by {about['method']}.")
    screen.print(f"Written: {folder / TABLE}, {', '.join(pictures)}")
    print_next(f"efnas sweep query {folder} --max-ms {known[len(known) // 2]['latency_ms']:.0f} --sort params")
