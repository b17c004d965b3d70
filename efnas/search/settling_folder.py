"""The errors of all subnets at each checkpoint that a run kept, and the files that say how their ranking settles."""

import csv
import io
from functools import partial
from pathlib import Path
from typing import Callable, List, Optional, Tuple

from efnas.config import CROP, Config, frames_told
from efnas.data.scenes import scenes_of
from efnas.errors import EfnasError
from efnas.files import as_json, write_together
from efnas.runs.run_files import checkpoint_path, kept_checkpoints
from efnas.runs.seal import Seal, read_whole
from efnas.runs.supernet import supernet_of
from efnas.search.agreement import Estimate
from efnas.search.pass_engines import Engine
from efnas.search.settling import Along, Settling, settling_of, settling_verdict
from efnas.search.settling_pictures import SETTLING_PICTURE, draw_settling
from efnas.search.told import Told, Written, as_markdown

# Tables by title; of each column its heading, the value of a checkpoint that it shows, and how.
AT = (("epoch", "epoch", ""), ("step", "step", ""))
TABLES = {
    "each checkpoint, and against the one before": (
        *AT, ("mean error, px", "mean", ".4f"), ("between subnets, px", "spread", ".4f"),
        ("Kendall's tau (95 %)", "tau", ".3f"), ("rho", "rho", ".3f"),
        ("tau, two recalibrations", "recalibrations", ".2f"),
    ),
    "against the last": (
        *AT, ("Kendall's tau", "tau_last", ".3f"), ("shared of its best 1 %", "best_shared", ".0%"),
        ("lost by taking the best, px", "lost_best", ".4f"), ("the best of ten, px", "lost_ten", ".4f"),
    ),
}  # fmt: skip


def checkpoints_along(config: Config) -> List[Tuple[Path, Seal]]:
    """Those that the run keeps, and its last one where that is of another step, oldest first.

    Raises EfnasError for one that is damaged or of another network, and for fewer than two.
    """
    last = checkpoint_path(config, "last").absolute()
    identity = supernet_of(config).identity(config.network.base_width)
    ending = read_whole(last, identity)
    kept = [(path, read_whole(path, identity)) for path in kept_checkpoints(last.parent)]
    # A run that went on from an older checkpoint may have left some that it has not come to again.
    found = [(path, seal) for path, seal in kept if seal.state["step"] <= ending.state["step"]]
    if not found or found[-1][1].state["step"] != ending.state["step"]:
        found.append((last, ending))
    if len(found) < 2:
        raise EfnasError(
            f"{last.parent} keeps no checkpoint before its last one: train with --set checkpoint.keep_every=N, every "
            "N epochs, to see how the ranking settles."
        )
    return found


def errors_along(
    config: Config,
    found: List[Tuple[Path, Seal]],
    folder: Path,
    pairs: Optional[int],
    overwrite: bool,
    progress: Callable[[int, int, str], None],
    engine: Engine,
) -> Tuple[List[Along], List[str]]:
    """The errors of all subnets at each checkpoint, below the folder by step, and the names of the pairs they are on.

    What is there already is not computed again. `progress` counts the subnets of all checkpoints.
    """
    from efnas.search.compute import compute_errors

    size, along, names = supernet_of(config).space.size, [], []
    for number, (path, seal) in enumerate(found):
        epoch, step = seal.state["epoch"], seal.state["step"]
        told = partial(_told, progress, number * size, len(found) * size, f"Errors at step {step}")
        table = compute_errors(config, str(path), folder / "settling" / str(step), pairs, overwrite, told, engine)
        along.append(Along(epoch, step, table.errors, table.about["second_recalibration"]["apart_by_px"]))
        names = table.pairs
    return along, names


def _told(progress: Callable[[int, int, str], None], before: int, total: int, what: str, done: int, _: int) -> None:
    progress(before + done, total, what)


def write_settling(folder: Path, along: List[Along], names: List[str], geometry: str = CROP) -> Written:
    """Work out how the ranking settles, by errors of this geometry, and write all files of it together."""
    settling = settling_of(along, scenes_of(names))
    moments = [{**each._asdict(), "tau": each.tau._asdict()} for each in settling.moments]
    verdict, tables = settling_verdict(settling), tables_of(settling, geometry)
    content = {"verdict": verdict, "geometry": geometry, **settling._asdict(), "moments": moments}
    files = {
        "settling.csv": _csv(settling),
        "settling.json": as_json(content),
        "settling.md": _page(settling, verdict, tables),
        SETTLING_PICTURE: draw_settling(settling),
    }
    paths = {folder / name: each for name, each in files.items()}
    write_together(paths)
    return Written(list(paths), content, tables, [verdict])


def tables_of(settling: Settling, geometry: str = CROP) -> List[Told]:
    """A row a checkpoint."""
    on = f"All {settling.subnets:,} subnets on {settling.pairs} pairs{frames_told(geometry)}"
    return [Told(f"{on}: {title}", tuple(f">{heading}" for heading, _, _ in columns),
                 [tuple(_text(getattr(each, name), how) for _, name, how in columns) for each in settling.moments])
            for title, columns in TABLES.items()]  # fmt: skip


def _text(value, how: str) -> str:
    return "" if value in (None, Estimate(None)) else format(value, how)


def _csv(settling: Settling) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    rows = [{**each._asdict(), "tau": each.tau.value, "tau_low": each.tau.low, "tau_high": each.tau.high}
            for each in settling.moments]  # fmt: skip
    writer.writerow(rows[0])
    writer.writerows(row.values() for row in rows)
    return text.getvalue()


def _page(settling: Settling, verdict: str, tables: List[Told]) -> str:
    lines = [
        "# How the ranking settles",
        "",
        f"All {settling.subnets:,} subnets at {len(settling.moments)} checkpoints, on {settling.pairs} pairs.",
        "",
        verdict,
        "",
    ]
    for table in tables:
        lines += [f"## {table.title}", "", *as_markdown(table), ""]
    return "\n".join([*lines, f"![agreement and error along the training]({SETTLING_PICTURE})", ""])
