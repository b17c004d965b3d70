"""`efnas data`: check a data set, pack it, or write a synthetic one."""

from pathlib import Path
from typing import Optional

import typer
from typing_extensions import Annotated

from efnas.cli.grouping import grouped
from efnas.cli.options import Output
from efnas.errors import CheckFailed

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Check, pack or make a data set.")


@app.command()
@grouped
def check(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A folder of pairs, of train/ and val/, or packed.")],
    index_list: Annotated[
        Optional[Path],
        typer.Option(
            "--list", metavar="FILE", show_default=False, help="Check the samples this list names below PATH."
        ),
    ] = None,
    min_height: Annotated[int, typer.Option(min=1, help="Smallest height that is in order.")] = 1,
    min_width: Annotated[int, typer.Option(min=1, help="Smallest width that is in order.")] = 1,
    output: Output = Output(),
) -> None:
    """Go over every file: pairs complete, images whole, sizes equal, flow whole, finite and known.

    Of packed data every pair must be what was packed.
    """
    from efnas.cli.screen.console import console, print_json, print_next, table
    from efnas.cli.screen.progress import progress_bar
    from efnas.data.check import check_data

    with progress_bar("Checking", "pairs") as update:
        checked = check_data(path, index_list, min_height, min_width, update)
    problems = [problem for part in checked for problem in part.problems]
    if output.as_json:
        parts = [{"part": one.part, "pairs": one.pairs, "broken": len(one.problems)} for one in checked]
        print_json({"parts": parts, "problems": problems})
    else:
        rows = [(one.part, f"{one.pairs:,}", len(one.problems)) for one in checked]
        console().print(table("Data set", ["folder", ">pairs", ">problems"], rows))
        for problem in problems:
            console().print(f"  {problem}")
        if not problems and len(checked) > 1:
            print_next(f"efnas train --base-path {path}")
    if problems:
        raise CheckFailed(f"{len(problems)} problem{'s' if len(problems) > 1 else ''} in {path}.")


@app.command()
@grouped
def synth(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write; it must not exist.")],
    pairs: Annotated[int, typer.Option(min=1, help="Training pairs.")] = 400,
    val_pairs: Annotated[int, typer.Option(min=1, help="Validation pairs.")] = 48,
    seed: Annotated[int, typer.Option(min=0, help="The same seed writes the same pairs.")] = 1,
    height: Annotated[int, typer.Option(min=16, help="Image height in pixels.")] = 384,
    width: Annotated[int, typer.Option(min=16, help="Image width in pixels.")] = 512,
    motion: Annotated[float, typer.Option(min=0.01, help="Mean length of the flow in pixels.")] = 10.0,
    detail: Annotated[
        float, typer.Option(min=1.0, help="Shortest waves of the textures of cut-outs, in pixels.")
    ] = 1.5,
    structure: Annotated[
        float, typer.Option(min=1.0, help="Longest waves of the textures of cut-outs, in pixels.")
    ] = 150.0,
    shapes: Annotated[int, typer.Option(min=0, help="Most shapes before the background.")] = 12,
    textures: Annotated[
        Optional[Path],
        typer.Option(metavar="DIR", show_default=False, help="Take textures from the photos of a folder."),
    ] = None,
    natural: Annotated[
        bool, typer.Option("--natural", help="Scenes like those that a camera sees, in place of cut-outs.")
    ] = False,
    output: Output = Output(),
) -> None:
    """Write flying-chairs-like pairs with exact flow, as a FlyingChairs2 folder with train/ and val/."""
    from efnas.cli.screen.console import print_json, print_next
    from efnas.cli.screen.progress import progress_bar
    from efnas.config_synthetic import Natural
    from efnas.data.scene_style import SceneStyle
    from efnas.data.synthesis import write_dataset

    style = SceneStyle(height, width, motion, detail, structure, shapes, Natural() if natural else None)
    with progress_bar(f"Writing {out}", "pairs") as update:
        mean = write_dataset(out, pairs, val_pairs, seed, style, textures, update)
    if output.as_json:
        print_json({"folder": str(out), "train_pairs": pairs, "val_pairs": val_pairs, "mean_flow_px": mean})
        return
    print(
        f"Wrote {pairs} training and {val_pairs} validation pairs of {width}x{height} pixels to {out} "
        f"(mean flow {mean:.2f} px)."
    )
    print_next(f"efnas data check {out}")


@app.command()
@grouped
def pack(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="A data set with train/, val/ or index lists in it.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write; it must not exist.")],
    flow: Annotated[
        str, typer.Option(metavar="float32|float16", help="As it is, or rounded: 29 % less to read.")
    ] = "float32",
    train_list: Annotated[
        Optional[str],
        typer.Option(metavar="FILE", show_default=False, help="Index list in SRC, in place of its folder train/."),
    ] = None,
    val_list: Annotated[
        Optional[str],
        typer.Option(metavar="FILE", show_default=False, help="Index list in SRC, in place of its folder val/."),
    ] = None,
    back: Annotated[
        bool, typer.Option("--back", help="With the flow back (-flow_10.flo), for data.augmentation.time_reversal.")
    ] = False,
    output: Output = Output(),
) -> None:
    """Decode a data set once, into one file a set that training reads crops from, wherever they lie.

    data.base_path then names OUT. A run has the same bits with it as with SRC, and may change from one to the other.
    """
    from efnas.cli.screen.console import print_json, print_next
    from efnas.cli.screen.progress import progress_bar
    from efnas.cli.screen.tensorflow_messages import quiet_tensorflow

    quiet_tensorflow()
    from efnas.data.packing import write_packed

    with progress_bar(f"Packing into {out}", "pairs") as update:
        packed = write_packed(source, out, flow, train_list, val_list, back, update)
    if output.as_json:
        print_json({"folder": str(out), "flow": flow, "back": back, **packed._asdict()})
        return
    pairs = " and ".join(f"{count:,} {part}" for part, count in packed.pairs.items())
    rounded = f" (rounded by up to {packed.rounding_px:.4f} px)" if packed.rounding_px else ""
    print(f"Packed {pairs} pairs into {out}: {packed.bytes / 1e6:,.1f} MB, flow as {flow}{rounded}.")
    print_next(f"efnas data check {out}")
