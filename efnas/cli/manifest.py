"""`efnas manifest`: what a run is, and where two runs differ."""

from pathlib import Path
from typing import Optional

import typer
from typing_extensions import Annotated

from efnas.cli.options import Json, require_choice
from efnas.errors import EfnasError

app = typer.Typer(no_args_is_help=True, help="Show what a run is, and where two runs differ.")

MEANINGS = {"identity": "identity: another run", "tuning": "tuning: shown", "place": "place: of no account"}

CONFIGURATIONS = (".yaml", ".yml")
LONGEST = 40  # characters of a value in a table


@app.command()
def show(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run, or a manifest file.")], as_json: Json = False
) -> None:
    """Show the manifest of a run."""
    from efnas.cli.run_names import run_folder
    from efnas.cli.screen.console import console, print_json, print_next, table
    from efnas.runs.manifest import GROUPS, read_manifest

    run = run_folder(run)
    manifest = read_manifest(run)
    if as_json:
        print_json(manifest)
        return
    for group in GROUPS:
        rows = [(key, "-" if value is None else value) for key, value in manifest[group].items()]
        console().print(table(MEANINGS[group], ["key", "value"], rows))
    for entry in manifest["history"]:
        changes = "; ".join(f"{key} {old} -> {new}" for key, (old, new) in entry["changed"].items())
        console().print(f"{entry['at']}: resumed after step {entry['step']} with {changes}")
    if run.is_dir():
        print_next(f"efnas runs show {run}")


@app.command()
def diff(
    left: Annotated[Path, typer.Argument(metavar="RUN", help="A run, a manifest file or a configuration (YAML).")],
    right: Annotated[Path, typer.Argument(metavar="RUN", help="The same.")],
    only: Annotated[
        Optional[str], typer.Option(metavar="identity|tuning|place", show_default="all", help="One group alone.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show where two runs differ. Exit code 0: nowhere that counts (place never does); 1: somewhere; 2: trouble."""
    from efnas.cli.run_names import run_folder
    from efnas.cli.screen.console import console, print_json, print_next
    from efnas.runs.manifest import GROUPS, differences

    if only:
        require_choice("--only", only, GROUPS)
    left, right = run_folder(left), run_folder(right)
    found = [each for each in differences(_manifest(left), _manifest(right)) if only in (None, each.group)]
    if as_json:
        print_json({"differences": [each._asdict() for each in found]})
    elif found:
        console().print(difference_table(found, str(left), str(right)))
        runs = [each for each in (left, right) if each.suffix not in CONFIGURATIONS]
        print_next(f"efnas manifest show {runs[0]}" if runs else f"efnas train --config {right}")
    else:
        print("No differences.")
    if any(each.counts for each in found):
        raise typer.Exit(1)


def difference_table(found, left: str, right: str):
    from efnas.cli.screen.console import table

    def text(value) -> str:
        shown = "-" if value is None else str(value)
        return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"

    rows, group = [], None
    for each in found:
        rows.append((MEANINGS[each.group] if each.group != group else "", each.key, text(each.left), text(each.right)))
        group = each.group
    return table("Differences", ["what it means", "key", left, right], rows)


def _manifest(path: Path) -> dict:
    from efnas.config import load_config
    from efnas.runs.manifest import manifest_of_config, read_manifest

    if not path.exists():
        raise EfnasError(f"There is no {path}: give a run folder, a manifest file or a configuration.")
    if path.suffix in CONFIGURATIONS:
        return manifest_of_config(load_config(path))
    return read_manifest(path)
