"""Tables that several commands show."""

from typing import Dict, Iterable, List, Optional, Sequence

from efnas.cli.screen.console import Marked, console, table
from efnas.core.space import ArchCode

MEANINGS = {"identity": "identity: another run", "tuning": "tuning: shown", "place": "place: of no account"}
WORSE = ">worse by (95 %)"
LONGEST = 40  # characters of a value
FITS = {None: "-", True: Marked("[green]yes[/]"), False: Marked("[yellow]no[/]")}


def ranking_table(title: str, errors, baseline: Optional[ArchCode]):
    """Subnets by their error (`SubnetErrors`), with the baseline, if there is one beside others, marked and predicting
    zero as the line to beat."""
    rows = []
    for arch in errors.ranking():
        place, note = errors.places[arch], "bilinear baseline" if arch == baseline else ""
        of_zero = f"{errors.epe[arch] / errors.zero_epe:.3f}"
        rows.append((place.rank, arch, f"{errors.epe[arch]:.4f}", of_zero, str(place.worse_by), note))
    rows.append(("", "predicting zero", f"{errors.zero_epe:.4f}", "1.000", "", ""))
    columns = [">rank", "arch", ">EPE px", ">of zero flow", WORSE, ""]
    return table(f"{title} ({errors.samples} pairs)", columns, rows, less=(">of zero flow",))


def difference_table(found: Iterable, left: str, right: str):
    """Where two manifests differ (`Difference`), grouped by what that means."""

    def text(value) -> str:
        shown = "-" if value is None else str(value)
        return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"

    rows, group = [], None
    for each in found:
        rows.append((MEANINGS[each.group] if each.group != group else "", each.key, text(each.left), text(each.right)))
        group = each.group
    return table("Differences", ["what it means", "key", left, right], rows)


def cost_rows_table(title: str, rows: List, labels: Sequence[str] = (), more: Sequence[Dict[str, str]] = ()):
    """Rows of a sweep's table (`Row`), each with a label before it where there are some, and what `more` says of it."""
    cells = [{**_cells(row), **beside} for row, beside in zip(rows, more or [{}] * len(rows))]
    if labels:
        cells = [{"": label, **row} for label, row in zip(labels, cells)]
    columns = [name for name in cells[0] if any(row[name] for row in cells)] if cells else ["arch", ">ms"]
    return table(title, columns, [[row[name] for name in columns] for row in cells], less=(">FPS", "known"))


def _cells(row) -> dict:
    known = row.latency_ms is not None
    return {
        "arch": row.arch.replace(",", ""),
        ">ms": f"{row.latency_ms:.3f}" if known else "-",
        ">FPS": f"{row.fps:.2f}" if known else "-",
        ">SRAM KiB": f"{row.sram_kib:,.1f}" if known else "-",
        "fits": FITS[row.fits],
        ">MMACs": f"{row.macs / 1e6:,.0f}",
        ">params": f"{row.params:,}",
        ">flash KiB": f"{row.flash_kib:,.0f}" if known else "-",
        "known": row.known,
        ">EPE": "" if row.epe is None else f"{row.epe:.4f}",
    }


def show_told(written) -> None:
    """What a finding says (`search.told.Written`), and where it was written."""
    for each in written.tables:
        console().print(table(*each))
    for sentence in written.verdicts:
        print(sentence)
    print(f"Written: {', '.join(map(str, written.files))}")
