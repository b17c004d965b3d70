"""The table of a sweep: a row a subnet as CSV, and beside it, as JSON, where it comes from and its proof."""

import csv
import hashlib
import io
import math
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Optional

from efnas.config import CROP, frames_told
from efnas.core.space import ArchCode, SearchSpace
from efnas.core.supernet import SUPERNETS
from efnas.cost.pareto import front_by
from efnas.errors import EfnasError, brief
from efnas.files import as_json, read_file, write_together
from efnas.strict_json import read_json

TABLE, ABOUT, FRONT = "table.csv", "table.json", "front.csv"
COMPILED, DERIVED, FAILED = "compiled", "derived", "failed"


class Row(NamedTuple):
    """What is known of a subnet, how it is known (`compiled`, `derived` or `failed`), and how far off derived figures
    may be. `options` are the labels by block, in the order of the space."""

    arch: str
    options: Dict[str, str]
    latency_ms: Optional[float]
    fps: Optional[float]
    sram_kib: Optional[float]
    fits: Optional[bool]
    macs: int
    params: int
    flash_kib: Optional[float]
    known: str
    latency_error_ms: Optional[float]
    sram_error_kib: Optional[float]
    flash_error_kib: Optional[float]
    epe: Optional[float]
    epe_low: Optional[float] = None
    epe_high: Optional[float] = None

    def at_most(self, name: str) -> Optional[float]:
        """A figure with its error on top: what it is at most."""
        value, error = getattr(self, name), {
            "latency_ms": self.latency_error_ms, "sram_kib": self.sram_error_kib, "flash_kib": self.flash_error_kib,
        }.get(name)  # fmt: skip
        return value if value is None or error is None else value + error

    @property
    def least_fps(self) -> Optional[float]:
        latency = self.at_most("latency_ms")
        return latency and 1000.0 / latency

    def as_dict(self) -> dict:
        """All columns of the table, in their order."""
        figures = self._asdict()
        return {"arch": figures.pop("arch"), **figures.pop("options"), **figures}


FIGURES: Dict[str, Callable] = {
    "latency_ms": float, "fps": float, "sram_kib": float, "macs": int, "params": int, "flash_kib": float,
    "latency_error_ms": float, "sram_error_kib": float, "flash_error_kib": float, "epe": float,
    "epe_low": float, "epe_high": float,
}  # fmt: skip
# What every row says, and what one says beside it whose subnet compiles.
COUNTED, MEASURED = ("macs", "params"), ("latency_ms", "fps", "sram_kib", "flash_kib")


class CostTable(NamedTuple):
    """`rows` in the order of the codes; `about` holds versions, settings and the proof, and the geometry of errors."""

    rows: List[Row]
    about: dict
    space: SearchSpace

    @property
    def title(self) -> str:
        """Board, compiler and form, and what is to be said of the errors."""
        return self.about["title"] + frames_told(self.about.get("geometry", CROP))

    def row(self, arch: ArchCode) -> Row:
        """Raises EfnasError for a subnet that the table leaves out."""
        found = next((row for row in self.rows if row.arch == str(arch)), None)
        if found is None:
            raise EfnasError(f"The table of {self.title} has no row of {arch}.")
        return found


def write_table(folder: Path, table: CostTable, pictures: Optional[Dict[str, bytes]] = None) -> None:
    """Write the table, what it is, the front of latency and EPE where EPEs are known, and pictures of it by name."""
    content = _csv(table.rows)
    digest = hashlib.sha256(content.encode()).hexdigest()
    files = {TABLE: content, ABOUT: as_json({**table.about, "table_sha256": digest}), **(pictures or {})}
    best = front(table.rows)
    if best:
        files[FRONT] = _csv(best)
    write_together({folder / name: each for name, each in files.items()})


def _csv(rows: List[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0].as_dict()), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _written(value) for name, value in row.as_dict().items()})
    return text.getvalue()


def _written(value):
    if isinstance(value, bool):
        return "yes" if value else "no"
    return round(value, 6) if isinstance(value, float) else value


