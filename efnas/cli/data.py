"""`efnas data`: check a data set, or write a synthetic one."""

from pathlib import Path
from typing import Optional

import typer
from typing_extensions import Annotated

from efnas.cli.options import Json
from efnas.errors import CheckFailed, EfnasError

app = typer.Typer(no_args_is_help=True, help="Check a data set, or write a synthetic one.")


@app.command()
def check(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A folder of pairs, or one with train/ and val/ in it.")],
    index_list: Annotated[
        Optional[Path],
        typer.Option(
            "--list", metavar="FILE", show_default=False, help="Check the samples this list names below PATH."
        ),
    ] = None,
    min_height: Annotated[int, typer.Option(min=1, help="Smallest height that is in order.")] = 1,
    min_width: Annotated[int, typer.Option(min=1, help="Smallest width that is in order.")] = 1,
    as_json: Json = False,
) -> None:
    """Go over every file: pairs complete, images decode, sizes equal, flow whole and finite."""
    from efnas.cli.screen.console import console, print_json, print_next, progress_bar, table
    from efnas.data.flying_chairs import check_samples, scan_folder
    from efnas.data.flying_chairs import index_list as read_list

    if not path.is_dir():
        raise EfnasError(f"There is no folder {path}.")
    parts = [path / name for name in ("train", "val") if (path / name).is_dir()] or [path]
    report, problems = [], []
    for part in [index_list] if index_list else parts:
        samples, found = (list(read_list(index_list, path).samples), []) if index_list else scan_folder(part)
        with progress_bar(f"Checking {part}", "pairs") as update:
            for done, problem in enumerate(check_samples(samples, min_height, min_width), start=1):
                if problem:
                    found.append(problem)
                update(done, len(samples))
        report.append({"part": str(part), "pairs": len(samples), "broken": len(found)})
        problems += found
    if as_json:
        print_json({"parts": report, "problems": problems})
    else:
        rows = [(entry["part"], f"{entry['pairs']:,}", entry["broken"]) for entry in report]
        console().print(table("Data set", ["folder", ">pairs", ">problems"], rows))
        for problem in problems:
            console().print(f"  {problem}", markup=False)
        if not problems and len(parts) > 1:
            print_next(f"efnas train --base-path {path}")
    if problems:
        raise CheckFailed(f"{len(problems)} problem{'s' if len(problems) > 1 else ''} in {path}.")


@app.command()
def synth(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write; it must not exist.")],
    pairs: Annotated[int, typer.Option(min=1, help="Training pairs.")] = 400,
    val_pairs: Annotated[int, typer.Option(min=1, help="Validation pairs.")] = 48,
    seed: Annotated[int, typer.Option(min=0, help="The same seed writes the same pairs.")] = 1,
    height: Annotated[int, typer.Option(min=16, help="Image height in pixels.")] = 384,
    width: Annotated[int, typer.Option(min=16, help="Image width in pixels.")] = 512,
    motion: Annotated[float, typer.Option(min=0.01, help="Mean length of the flow in pixels.")] = 10.0,
    detail: Annotated[float, typer.Option(min=1.0, help="Shortest waves of a texture in pixels.")] = 1.5,
    structure: Annotated[float, typer.Option(min=1.0, help="Longest waves of a texture in pixels.")] = 150.0,
    shapes: Annotated[int, typer.Option(min=0, help="Most shapes before the background.")] = 12,
    textures: Annotated[
        Optional[Path],
        typer.Option(metavar="DIR", show_default=False, help="Take textures from the photos of a folder."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write flying-chairs-like pairs with exact flow, as a FlyingChairs2 folder with train/ and val/."""
    from efnas.cli.screen.console import print_json, print_next, progress_bar
    from efnas.data.synthesis import SceneStyle, write_dataset

    style = SceneStyle(height, width, motion, detail, structure, shapes)
    with progress_bar(f"Writing {out}", "pairs") as update:
        mean = write_dataset(out, pairs, val_pairs, seed, style, textures, update)
    if as_json:
        print_json({"folder": str(out), "train_pairs": pairs, "val_pairs": val_pairs, "mean_flow_px": mean})
        return
    print(
        f"Wrote {pairs} training and {val_pairs} validation pairs of {width}x{height} pixels to {out} "
        f"(mean flow {mean:.2f} px)."
    )
    print_next(f"efnas data check {out}")
