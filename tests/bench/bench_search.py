"""What others do, replayed on a finished search: how far from the exact front each stays, by subnets evaluated."""

import argparse
import multiprocessing
import sys
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Dict, List, Optional

import numpy as np
from replays import (
    ALL,
    COLUMNS,
    EVOLUTION,
    FEWER,
    FOR_ERROR,
    FOR_FRONT,
    HALF_MOST,
    MOST,
    NEAR_PX,
    NEAR_SHARE,
    NSGA2,
    POINTS,
    POOL,
    RANDOM,
    Choice,
    Replay,
    Truth,
    choices_on_half,
    columns_of,
    most_of,
    replays,
)
from samplers import FITTED, PARENTS, POPULATION

from efnas.cost.table import FAILED
from efnas.data.scenes import scenes_of
from efnas.errors import EfnasError
from efnas.evaluation.confidence import halves, winners_curse
from efnas.figures import new_figure, require_picture, save_figure
from efnas.search.folder import read_search

FOLDER = Path("outputs/search/quickstart")
SEEDS = 100
THOUSANDTH, PERCENT = 0.001, 0.01
# Until there a sampler draws at random, as random search does.
BEGINS = {RANDOM: 1, EVOLUTION: POPULATION, NSGA2: PARENTS, FOR_ERROR: FITTED, FOR_FRONT: FITTED}
COLORS = {POOL: "black", RANDOM: "C7", EVOLUTION: "C1", NSGA2: "C0", FOR_ERROR: "C2", FOR_FRONT: "C2"}
SHOWN_FROM = 10


def main(folder: Path, picture: Optional[Path]) -> None:
    search = read_search(folder)
    rows, pairs, space = search.table.rows, search.errors.pairs, search.table.space
    if any(row.known == FAILED for row in rows):
        raise EfnasError(f"The table in {folder} lacks the latency of subnets that the compiler failed on.")
    errors = np.array(search.errors.errors)
    truth = Truth(space, np.array([row.latency_ms for row in rows]), errors.mean(axis=1, dtype=np.float64))
    print(f"Samplers on a table of all {space.size:,} subnets, {len(pairs)} pairs: median (10-90 %) of {SEEDS} seeds")
    print(
        f"  the table is the truth here, chance and all: least {truth.error.min():.4f} px, mean {truth.error.mean():.4f} px"
    )
    if not find_spec("pymoo"):
        print("  NSGA-II skipped: pymoo is not installed (pip install -e '.[bench]')")
    with multiprocessing.Pool() as workers:
        found = dict(replays(workers, truth, SEEDS))
        print_replays(found)
        scenes = scenes_of(pairs)
        if scenes.max() > 0:
            work = partial(choices_on_half, errors, scenes, truth.latency, space)
            print_choices(workers.map(work, range(SEEDS)))
    half = halves(pairs)
    if half.any() and not half.all():
        _, promised, measured = winners_curse(errors, np.arange(space.size), half)
        print(
            f"  all subnets, with the one split of efnas search: {promised / THOUSANDTH:.1f}, on other pairs {measured / THOUSANDTH:.1f}"
        )
    if picture:
        save_figure(
            draw(found, f"{space.size:,} subnets, {len(pairs)} pairs: median and 10-90 % of {SEEDS} seeds"), picture
        )


def print_replays(found: Dict[str, Replay]) -> None:
    places = np.searchsorted(POINTS, COLUMNS)
    for title, figure, unit in (
        ("Regret, the error of the best found less the least of all, in 0.001 px", "regret", THOUSANDTH),
        ("Share of the exact front's hypervolume, in %", "share", PERCENT),
    ):
        print(f"{title}, after so many evaluations")
        print(" " * 22 + "".join(f"{count:>20,}" for count in COLUMNS))
        for name, each in found.items():
            print(f"  {name:20}" + "".join(f"{spread(getattr(each, figure)[:, place] / unit):>20}" for place in places))
    print(f"Evaluations until {NEAR_PX} px above the least, until {NEAR_SHARE:.0%} of the hypervolume; in all")
    for name, each in found.items():
        near = "".join(f"{reached(counts, most_of(name)):>24}" for counts in (each.near_least, each.near_front))
        asked = f"{np.median(each.evaluated):,.0f} of {np.median(each.asked):,.0f} asked for"
        print(f"  {name:20}{near}{asked:>26}{each.seconds:8.1f} s")


