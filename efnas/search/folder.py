"""A search from its run to its folder: what stands behind `efnas search`.

In it: the errors (see `errors`), `table.csv` and `table.json` (a row a subnet, as a sweep writes them, with errors and
their intervals), `front.csv`, `search.json` (the answer without limits, and what the space teaches) and pictures.
"""

from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Optional

import numpy as np

from efnas.cost.table import FAILED, CostTable, read_table, write_table
from efnas.evaluation.places import LEVEL, RESAMPLES
from efnas.files import as_json
from efnas.search.answer import answer_of, with_errors
from efnas.search.effects import Effects, effects, rank_correlation
from efnas.search.errors import ErrorTable, read_errors
from efnas.search.hypervolume import lost_without

SEARCH = "search.json"


class Search(NamedTuple):
    """What is known of a space: costs and errors by subnet, and errors by subnet and pair."""

    table: CostTable
    errors: ErrorTable


class Written(NamedTuple):
    """Names of the pictures, and what `search.json` holds."""

    pictures: List[str]
    content: dict


def write_search(folder: Path, costs: CostTable, errors: ErrorTable) -> Written:
    """Join costs and errors and write all but the errors, which are there already."""
    from efnas.search.pictures import draw_search

    table = with_errors(costs, errors)
    answer, lessons = answer_of(table, errors), lessons_of(table)
    pictures = draw_search(table, answer, lessons)
    content = {
        "of": {key: value for key, value in errors.about["of"].items() if key != "pairs"},
        "pairs": len(errors.pairs),
        "zero_epe": float(np.mean(errors.about["zero_epe"])),
        "confidence": {"level": LEVEL, "resamples": RESAMPLES},
        "costs": costs.about["title"],
        "mean_epe": float(np.mean([row.epe for row in table.rows])),
        "second_recalibration": errors.about["second_recalibration"],
        **answer.as_dict(top=0),
        "lessons": lessons,
        "front_lost_without": _front_lost_without(table),
    }
    write_table(folder, table, {SEARCH: as_json(content).encode(), **pictures})
    return Written(list(pictures), content)


def read_search(folder: Path) -> Search:
    """Raises EfnasError for a folder that holds no whole search."""
    errors = read_errors(folder)
    return Search(read_table(folder, errors.space), errors)


def lessons_of(table: CostTable) -> Dict[str, dict]:
    """What all subnets teach of error and latency: which blocks and pairs of blocks decide, what each option gives, and
    how well counts predict."""
    rows = table.rows
    figures = {"epe": np.array([row.epe for row in rows])}
    if all(row.known != FAILED for row in rows):
        figures["latency_ms"] = np.array([row.latency_ms for row in rows])
    taught = {name: _as_dict(effects(values, table.space)) for name, values in figures.items()}
    counts: Dict[str, Callable] = {"macs": lambda row: row.macs, "params": lambda row: row.params}
    for name, values in figures.items():
        found = {count: rank_correlation(values, np.array([of(row) for row in rows])) for count, of in counts.items()}
        # Of counts that are all the same there is none, and JSON has no word for that but null.
        taught[name]["kendall_tau"] = {count: None if np.isnan(tau) else tau for count, tau in found.items()}
    return taught


def _front_lost_without(table: CostTable) -> Optional[Dict[str, float]]:
    if any(row.known == FAILED for row in table.rows):
        return None
    return lost_without(
        table.space, *(np.array([getattr(row, name) for row in table.rows]) for name in ("latency_ms", "epe"))
    )


def _as_dict(found: Effects) -> dict:
    strongest = sorted(found.pairs.items(), key=lambda pair: -pair[1])
    return {
        "blocks": found.blocks,
        "pairs": {"+".join(names): share for names, share in strongest},
        "rest": found.rest,
        "options": {name: _plain(means) for name, means in found.options.items()},
    }


def _plain(values) -> List[float]:
    return [float(value) for value in values]
