"""`efnas checkpoint`: what a checkpoint holds, and whether it is whole."""

from pathlib import Path

import typer
from typing_extensions import Annotated

from efnas.cli.grouping import grouped
from efnas.cli.options import Output

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def checkpoint() -> None:
    """Look at checkpoints."""


@app.command()
@grouped
def show(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A checkpoint (NAME.ckpt), or a run.")],
    output: Output = Output(),
) -> None:
    """Verify the seal of a checkpoint and show what it holds."""
    from efnas.cli.run_names import options_for, run_folder
    from efnas.cli.screen.console import console, print_json, print_next, table
    from efnas.runs.progress import RunProgress, histories_of
    from efnas.runs.seal import read_whole, sealed_checkpoints

    paths = sealed_checkpoints(run_folder(path))
    seals = {str(each): read_whole(each) for each in paths}
    found = {name: {**seal.state, "data_sha256": seal.data_sha256} for name, seal in seals.items()}
    counts = {name: RunProgress.of_state(seal.state).counts.counts for name, seal in seals.items()}
    histories = {name: histories_of(seal.state) for name, seal in seals.items()}
    if output.as_json:
        print_json(found)
        return
    for name, state in found.items():
        rows = [(key, value) for key, value in state.items() if not isinstance(value, (list, dict, type(None)))]
        if state.get("arch") is None:
            least, most = counts[name].min(), counts[name].max()
            rows.append(("fairness_counts", f"every option {least:,} to {most:,} times"))
        rows += [(key, f"{length:,} bytes") for key, (length, _) in histories[name].items()]
        console().print(table(f"{name}: whole", ["", ""], rows))
    print_next(f"efnas eval {options_for(paths[0].parent)} --checkpoint {paths[0]}")
