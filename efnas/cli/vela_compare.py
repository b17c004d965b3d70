"""`efnas vela-compare`: what subnets cost on a board, against the bilinear baseline."""

from pathlib import Path
from typing import List, Optional

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
    SweepTable,
    Width,
    require_choice,
)
from efnas.cli.screen.cost_rows import rows_table, table_row
from efnas.errors import CheckFailed


def vela_compare(
    archs: Annotated[List[str], typer.Option("--arch", metavar="CODE|best", help="A subnet; may be repeated.")],
    checkpoint: cost.Checkpoint = None,
    skip_checkpoint: cost.SkipCheckpoint = False,
    form: Form = "accumulated",
    optimise: Annotated[str, typer.Option(metavar="Size|Performance", help="What Vela optimises.")] = "Size",
    arena: cost.Arena = None,
    max_sram_difference: Annotated[float, typer.Option(help="Accept at most so many MB above the baseline.")] = 0.30,
    max_inference_ratio: Annotated[float, typer.Option(help="Accept at most so many times its latency.")] = 1.30,
    plot: Annotated[
        Optional[Path],
        typer.Option(metavar="FILE.png", show_default=False, help="Draw the SRAM over time and the latency per block."),
    ] = None,
    summary: Annotated[Path, typer.Option(metavar="FILE", help="Where to write everything as JSON.")] = Path(
        "compare_summary.json"
    ),
    keep: Annotated[
        Optional[Path], typer.Option(metavar="DIR", show_default=False, help="Keep the files, exported and compiled.")
    ] = None,
    sweep_table: SweepTable = None,
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
    """Export subnets and the baseline, compile them with Arm's Vela side by side, and compare.

    Vela's milliseconds are estimates, and differ between its versions; the version is part of the result.
    """
    from efnas.cli.screen.console import print_json, progress_bar
    from efnas.cost.compare import Limits, compare
    from efnas.export.host import FORMS
    from efnas.figures import require_picture
    from efnas.files import require_folder_of, write_json
    from efnas.vela.compiler import OPTIMISE, Settings

    require_choice("--optimise", optimise, OPTIMISE)
    require_choice("--form", form, FORMS)
    require_folder_of(summary)
    if plot:
        require_picture(plot)
    cost.require_keep(keep)
    cache = cost.open_cache(no_cache)
    size = (height, width, base_width)
    run = (config, experiment_name, output_root, assignments)
    files = cost.network_files(cache, checkpoint, skip_checkpoint, seed, size, run)
    codes = [files.arch(text) for text in archs]
    swept = [table_row(sweep_table, code) for code in codes] if sweep_table else []
    board = cost.board(profile, vela_config, system_config, memory_mode, accelerator_config)
    compiler = cost.open_vela(vela, board, cache, legacy_core)
    limits = Limits(max_sram_difference, max_inference_ratio)
    settings = Settings(optimise, arena, legacy_core)
    with progress_bar("Compiling", "networks") as progress:
        result = compare(codes, files, compiler, settings, form, limits, keep, progress)
    content = {**result.as_dict(), **({"sweep": swept} if swept else {})}
    write_json(summary, content)
    if plot:
        from efnas.cost.pictures import draw_comparison

        draw_comparison(result, plot)
    if as_json:
        print_json(content)
    else:
        _show(content, summary, plot)
    reasons = [f"{subnet.name}: {'; '.join(subnet.failed)}" for subnet in result.subnets if subnet.failed]
    if reasons:
        raise CheckFailed("Not accepted: " + ". ".join(reasons) + ".")


def _show(content: dict, summary: Path, plot: Optional[Path]) -> None:
    from efnas.cli.screen.console import console, print_next, table
    from efnas.cost.compare import BASELINE

    vela, limit, screen = content["vela"], content["arena_limit_kib"], console()
    networks = [(BASELINE, content["baseline"])] + [(each["arch"], each) for each in content["subnets"]]
    fits = {None: "-", True: "[green]yes[/]", False: "[yellow]no[/]"}
    arena = f", arena {vela['arena']:,} bytes" if vela["arena"] else ""
    title = f"{content['profile']}, Vela {vela['version']}, {vela['optimise']}{arena}, {content['form']} (estimates)"
    columns = ["network", ">SRAM MB", ">ms", ">FPS", ">MACs", ">NPU", ">CPU", ">flash KiB", "fits"]
    rows = [
        (name, f"{one['sram_mb']:.6f}", f"{one['inference_ms']:.4f}", f"{one['fps']:.3f}", f"{one['macs']:,}",
         one["npu_ops"], one["cpu_ops"], f"{one['flash_kib']:,.0f}", fits[one["fits_arena"]])
        for name, one in networks
    ]  # fmt: skip
    screen.print(table(title, columns, rows, less=(">FPS", ">NPU", ">CPU")))
    columns = ["against the baseline", ">SRAM MB", ">ms", ">ratio", ">MACs", ">flash KiB", "SRAM peak at", "accepted"]
    rows = [
        (one["arch"], f"{one['diff']['sram_mb']:+.6f}", f"{one['diff']['inference_ms']:+.4f}",
         f"{one['ratio']['inference_ms']:.4f}", f"{one['diff']['macs']:+,}", f"{round(one['diff']['flash_kib']):+,}",
         one["peak_stage"], "[red]no[/]" if one["failed"] else "[green]yes[/]")
        for one in content["subnets"]
    ]  # fmt: skip
    screen.print(table("", columns, rows, less=(">MACs", ">flash KiB")))
    rows = [
        (name if number == 0 else "", each["stage"], f"{each['ms']:.2f}", each["name"])
        for name, one in networks
        for number, each in enumerate(one["most_expensive"])
    ]
    screen.print(table("Most expensive operators", ["network", "block", ">ms", "operator"], rows))
    if "sweep" in content:
        screen.print(rows_table("In the table of the sweep", content["sweep"]))
    if networks[1][1]["weights"] != networks[0][1]["weights"]:
        screen.print("The baseline's weights are random; how well weights compress shows in the latency.")
    if limit:
        screen.print(f"fits: within the {limit:,.0f} KiB of SRAM that the board has for it.")
    screen.print(f"Written: {summary}" + (f"\nPicture: {plot}" if plot else ""))
    if not all(one["fits_arena"] for _, one in networks) and limit:
        print_next(f"efnas fit --arch {content['subnets'][0]['arch']}{cost.given_again()}")
    else:
        print_next(f"efnas sweep --form {content['form']}")
