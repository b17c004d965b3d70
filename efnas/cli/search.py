"""`efnas search`: the error of all subnets beside their cost: which network to take, and how sure that is."""

from pathlib import Path
from typing import Optional

import typer
from typing_extensions import Annotated

from efnas.cli.grouping import grouped
from efnas.cli.options import (
    Arena,
    Checkpoint,
    CostOptions,
    Form,
    Optimise,
    Output,
    VelaProgram,
    pair_count,
    require_choice,
    require_folder,
    scheduler,
)
from efnas.cli.search_benchmark import export_benchmark
from efnas.cli.search_query import LimitOptions, query, show_answer
from efnas.cli.search_sizes import show_sizes
from efnas.cli.sizes import Sizes, settings_at
from efnas.errors import EfnasError
from efnas.ranks import SaidByFirst

app = typer.Typer(invoke_without_command=True, add_completion=False)
app.command("query")(query)
app.command("export-benchmark")(export_benchmark)


@app.callback()
@grouped
def search(
    context: typer.Context,
    checkpoint: Checkpoint = "best",
    table: Annotated[
        Optional[Path],
        typer.Option(metavar="TABLE", show_default="made first", help="What subnets cost: the table of a sweep."),
    ] = None,
    pairs: Annotated[str, typer.Option(metavar="N|all", help="Validation pairs that errors are taken on.")] = "all",
    sizes: Sizes = None,
    out: Annotated[
        Optional[Path], typer.Option(metavar="DIR", show_default="outputs/search/...", help="Where to write it all.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace errors of something else.")] = False,
    dask: scheduler("Compute on the workers of a Dask scheduler; they must see the same folders.") = None,
    limits: LimitOptions = LimitOptions(),
    top: Annotated[int, typer.Option(min=1, help="How many rows.")] = 20,
    form: Form = "accumulated",
    optimise: Optimise = "Size",
    arena: Arena = None,
    vela: VelaProgram = None,
    cost: CostOptions = CostOptions(),
    output: Output = Output(),
) -> None:
    """The error of every subnet of a run, exactly, beside what each costs: the front, and the best within limits.

    Nothing is sampled or predicted: subnets that differ in the last blocks share one pass. A search that was stopped
    goes on. Subnets that the validation pairs cannot tell from the best are said to be such; the cheapest of them is
    usually what to take. `efnas search query` asks again without computing. With several --size, the same weights see
    whole frames at each, and one front over all says which size and which subnet.
    """
    if context.invoked_subcommand:
        return
    from efnas.cli.screen.console import print_next, print_note
    from efnas.cli.screen.progress import progress_bar
    from efnas.cli.screen.ranks import joined
    from efnas.cli.screen.tensorflow_messages import quiet_tensorflow
    from efnas.core.alone import require_all_subnets
    from efnas.cost.table import read_table
    from efnas.export.host import FORMS
    from efnas.runs.run_files import checkpoint_path
    from efnas.runs.seal import read_whole
    from efnas.runs.supernet import supernet_of
    from efnas.search.sizes_folder import FRONT, PICTURE, SIZES, holds_sizes, write_sizes
    from efnas.vela.compiler import OPTIMISE

    require_choice("--form", form, FORMS)
    require_choice("--optimise", optimise, OPTIMISE)
    count = pair_count(pairs)
    if sizes and table:
        raise EfnasError("--table is of one size: leave it out with --size, and the costs of each are swept.")
    ranks = joined(quiet_tensorflow)
    if dask and ranks.size > 1:
        raise SaidByFirst("--dask and several ranks are two ways to share out one search: take one of them.")
    with ranks.together():
        every = settings_at(cost, sizes, of_run=True)
        for settings in every.values():
            supernet = supernet_of(settings)
        require_all_subnets(supernet, "efnas search")
        read_whole(checkpoint_path(settings, checkpoint), supernet.identity(settings.network.base_width))
        name = settings.runtime.experiment_name + ("-sizes" if sizes else "")
        folder = out or Path("outputs") / "search" / name
        require_folder("--out", folder)
        if holds_sizes(folder) and not sizes:
            raise EfnasError(f"{folder} holds a search of several sizes: take another --out.")
        costs = read_table(table, supernet.space) if table else None
        compiler = cost.compiler(vela) if costs is None else None
    quiet_tensorflow()
    from efnas.search.compute import compute_errors
    from efnas.search.folder import read_search, write_search
    from efnas.search.pass_engines import pass_engine
    from efnas.search.sweeping import swept_costs

    found = {}
    with pass_engine(dask, print_note, ranks) as engine:
        for size, settings in every.items():
            place = folder / str(size) if size else folder
            with progress_bar(f"Errors at {size}" if size else "Errors", "subnets") as progress:
                errors = compute_errors(settings, checkpoint, place, count, overwrite, progress, engine, print_note,
                                        ranks)  # fmt: skip
            if errors is None:  # the first rank has them
                continue
            own = costs
            if own is None:
                with progress_bar("Costs", "subnets") as progress:
                    own = swept_costs(settings, cost.cache(), compiler, vela, form, optimise, arena, cost.legacy_core,
                                      progress, print_note, dask)  # fmt: skip
            written = write_search(place, own, errors)
            found[size] = read_search(place)
    if not found:
        return
    if sizes:
        write_sizes(folder, found)
        show_sizes(found, limits, top, output.as_json)
        if not output.as_json:
            print(f"Written: {', '.join(str(folder / each) for each in (SIZES, FRONT, PICTURE))}, and a search a size")
            print_next(f"efnas search query {folder} --max-ms 30 --fits")
        return
    show_answer(found[None], limits, top, output.as_json)
    if not output.as_json:
        _show_lessons(written.content, supernet.space)
        print(f"Written: {folder / 'table.csv'}, front.csv, search.json, errors.npy, {', '.join(written.pictures)}")
        print_next(f"efnas search query {folder} --max-ms 30 --fits")


def _show_lessons(content: dict, space) -> None:
    """What the space teaches, a row a block."""
    from efnas.cli.screen.console import console, table

    lessons, lost = content["lessons"], content["front_lost_without"] or {}
    rows = []
    for block in space.blocks:
        shares = [f"{taught['blocks'][block.name]:.1%}" for taught in lessons.values()]
        gains = lessons["epe"]["options"][block.name]
        options = ", ".join(f"{option.word} {gain:+.4f}" for option, gain in zip(block.options, gains))
        rows.append((block.name, *shares, f"{lost[block.name]:.1%}" if lost else "", options))
    of = {"epe": ">of the error's variance", "latency_ms": ">of the latency's"}
    columns = ["block", *(of[name] for name in lessons), ">of the front", "error of its options against all, px"]
    console().print(table("What each block decides", columns, rows))
