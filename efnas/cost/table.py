"""The table of a sweep: a row a subnet as CSV, and beside it, as JSON, where it comes from and its proof."""

import csv
import hashlib
import io
import json
from pathlib import Path
from typing import Dict, List, NamedTuple

from efnas.core.space import FLOW_SPACE, ArchCode, SearchSpace
from efnas.cost.pareto import front_by
from efnas.errors import EfnasError
from efnas.files import write_json, write_whole

TABLE, ABOUT, FRONT = "table.csv", "table.json", "front.csv"
COMPILED, DERIVED, FAILED = "compiled", "derived", "failed"
FIGURES = {"latency_ms": float, "fps": float, "sram_kib": float, "macs": int, "params": int, "flash_kib": float,
           "latency_error_ms": float, "sram_error_kib": float, "epe": float}  # fmt: skip
COLUMNS = ("latency_ms", "fps", "sram_kib", "fits", "macs", "params", "flash_kib", "known", "latency_error_ms",
           "sram_error_kib", "epe")  # fmt: skip
ERRORS = {"latency_ms": "latency_error_ms", "sram_kib": "sram_error_kib"}
Row = Dict[str, object]


class CostTable(NamedTuple):
    """`rows` in the order of the codes; `about` holds versions, settings and the proof."""

    rows: List[Row]
    about: dict

    def row(self, arch: ArchCode) -> Row:
        return next(row for row in self.rows if row["arch"] == str(arch))


def write_table(folder: Path, table: CostTable) -> None:
    """Write the table, what it is, and the front of latency and EPE where EPEs are known."""
    content = _csv(table.rows)
    write_whole(folder / TABLE, content)
    write_json(folder / ABOUT, {**table.about, "table_sha256": hashlib.sha256(content.encode()).hexdigest()})
    best = front(table.rows)
    if best:
        write_whole(folder / FRONT, _csv(best))


def _csv(rows: List[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _written(value) for name, value in row.items()})
    return text.getvalue()


def _written(value):
    if isinstance(value, bool):
        return "yes" if value else "no"
    return round(value, 6) if isinstance(value, float) else value


def read_table(path: Path, space: SearchSpace = FLOW_SPACE) -> CostTable:
    """The table at a path, or in a folder. Raises EfnasError for one that is missing, damaged or of another space."""
    path = path / TABLE if path.is_dir() else path
    beside = path.with_name(ABOUT)
    try:
        content = path.read_bytes().decode()
        about = json.loads(beside.read_text())
    except (OSError, UnicodeDecodeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is damaged"
        raise EfnasError(f"Cannot read the table {path} and {beside.name} beside it: {reason}.") from error
    named = about.get("space") if isinstance(about, dict) else None
    if named != [space.name, space.version]:
        raise EfnasError(f"{path} is a table of another search space ({named}), not of {space.name} {space.version}.")
    if hashlib.sha256(content.encode()).hexdigest() != about.get("table_sha256"):
        raise EfnasError(f"{path} is not the table that {beside.name} describes: it was changed or cut.")
    return CostTable([_read(row) for row in csv.DictReader(io.StringIO(content))], about)


def _read(row: Dict[str, str]) -> Row:
    typed: Row = dict(row)
    for name, kind in FIGURES.items():
        typed[name] = kind(row[name]) if row[name] else None
    typed["fits"] = {"yes": True, "no": False}.get(row["fits"])
    return typed


def query(
    table: CostTable, at_most: Dict[str, float], at_least: Dict[str, float], fits: bool, sort: str, descending: bool
) -> List[Row]:
    """The rows within limits by column, sorted by one. Bounds of derived figures count: a limit is kept for sure."""

    def kept(row: Row) -> bool:
        if row["known"] == FAILED or fits and not row["fits"]:
            return False
        if any(row[name] is None for name in (sort, *at_most, *at_least)):
            return False
        most = all(row[name] + row.get(ERRORS.get(name), 0.0) <= limit for name, limit in at_most.items())
        return most and all(row[name] >= limit for name, limit in at_least.items())

    if sort not in table.rows[0]:
        raise EfnasError(f"The table has no column '{sort}'; it has {', '.join(table.rows[0])}.")
    return sorted(filter(kept, table.rows), key=lambda row: row[sort], reverse=descending)


def front(rows: List[Row]) -> List[Row]:
    """Those with an EPE than which no other is both as fast and as accurate, the fastest first."""
    known = [row for row in rows if row["epe"] is not None and row["latency_ms"] is not None]
    return front_by(lambda row: (row["latency_ms"], row["epe"]), known)
