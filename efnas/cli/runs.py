"""`efnas runs`: the runs there are, and the curves of one."""

from pathlib import Path
from typing import Optional

import typer
from typing_extensions import Annotated

from efnas.cli.grouping import grouped
from efnas.cli.options import Output

app = typer.Typer(invoke_without_command=True, add_completion=False)
OutputRoot = Annotated[Optional[Path], typer.Option(metavar="DIR", show_default=False, help="Where runs are kept.")]
STATES = {"running": "[cyan]running[/]", "finished": "[green]finished[/]", "stopped": "[yellow]stopped[/]",
          "damaged": "[red]damaged[/]"}  # fmt: skip
CURVES = (("zero flow", "zero_flow_epe"), ("baseline", "baseline_epe"))


@app.callback()
@grouped
def runs(context: typer.Context, output_root: OutputRoot = None, output: Output = Output()) -> None:
    """The runs under an output folder: where each stands, its best EPE, and in what their configurations differ."""
    if context.invoked_subcommand:
        return
    from efnas.cli.screen.console import Marked, console, print_json, print_next, table
    from efnas.config import CROP, Runtime
    from efnas.runs.listing import find_runs, varying

    root = output_root or Runtime().output_root
    found = find_runs(root)
    differ = varying(found)
    if output.as_json:
        print_json(
            {
                "root": str(root),
                "runs": [{**run.as_dict(), "differs_in": differ.get(run.folder.name, {})} for run in found],
            }
        )
        return
    rows, some_alone = [], any(run.arch for run in found)
    some_whole = any(run.as_dict()["geometry"] != CROP for run in found)
    for run in found:
        one = run.as_dict()
        trained = [(run.arch or "supernet") if run.settings else ""] if some_alone else []
        best = ("", "") if one["best_epe"] is None else (f"{one['best_epe']:.3f}", f"{one['zero_flow_epe']:.3f}")
        standing = (Marked(STATES[run.state]), f"{one['epoch']}/{run.epochs}", f"{one['step']:,}")
        frames = [one["geometry"]] if some_whole else []
        rows.append((one["run"], *trained, *standing, *frames, *best))
    columns = ["run", *(["trains"] if some_alone else []), "state", ">epoch", ">step",
               *(["frames"] if some_whole else []), ">best EPE px", ">zero flow px"]  # fmt: skip
    console().print(table(f"{len(found)} run{'s' * (len(found) != 1)} in {root}", columns, rows))
    keys = [key for key in next(iter(differ.values()), {}) if not key.endswith("names_sha256")]
    if keys:
        names = list(differ)
        rows = [(key, *(differ[name][key] for name in names)) for key in keys]
        console().print(table("Where their configurations differ", ["key", *names], rows))
    for run in found:
        if run.trouble:
            console().print(f"{run.folder.name}: {run.trouble}")
    if found:
        print_next(f"efnas runs show {found[0].folder}")


@app.command()
@grouped
def show(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="The folder of a run, or its name below the output folder.")
    ],
    plot: Annotated[
        Optional[Path], typer.Option(metavar="FILE.png", show_default=False, help="Write the curves as a picture.")
    ] = None,
    output_root: OutputRoot = None,
    output: Output = Output(),
) -> None:
    """Draw the curves of a run in the terminal."""
    from rich.text import Text

    from efnas.cli.run_names import options_for, run_folder
    from efnas.cli.screen.console import console, print_json, print_next
    from efnas.config import frames_told
    from efnas.core.alone import in_words
    from efnas.figures import require_picture
    from efnas.runs.listing import evaluations, read_run
    from efnas.runs.run_files import has_baseline, pool_size

    if plot:
        require_picture(plot)
    folder = run_folder(run, output_root)
    found = read_run(folder)
    rows = evaluations(folder)
    if plot and rows:
        from efnas.runs.report import plot_curves

        plot_curves(rows, plot)
    if output.as_json:
        print_json({**found.as_dict(), "evaluations": rows})
        return
    one = found.as_dict()
    where = f", epoch {one['epoch']} of {found.epochs}, step {one['step']:,}"
    what = f", {in_words(found.arch)} alone" if found.arch else ""
    console().print(Text.assemble((one["run"], "bold"), what, ": ", Text.from_markup(STATES[found.state]), where))
    if not rows:
        console().print("No evaluation yet.")
        return
    last, mean, lines = rows[-1], f"mean_epe_{pool_size(rows)}", CURVES if has_baseline(rows) else CURVES[:1]
    _draw(rows, mean, lines)
    best = "" if one["best_epe"] is None else f"best {one['best_epe']:.3f} after epoch {one['best_epoch']}, "
    figures = (f"{name} {float(last[column]):.3f}" for name, column in (("last", mean), *lines))
    console().print(f"EPE in pixels{frames_told(one['geometry'])}: {best}{', '.join(figures)}")
    if plot:
        console().print(f"Picture: {plot}")
    print_next(f"efnas eval {options_for(folder)}")


def _draw(rows: list, mean: str, lines: tuple) -> None:
    import plotext

    from efnas.cli.screen.console import console

    screen, many = console(), lines == CURVES
    epochs = [float(row["epoch"]) for row in rows]
    plotext.clear_figure()
    plotext.theme("clear")
    plotext.plot_size(min(screen.width, 100), 18)
    for marker, (label, name) in zip(
        "-x•" if many else "-•", (*lines, ("mean of the pool" if many else "its error", mean))
    ):
        plotext.plot(epochs, [float(row[name]) for row in rows], label=label, marker=marker)
    plotext.xlabel("epoch")
    plotext.title("EPE in pixels")
    print(plotext.build() if screen.is_terminal and not screen.no_color else plotext.uncolorize(plotext.build()))
