"""`efnas vela-compare`: what subnets cost on a board, against the bilinear baseline."""

from pathlib import Path
from typing import List, Optional

import typer
from typing_extensions import Annotated

from efnas.cli.options import BaseWidth, Height, Json, Width
from efnas.core.space import FLOW_SPACE
from efnas.errors import CheckFailed, EfnasError


def vela_compare(
    archs: Annotated[List[str], typer.Option("--arch", metavar="CODE", help="A subnet; may be repeated.")],
    profile: Annotated[str, typer.Option(metavar="NAME", help="Board profile.")] = "grove-vision-ai-v2",
    optimise: Annotated[str, typer.Option(metavar="Size|Performance", help="What Vela optimises.")] = "Size",
    vela: Annotated[Optional[str], typer.Option(metavar="PATH", show_default=False, help="The compiler.")] = None,
    max_sram_difference: Annotated[float, typer.Option(help="Accept at most so many MB above the baseline.")] = 0.30,
    max_inference_ratio: Annotated[float, typer.Option(help="Accept at most so many times its latency.")] = 1.30,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random weights.")] = 0,
    height: Height = 180,
    width: Width = 240,
    base_width: BaseWidth = 32,
    keep: Annotated[
        Optional[Path], typer.Option(metavar="DIR", show_default=False, help="Keep the exported files here.")
    ] = None,
    summary: Annotated[
        Optional[Path], typer.Option(metavar="FILE", show_default=False, help="Write everything as JSON.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Export subnets and the baseline with random weights, compile them with Arm's Vela, and compare.

    Vela's milliseconds are estimates, and differ between its versions; the version is part of the result.
    """
    from efnas.cli.console import console, print_json, quiet_tensorflow, table
    from efnas.deploy.vela import find_vela, load_profile

    codes = [FLOW_SPACE.parse(text) for text in archs]
    if optimise not in ("Size", "Performance"):
        raise EfnasError(f"--optimise is Size or Performance, not '{optimise}'.")
    if summary and not summary.parent.is_dir():
        raise EfnasError(f"There is no folder {summary.parent} to write {summary.name} to.")
    if keep and keep.exists() and not keep.is_dir():
        raise EfnasError(f"--keep takes a folder; {keep} is a file.")
    board = load_profile(profile)
    find_vela(vela)
    quiet_tensorflow()
    from efnas.deploy.compare import Limits, compare
    from efnas.training.history import write_json

    limits = Limits(max_sram_difference, max_inference_ratio)
    result = compare(codes, board, optimise, limits, vela, seed, height, width, base_width, keep)
    content = result.as_dict()
    if summary:
        write_json(summary, content)
    if as_json:
        print_json(content)
    else:
        rows = [_row("bilinear baseline", content["baseline"], None)]
        rows += [_row(subnet["arch"], subnet, subnet) for subnet in content["subnets"]]
        version = content["vela"]["version"]
        columns = [
            "network",
            ">SRAM MB",
            ">ms",
            ">ratio",
            ">FPS",
            ">MACs",
            ">NPU",
            ">CPU",
            ">flash KiB",
            "fits",
            "accepted",
        ]
        console().print(table(f"{profile}, Vela {version}, {optimise} (estimates)", columns, rows))
        for name, figures in [("bilinear baseline", content["baseline"])] + [
            (s["arch"], s) for s in content["subnets"]
        ]:
            console().print(f"{name}: SRAM peak at {figures['peak']}; most expensive:")
            for operator in figures["most_expensive"]:
                console().print(f"  {operator['ms']:6.1f} ms  {operator['stage']:<6} {operator['name']}")
    reasons = [f"{subnet.arch}: {'; '.join(subnet.failed)}" for subnet in result.subnets if subnet.failed]
    if reasons:
        raise CheckFailed("Not accepted: " + ". ".join(reasons) + ".")


def _row(name: str, figures: dict, subnet: Optional[dict]) -> tuple:
    fits = {None: "-", True: "[green]yes[/]", False: "[yellow]no[/]"}[figures["fits_arena"]]
    ratio = f"{subnet['ratio']['inference_ms']:.3f}" if subnet else "1"
    accepted = "" if subnet is None else "[green]yes[/]" if subnet["accepted"] else "[red]no[/]"
    return (
        name, f"{figures['sram_mb']:.6f}", f"{figures['inference_ms']:.4f}", ratio, f"{figures['fps']:.3f}",
        f"{figures['macs']:,}", figures["npu_ops"], figures["cpu_ops"], f"{figures['flash_kib']:,.0f}", fits, accepted,
    )  # fmt: skip
