"""`efnas vela-compare`: what subnets cost on a board, against the bilinear baseline."""

from pathlib import Path
from typing import List, Optional

import typer
from typing_extensions import Annotated

from efnas.cli.grouping import grouped
from efnas.cli.options import (
    Arena,
    CostOptions,
    Form,
    Optimise,
    Output,
    SkipCheckpoint,
    SweepTable,
    TrainedWeights,
    VelaProgram,
    require_choice,
    require_folder,
    same_network,
)
from efnas.cli.packaged import PretrainedName, files_of_package, form_of_package, require_arch


@grouped
def vela_compare(
    archs: Annotated[
        Optional[List[str]],
        typer.Option("--arch", metavar="CODE|best", show_default=False, help="A subnet; may be repeated."),
    ] = None,
    checkpoint: TrainedWeights = None,
    skip_checkpoint: SkipCheckpoint = False,
    pretrained: PretrainedName = None,
    form: Form = "accumulated",
    optimise: Optimise = "Size",
    arena: Arena = None,
    max_sram_difference: Annotated[float, typer.Option(help="Accept at most so many MB above the baseline.")] = 0.30,
    max_inference_ratio: Annotated[float, typer.Option(help="Accept at most so many times its latency.")] = 1.30,
    plot: Annotated[
        Optional[Path],
        typer.Option(metavar="FILE.png", show_default=False, help="Draw the SRAM over time and the latency per block."),
    ] = None,
    by_block: Annotated[bool, typer.Option("--by-block", help="Show what the milliseconds of each block are.")] = False,
    summary: Annotated[Path, typer.Option(metavar="FILE", help="Where to write everything as JSON.")] = Path(
        "compare_summary.json"
    ),
    keep: Annotated[
        Optional[Path], typer.Option(metavar="DIR", show_default=False, help="Keep the files, exported and compiled.")
    ] = None,
    sweep_table: SweepTable = None,
    vela: VelaProgram = None,
    cost: CostOptions = CostOptions(),
    output: Output = Output(),
) -> None:
    """Export subnets and the baseline, compile them with Arm's Vela side by side, and compare.

    Vela's milliseconds are estimates, and differ between its versions; the version is part of the result.
    """
    from efnas.cli.screen.console import print_json
    from efnas.cli.screen.progress import progress_bar
    from efnas.cost.compare import Limits, compare
    from efnas.cost.table import read_table
    from efnas.export.host import FORMS
    from efnas.figures import require_picture
    from efnas.files import require_folder_of, write_json
    from efnas.vela.compiler import OPTIMISE, Settings

    require_arch(archs, pretrained)
    require_choice("--optimise", optimise, OPTIMISE)
    form = form_of_package(pretrained, form)
    require_choice("--form", form, FORMS)
    require_folder_of(summary)
    if plot:
        require_picture(plot)
    require_folder("--keep", keep)
    files = files_of_package(pretrained, cost, form) if pretrained else cost.files(checkpoint, skip_checkpoint)
    codes = [files.arch(text) for text in archs or ["best"]]
    swept = sweep_table and read_table(sweep_table, files.supernet.space)
    files = files.begun(codes, form)
    compiler = cost.compiler(vela)
    limits = Limits(max_sram_difference, max_inference_ratio)
    settings = Settings(optimise, arena, cost.legacy_core)
    with progress_bar("Compiling", "networks") as progress:
        result = compare(codes, files, compiler, settings, form, limits, keep, progress)
    rows = [swept.row(code) for code in codes] if swept else []
    content = {**result.as_dict(), **({"sweep": [row.as_dict() for row in rows]} if rows else {})}
    content.update({"pretrained": pretrained} if pretrained else {})
    write_json(summary, content)
    if plot:
        from efnas.cost.pictures import draw_comparison

        draw_comparison(result, plot)
    if output.as_json:
        print_json(content)
    else:
        _show(content, rows, summary, plot, by_block)
    result.require_accepted()