def print_choices(found: List[Dict[str, Choice]]) -> None:
    print(
        f"Chosen on a random half of the pairs, {HALF_MOST} evaluations (the pool: 12): better than the mean subnet by, in 0.001 px"
    )
    heads = ("on that half", "on the other half", "all subnets better by", "front there, % of volume")
    print(" " * 22 + "".join(f"{head:>25}" for head in heads))
    exact = columns_of([each[ALL] for each in found])
    for name in found[0]:
        chosen = columns_of([each[name] for each in found])
        behind = exact.measured - chosen.measured
        cells = (spread(chosen.promised / THOUSANDTH), spread(chosen.measured / THOUSANDTH),
                 "" if name == ALL else spread(behind / THOUSANDTH), spread(chosen.front / PERCENT))  # fmt: skip
        print(f"  {name:20}" + "".join(f"{cell:>25}" for cell in cells))


def spread(values: np.ndarray) -> str:
    """Median, 10th and 90th percentile; one that may be below 0 is told apart from the dash of the range."""
    if np.isnan(values).any():
        return "-"
    low, middle, high = np.round(np.percentile(values, (10, 50, 90)), 1) + 0.0  # -0.0 reads as if it were below
    return f"{middle:.1f} ({low:.1f}{' to ' if low < 0 else '-'}{high:.1f})"


def reached(counts: np.ndarray, most: int) -> str:
    """The median, for which a seed that did not get there took for ever."""
    median = np.median(np.where(np.isnan(counts), np.inf, counts))
    if np.isinf(median):
        return f"> {most:,} ({np.mean(~np.isnan(counts)):.0%} reached)"
    return f"{median:,.0f}"


def draw(found: Dict[str, Replay], title: str):
    figure = new_figure(11, 4.6)
    panels = (
        ("regret", 1, (RANDOM, EVOLUTION, NSGA2, FOR_ERROR), 0, "error above the least of all subnets (px)"),
        ("share", 100, (RANDOM, NSGA2, FOR_FRONT), 100, "share of the exact front's hypervolume (%)"),
    )
    for axes, (kind, scale, names, exact, label) in zip(figure.subplots(1, 2), panels):
        for name in (name for name in names if name in found):
            drawn = (max(BEGINS[name], SHOWN_FROM) <= POINTS) & (most_of(name) >= POINTS)
            low, middle, high = np.percentile(getattr(found[name], kind)[:, drawn] * scale, (10, 50, 90), axis=0)
            axes.plot(POINTS[drawn], middle, color=COLORS[name], label=name)
            axes.fill_between(POINTS[drawn], low, high, color=COLORS[name], alpha=0.15, linewidth=0)
        pool = getattr(found[POOL], kind)[:, np.searchsorted(POINTS, FEWER[POOL])] * scale
        low, middle, high = np.percentile(pool, (10, 50, 90))
        bars = [[middle - low], [high - middle]]
        axes.errorbar(FEWER[POOL], middle, bars, fmt="o", color=COLORS[POOL], capsize=3, label=POOL)
        axes.axhline(exact, color="tab:red", linestyle="--", linewidth=1, label=ALL)
        axes.set_xscale("log")
        ticks = [10, 30, 100, 300, 1000, MOST]
        axes.set_xticks(ticks)
        axes.set_xticklabels([f"{tick:,}" for tick in ticks])
        axes.minorticks_off()
        axes.set(xlabel="subnets evaluated", ylabel=label, xlim=(SHOWN_FROM, MOST))
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8, loc="upper right" if exact == 0 else "lower right")
    figure.suptitle(title, fontsize=10)
    return figure


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("search", nargs="?", type=Path, default=FOLDER, help="the folder of a search")
    parser.add_argument("--picture", type=Path, help="where to draw the curves")
    words = parser.parse_args()
    if not words.search.is_dir():
        print(f"Samplers skipped: there is no search in {words.search}; make demo makes {FOLDER}.")
        sys.exit()
    try:
        if words.picture:
            require_picture(words.picture)
        main(words.search, words.picture)
    except EfnasError as error:
        sys.exit(str(error))