def read_table(path: Path, space: Optional[SearchSpace] = None) -> CostTable:
    """The table at a path, or in a folder. Raises EfnasError for one that is missing, damaged or of another space than
    the given one, or than any there is."""
    path = path / TABLE if path.is_dir() else path
    beside = path.with_name(ABOUT)
    try:
        content = read_file(path).decode()
        about = read_json(read_file(beside).decode())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is damaged"
        raise EfnasError(f"Cannot read the table {path} and {beside.name} beside it: {reason}.") from error
    named = about.get("space") if isinstance(about, dict) else None
    if space is None and isinstance(named, list):
        space = next((each.space for name, each in SUPERNETS.items() if named[:1] == [name]), None)
    if space is None or named != [space.name, space.version]:
        wanted = f", not of {space.name} {space.version}" if space else ""
        raise EfnasError(f"{path} is a table of another search space ({brief(named)}){wanted}.")
    if hashlib.sha256(content.encode()).hexdigest() != about.get("table_sha256"):
        raise EfnasError(f"{path} is not the table that {beside.name} describes: it was changed or cut.")
    try:
        # Older tables say how far off the flash may be in their proof alone.
        flash_error = about["proofs"][-1]["largest_flash_error_kib"]
        blocks = [block.name for block in space.blocks]
        rows = [_read(row, blocks, flash_error) for row in csv.DictReader(io.StringIO(content), strict=True)]
        if not rows or not isinstance(about["title"], str):
            raise ValueError("nothing in it")
        for row in rows:
            space.parse(row.arch)
        return CostTable(rows, about, space)
    except (csv.Error, EfnasError, KeyError, IndexError, TypeError, ValueError) as error:
        raise EfnasError(f"Cannot read the table {path} and {beside.name} beside it: it is damaged.") from error


def _read(row: Dict[str, str], blocks: List[str], flash_error: float) -> Row:
    for name in ("epe_low", "epe_high"):  # which older tables lack
        row.setdefault(name, "")
    row.setdefault("flash_error_kib", {DERIVED: str(flash_error), COMPILED: "0.0"}.get(row["known"], ""))
    if None in row or None in row.values():  # what the reader of CSV makes of more or fewer fields than columns
        raise ValueError("a row is longer or shorter than the others")
    figures = {name: _figure(kind, row[name]) for name, kind in FIGURES.items()}
    needed = COUNTED if row["known"] == FAILED else COUNTED + MEASURED
    if row["known"] not in (COMPILED, DERIVED, FAILED) or any(figures[name] is None for name in needed):
        raise ValueError("a row says less than it must")
    fits = {"yes": True, "no": False, "": None}[row["fits"]]
    options = {name: row[name] for name in blocks}
    return Row(arch=row["arch"], options=options, fits=fits, known=row["known"], **figures)


def _figure(kind: Callable, text: str) -> Optional[float]:
    """None for an empty field; a cost or an error is finite, and not below nothing."""
    if not text:
        return None
    if not 0 <= float(text) < math.inf:
        raise ValueError("no figure")
    return kind(text)


def select_rows(
    table: CostTable, at_most: Dict[str, float], min_fps: Optional[float], fits: bool, sort: str, descending: bool
) -> List[Row]:
    """The rows within limits by column, sorted by one. Bounds of derived figures count: a limit is kept for sure."""

    def within(row: Row) -> bool:
        if row.known == FAILED or fits and not row.fits or row.as_dict()[sort] is None:
            return False
        bounds = [(row.at_most(name), limit) for name, limit in at_most.items()]
        if any(value is None or value > limit for value, limit in bounds):
            return False
        return min_fps is None or row.least_fps >= min_fps

    columns = list(table.rows[0].as_dict())
    if sort not in columns:
        raise EfnasError(f"The table has no column '{sort}'; it has {', '.join(columns)}.")
    if "epe" in (sort, *at_most) and all(row.epe is None for row in table.rows):
        raise EfnasError("The table knows the error of no subnet: efnas sweep --checkpoint adds those of a run.")
    return sorted(filter(within, table.rows), key=lambda row: row.as_dict()[sort], reverse=descending)


def front(rows: List[Row]) -> List[Row]:
    """Those with an EPE than which no other is both as fast and as accurate, the fastest first."""
    known = [row for row in rows if row.epe is not None and row.latency_ms is not None]
    return front_by(lambda row: (row.latency_ms, row.epe), known)