def _show(content: dict, swept: list, summary: Path, plot: Optional[Path], by_block: bool) -> None:
    from efnas.cli.screen.console import Marked, console, print_next, table
    from efnas.cli.screen.tables import FITS, cost_rows_table
    from efnas.cost.compare import BASELINE

    vela, limit, screen = content["vela"], content["arena_limit_kib"], console()
    networks = [(BASELINE, content["baseline"])] + [(each["arch"], each) for each in content["subnets"]]
    arena = f", arena {vela['arena']:,} bytes" if vela["arena"] else ""
    title = f"{content['profile']}, Vela {vela['version']}, {vela['optimise']}{arena}, {content['form']} (estimates)"
    columns = ["network", ">SRAM MB", ">ms", ">FPS", ">MACs", ">NPU", ">CPU", ">flash KiB", "fits"]
    rows = [
        (name, f"{one['sram_mb']:.6f}", f"{one['inference_ms']:.4f}", f"{one['fps']:.3f}", f"{one['macs']:,}",
         one["npu_ops"], one["cpu_ops"], f"{one['flash_kib']:,.0f}", FITS[one["fits_arena"]])
        for name, one in networks
    ]  # fmt: skip
    screen.print(table(title, columns, rows, less=(">FPS", ">NPU", ">CPU")))
    columns = ["against the baseline", ">SRAM MB", ">ms", ">ratio", ">MACs", ">flash KiB", "SRAM peak at", "accepted"]
    rows = [
        (one["arch"], f"{one['diff']['sram_mb']:+.6f}", f"{one['diff']['inference_ms']:+.4f}",
         f"{one['ratio']['inference_ms']:.4f}", f"{one['diff']['macs']:+,}", f"{round(one['diff']['flash_kib']):+,}",
         one["peak_stage"], Marked("[red]no[/]" if one["failed"] else "[green]yes[/]"))
        for one in content["subnets"]
    ]  # fmt: skip
    screen.print(table("", columns, rows, less=(">MACs", ">flash KiB")))
    rows = [
        (name if number == 0 else "", each["stage"], f"{each['ms']:.2f}", each["name"])
        for name, one in networks
        for number, each in enumerate(one["most_expensive"])
    ]
    screen.print(table("Most expensive operators", ["network", "block", ">ms", "operator"], rows))
    for name, one in networks if by_block else ():
        screen.print(table(f"{name}, block by block", *_parts(one["by_block"])))
    if swept:
        screen.print(cost_rows_table("In the table of the sweep", swept))
    if networks[1][1]["weights"] != networks[0][1]["weights"]:
        screen.print("The baseline's weights are random; how well weights compress shows in the latency.")
    if limit:
        screen.print(f"fits: within the {limit:,.0f} KiB of SRAM that the board has for it.")
    screen.print(f"Written: {summary}" + (f"\nPicture: {plot}" if plot else ""))
    if "pretrained" in content:
        print_next(f"efnas package --pretrained {content['pretrained']} --form {content['form']} --out FOLDER")
    elif not all(one["fits_arena"] for _, one in networks) and limit:
        print_next(f"efnas fit --arch {content['subnets'][0]['arch']}{same_network()}")
    else:
        print_next(f"efnas sweep --form {content['form']}")


def _parts(stages: List[dict]) -> tuple:
    """The columns and the rows of what the milliseconds of each stage are."""
    columns = ["block", ">ms", ">share", ">NPU ms", ">SRAM ms", ">weights ms", ">MMACs", ">NPU used"]
    total = sum(each["ms"] for each in stages)
    return columns, [
        (each["stage"], f"{each['ms']:.2f}", f"{each['ms'] / total:.1%}", f"{each['npu_ms']:.2f}",
         f"{each['sram_ms']:.2f}", f"{each['weights_ms']:.2f}", f"{each['macs'] / 1e6:,.1f}", f"{each['used']:.0%}")
        for each in stages
    ]  # fmt: skip
