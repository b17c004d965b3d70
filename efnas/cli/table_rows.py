"""Rows of a sweep's table on the screen."""

from pathlib import Path

from efnas.core.space import ArchCode

COLUMNS = ["arch", ">ms", ">FPS", ">SRAM KiB", "fits", ">million MACs", ">params", ">flash KiB", "known", ">EPE"]


def cells(row: dict) -> tuple:
    """The cells of a row under `COLUMNS`."""
    code = row["arch"].replace(",", "")
    fits = {None: "-", True: "[green]yes[/]", False: "[yellow]no[/]"}[row["fits"]]
    if row["latency_ms"] is None:
        return (
            row["arch"],
            "-",
            "-",
            "-",
            "-",
            f"{row['macs'] / 1e6:,.0f}",
            f"{row['params']:,}",
            "-",
            row["known"],
            "",
        )
    return (
        code, f"{row['latency_ms']:.3f}", f"{row['fps']:.2f}", f"{row['sram_kib']:,.1f}", fits,
        f"{row['macs'] / 1e6:,.0f}", f"{row['params']:,}", f"{row['flash_kib']:,.0f}", row["known"],
        "" if row["epe"] is None else f"{row['epe']:.4f}",
    )  # fmt: skip


def table_row(path: Path, arch: ArchCode) -> dict:
    """The row of a subnet in the table at a path."""
    from efnas.deploy.cost_table import read_table

    return read_table(path).row(arch)
