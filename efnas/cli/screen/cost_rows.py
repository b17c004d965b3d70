"""Rows of a sweep's table on the screen."""

from pathlib import Path
from typing import List, Sequence

from efnas.core.space import ArchCode


def rows_table(title: str, rows: List[dict], labels: Sequence[str] = ()):
    """A table of rows, each with a label before it where there are some."""
    from efnas.cli.screen.console import table

    cells = [_cells(row) for row in rows]
    if labels:
        cells = [{"": label, **row} for label, row in zip(labels, cells)]
    columns = [name for name in cells[0] if any(row[name] for row in cells)] if cells else ["arch", ">ms"]
    return table(title, columns, [[row[name] for name in columns] for row in cells], less=(">FPS", "known"))


def _cells(row: dict) -> dict:
    known = row["latency_ms"] is not None
    return {
        "arch": row["arch"].replace(",", ""),
        ">ms": f"{row['latency_ms']:.3f}" if known else "-",
        ">FPS": f"{row['fps']:.2f}" if known else "-",
        ">SRAM KiB": f"{row['sram_kib']:,.1f}" if known else "-",
        "fits": {None: "-", True: "[green]yes[/]", False: "[yellow]no[/]"}[row["fits"]],
        ">MMACs": f"{row['macs'] / 1e6:,.0f}",
        ">params": f"{row['params']:,}",
        ">flash KiB": f"{row['flash_kib']:,.0f}" if known else "-",
        "known": row["known"],
        ">EPE": "" if row["epe"] is None else f"{row['epe']:.4f}",
    }


def table_row(path: Path, arch: ArchCode) -> dict:
    """The row of a subnet in the table at a path."""
    from efnas.cost.table import read_table

    return read_table(path).row(arch)
