"""`efnas checkpoint`: what a checkpoint holds, and whether it is whole."""

from pathlib import Path

import typer
from typing_extensions import Annotated

from efnas.cli.options import Json
from efnas.errors import EfnasError

app = typer.Typer(no_args_is_help=True)


@app.callback()
def checkpoint() -> None:
    """Look at checkpoints."""


@app.command()
def show(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A checkpoint (NAME.ckpt), or a run.")],
    as_json: Json = False,
) -> None:
    """Verify the seal of a checkpoint and show what it holds."""
    from efnas.cli.run_names import options_for, run_folder
    from efnas.cli.screen.console import console, print_json, print_next, table
    from efnas.runs.seal import SEAL, checkpoint_of, data_sha256, read_state

    path = run_folder(path)
    if path.is_dir():
        paths = sorted(file.with_name(file.name[: -len(SEAL)]) for file in path.glob(f"*.ckpt{SEAL}"))
        if not paths:
            raise EfnasError(f"There is no checkpoint in {path}.")
    else:
        paths = [checkpoint_of(path)]
    found = {str(each): {**read_state(each), "data_sha256": data_sha256(each)} for each in paths}
    if as_json:
        print_json(found)
        return
    for name, state in found.items():
        rows = [(key, value) for key, value in state.items() if not isinstance(value, (list, dict))]
        counts = [count for block in state.get("fairness_counts", []) for count in block]
        if counts:
            rows.append(("fairness_counts", f"every option {min(counts):,} to {max(counts):,} times"))
        rows += [(key, f"{length:,} bytes") for key, (length, _) in state.get("histories", {}).items()]
        console().print(table(f"{name}: whole", ["", ""], rows))
    print_next(f"efnas eval {options_for(paths[0].parent)} --checkpoint {paths[0]}")
