"""What retraining gave: a row a network, in one protocol, as a table of CSV, as Markdown and as a picture."""

import csv
import io
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Tuple

import numpy as np

from efnas.config import CROP, frames_told
from efnas.evaluation.confidence import intervals
from efnas.evaluation.places import LEVEL, Margin, finite, paired_margin, placed, weights_of
from efnas.export.host import KERNELS
from efnas.files import as_json, write_together
from efnas.search.errors import ErrorTable
from efnas.search.measured import Measured
from efnas.search.retraining import SUPERNET, Alone, unseen_half

DIFFERENCES = "against_baseline", "int8_gap"
NAMES = "results.csv", "results.md", "results.json", "results.png"


class Result(NamedTuple):
    """One network after its training. Errors are in px, on the pairs that chose nothing; `*_low` and `*_high` are the
    ends of 95 % intervals, `against_baseline` and `int8_gap` are paired differences.

    `supernet_epe` is the error that it had in the supernet and `supernet_rank` its rank by that among those here, as
    `rank` is by `float_epe`; those that cannot be told apart share one. `start_epe` is the error of step 0, of a
    training that began with the supernet's weights.
    """

    arch: str
    begun_from: str
    seed: int
    steps: int
    supernet_epe: Optional[float]
    supernet_rank: Optional[int]
    start_epe: Optional[float]
    float_epe: float
    float_low: Optional[float]
    float_high: Optional[float]
    rank: int
    against_baseline: Optional[Margin]
    int8_epe: float
    int8_gap: Margin
    latency_ms: float
    sram_kib: float
    flash_kib: float
    file: str


def results_of(trainings: List[Alone], found: List[Measured], errors: ErrorTable) -> List[Result]:
    """In the order of the trainings, of which the first is the baseline's."""
    unseen = unseen_half(found[0].pairs)
    names = [name for name, taken in zip(found[0].pairs, unseen) if taken]
    weights = weights_of(names)
    floats = np.stack([each.float_epe[unseen] for each in found])
    int8s = np.stack([each.int8_epe[unseen] for each in found])
    mean, low, high = intervals(floats, weights, LEVEL)
    ranks = [place.rank for place in placed(floats, names)]
    common = set(errors.in_common(found[0].pairs))
    before = _before(trainings, errors, [name for name in names if name in common])
    results = []
    for number, (training, own) in enumerate(zip(trainings, found)):
        supernet_epe, supernet_rank = before.get(str(training.arch), (None, None))
        results.append(
            Result(
                str(training.arch),
                training.beginning,
                training.config.runtime.seed,
                own.steps,
                supernet_epe,
                supernet_rank,
                supernet_epe if training.beginning == SUPERNET else None,
                float(mean[number]),
                finite(low[number]),
                finite(high[number]),
                ranks[number],
                paired_margin(floats[number] - floats[0], names) if number else None,
                float(int8s[number].mean()),
                paired_margin(int8s[number] - floats[number], names),
                *own.cost.figures,
                own.file,
            )  # fmt: skip
        )
    return results


def _before(trainings: List[Alone], errors: ErrorTable, names: List[str]) -> Dict[str, Tuple[float, int]]:
    """Error and rank in the supernet of the subnets that were trained, on the pairs with these names."""
    archs = sorted({training.arch for training in trainings[1:]})
    if not archs or not names:
        return {}
    columns = [errors.pairs.index(name) for name in names]
    rows = np.stack([np.asarray(errors.errors[errors.space.index_of(arch)])[columns] for arch in archs])
    return {str(arch): (float(row.mean(dtype=np.float64)), place.rank)
            for arch, row, place in zip(archs, rows, placed(rows, names))}  # fmt: skip


def as_told(trainings: List[Alone], found: List[Measured]) -> str:
    """How the results came about, in three sentences."""
    train, pairs = trainings[0].config.train, found[0].pairs
    frames = frames_told(trainings[0].config.data.geometry)
    return (
        f"Each network was trained alone for {found[0].steps:,} steps of {train.batch_size} pairs, with one recipe and "
        f"one order of the data. Errors are those of its last weights on {int(unseen_half(pairs).sum())} of "
        f"{len(pairs)} validation pairs{frames}, which chose neither the subnets nor the weights. Those in INT8 are of "
        f"the files themselves, by {KERNELS}."
    )


def write_results(folder: Path, results: List[Result], title: str, told: str, geometry: str = CROP) -> List[Path]:
    """All files of the results, together, with a title and what is told of how they came about; their paths."""
    from efnas.figures import picture_of
    from efnas.search.result_pictures import draw_results

    content = {"title": title, "told": told, "geometry": geometry, "results": as_dicts(results)}
    picture = picture_of(draw_results(results, title), NAMES[-1])
    contents = _csv(results), as_markdown(results, told), as_json(content), picture
    files = {folder / name: content for name, content in zip(NAMES, contents)}
    write_together(files)
    return list(files)


def as_dicts(results: List[Result]) -> List[dict]:
    """Flat: the ends of the interval of a difference are columns of their own."""

    def flat(result: Result) -> dict:
        row: dict = {}
        for name, value in result._asdict().items():
            ends = (name, f"{name}_low", f"{name}_high")
            row.update(zip(ends, value or (None, None, None)) if name in DIFFERENCES else {name: value})
        return row

    return [flat(result) for result in results]


def _csv(results: List[Result]) -> str:
    text, rows = io.StringIO(), as_dicts(results)
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


COLUMNS = ("network", "begun from", ">supernet px (rank)", ">float px (95 %)", ">rank", ">against baseline px",
           ">INT8 px", ">INT8 - float px", ">ms", ">SRAM KiB", ">flash KiB")  # fmt: skip


def cells(result: Result) -> Tuple[str, ...]:
    """The columns above, as text."""
    supernet = "" if result.supernet_epe is None else f"{result.supernet_epe:.4f} ({result.supernet_rank})"
    interval = "" if result.float_high is None else f" ({result.float_low:.4f} to {result.float_high:.4f})"
    return (
        result.arch, result.begun_from, supernet, f"{result.float_epe:.4f}{interval}", str(result.rank),
        result.against_baseline.signed if result.against_baseline else "", f"{result.int8_epe:.4f}",
        result.int8_gap.signed,
        f"{result.latency_ms:.3f}", f"{result.sram_kib:,.1f}", f"{result.flash_kib:,.0f}",
    )  # fmt: skip


def as_markdown(results: List[Result], told: str) -> str:
    lines = [
        "# Retrained alone",
        "",
        told,
        "",
        f"| {' | '.join(name.lstrip('>') for name in COLUMNS)} |",
        f"|{'---|' * len(COLUMNS)}",
        *(f"| {' | '.join(cells(each))} |" for each in results),
        "",
        f"![error and latency]({NAMES[-1]})",
        "",
    ]
    return "\n".join(lines)
