"""`efnas sweep query`: which subnets of a sweep meet a budget."""

from pathlib import Path
from typing import Optional

import typer
from typing_extensions import Annotated

from efnas.cli.grouping import grouped
from efnas.cli.options import DEFAULT_NETWORK, Output, limit

# What a reader wants most of comes first: small costs, but many parameters and frames.
MORE_IS_BETTER = ("fps", "macs", "params")


@grouped
def query(
    table: Annotated[Path, typer.Argument(metavar="TABLE", help="A table.csv of a sweep, or its folder.")],
    max_ms: limit("Latency at most.") = None,
    min_fps: limit("Frames a second at least.") = None,
    max_sram_kib: limit("SRAM at most.") = None,
    max_flash_kib: limit("Flash at most.") = None,
    max_macs: limit("MACs at most.") = None,
    max_params: limit("Parameters at most.") = None,
    max_epe: limit("EPE at most, in pixels.") = None,
    fits: Annotated[bool, typer.Option("--fits", help="Only those that fit the board's SRAM.")] = False,
    arch: Annotated[Optional[str], typer.Option(metavar="CODE", show_default=False, help="Only this subnet.")] = None,
    sort: Annotated[
        str, typer.Option(metavar="COLUMN", help="Best first: the least; of fps, macs, params the most.")
    ] = "latency_ms",
    reverse: Annotated[bool, typer.Option("--reverse", help="Worst first.")] = False,
    top: Annotated[int, typer.Option(min=1, help="How many rows.")] = 20,
    output: Output = Output(),
) -> None:
    """The subnets of a sweep that meet a budget. A derived figure meets a limit with its error bound added."""
    from efnas.cli.screen.console import console, print_json, print_next
    from efnas.cli.screen.tables import cost_rows_table
    from efnas.cost.table import read_table, select_rows

    known = read_table(table)
    at_most = {"latency_ms": max_ms, "sram_kib": max_sram_kib, "flash_kib": max_flash_kib, "macs": max_macs,
               "params": max_params, "epe": max_epe}  # fmt: skip
    at_most = {name: limit for name, limit in at_most.items() if limit is not None}
    rows = select_rows(known, at_most, min_fps, fits, sort, (sort in MORE_IS_BETTER) != reverse)
    if arch:
        code = known.space.parse(arch)
        rows = [row for row in rows if row.arch == str(code)]
    if output.as_json:
        print_json({"title": known.title, "found": len(rows), "rows": [row.as_dict() for row in rows[:top]]})
        return
    title = f"{len(rows):,} of {len(known.rows):,} subnets, {known.title} (estimates)"
    console().print(cost_rows_table(title, rows[:top]))
    if rows:
        name = known.space.name
        words = "" if name == DEFAULT_NETWORK else f" --network {name}"
        print_next(f"efnas codec show {rows[0].arch.replace(',', '')} --table {table}{words}")
    else:
        console().print("No subnet meets these limits.")
