"""`efnas manifest`: what a run is, and where two runs differ."""

from pathlib import Path
from typing import Optional

import typer
from typing_extensions import Annotated

from efnas.cli.grouping import grouped
from efnas.cli.options import Output, require_choice

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Show what a run is, and where two runs differ.")


@app.command()
@grouped
def show(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run, or a manifest file.")], output: Output = Output()
) -> None:
    """Show the manifest of a run."""
    from efnas.cli.run_names import run_folder
    from efnas.cli.screen.console import console, print_json, print_next, table
    from efnas.cli.screen.tables import MEANINGS
    from efnas.runs.manifest import GROUPS, read_manifest

    run = run_folder(run)
    manifest = read_manifest(run)
    if output.as_json:
        print_json(manifest)
        return
    for group in GROUPS:
        rows = [(key, "-" if value is None else value) for key, value in manifest[group].items()]
        console().print(table(MEANINGS[group], ["key", "value"], rows))
    for entry in manifest["history"]:
        changes = "; ".join(f"{key} {old} -> {new}" for key, (old, new) in entry["changed"].items())
        if changes:
            console().print(f"{entry['at']}: resumed after step {entry['step']} with {changes}")
    if run.is_dir():
        print_next(f"efnas runs show {run}")


@app.command()
@grouped
def diff(
    left: Annotated[Path, typer.Argument(metavar="RUN", help="A run, a manifest file or a configuration (YAML).")],
    right: Annotated[Path, typer.Argument(metavar="RUN", help="The same.")],
    only: Annotated[
        Optional[str], typer.Option(metavar="identity|tuning|place", show_default="all", help="One group alone.")
    ] = None,
    output: Output = Output(),
) -> None:
    """Show where two runs differ. Exit code 0: nowhere that counts (place never does); 1: somewhere; 2: trouble."""
    from efnas.cli.run_names import run_folder
    from efnas.cli.screen.console import console, print_json, print_next
    from efnas.cli.screen.tables import difference_table
    from efnas.runs.manifest import CONFIGURATIONS, GROUPS, differences, manifest_at

    if only:
        require_choice("--only", only, GROUPS)
    left, right = run_folder(left), run_folder(right)
    found = [each for each in differences(manifest_at(left), manifest_at(right)) if only in (None, each.group)]
    if output.as_json:
        print_json({"differences": [each._asdict() for each in found]})
    elif found:
        console().print(difference_table(found, str(left), str(right)))
        runs = [each for each in (left, right) if each.suffix not in CONFIGURATIONS]
        print_next(f"efnas manifest show {runs[0]}" if runs else f"efnas train --config {right}")
    else:
        print("No differences.")
    if any(each.counts for each in found):
        raise typer.Exit(1)
