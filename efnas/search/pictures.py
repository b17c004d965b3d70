"""Pictures of a search: all subnets in the plane of error and latency, and what each option of each block gives."""

from typing import Dict, List

import numpy as np

from efnas.cost.table import FAILED, CostTable
from efnas.evaluation.places import Margin
from efnas.figures import new_figure, picture_of
from efnas.search.answer import Answer

FRONT_PICTURE, OPTIONS_PICTURE = "front.png", "options.png"


def draw_search(table: CostTable, answer: Answer, lessons: Dict[str, dict]) -> Dict[str, bytes]:
    """All pictures, by the names of their files."""
    figures = {FRONT_PICTURE: _draw_front(table, answer), OPTIONS_PICTURE: _draw_options(table, lessons)}
    return {name: picture_of(figure, name) for name, figure in figures.items()}


def _draw_front(table: CostTable, answer: Answer):
    rows = [row for row in table.rows if row.known != FAILED]
    latency, epe = (np.array([getattr(row, name) for row in rows]) for name in ("latency_ms", "epe"))
    figure = new_figure(8.5, 5.5)
    axes = figure.subplots()
    known = {row.arch for row in answer.alike}
    alike = np.array([row.arch in known for row in rows])
    cells = {"gridsize": (70, 30), "extent": (latency.min(), latency.max(), epe.min(), epe.max()), "bins": "log",
             "mincnt": 1, "linewidths": 0}  # fmt: skip
    if not alike.all():
        axes.hexbin(latency[~alike], epe[~alike], cmap="Greys", **cells)
    drawn = axes.hexbin(latency[alike], epe[alike], cmap="Blues", alpha=0.85, **cells)
    figure.colorbar(drawn, label="subnets that cannot be told from the best; others grey")
    front, margins = answer.front, [answer.margins[row.arch] for row in answer.front]
    axes.step([row.latency_ms for row in front], [row.epe for row in front], where="post", color="black", linewidth=1)
    axes.errorbar([row.latency_ms for row in front], [row.epe for row in front], yerr=_bars(margins), fmt="o",
                  markersize=3, color="black", elinewidth=0.5, capsize=2,
                  label=f"front: {len(front)}; bars: against the best, 95 % for all at once")  # fmt: skip
    marked = ((answer.cheapest, "tab:green", "cheapest of these"), (answer.best, "tab:purple", "best"),
              (table.row(table.space.baseline), "tab:red", "baseline"))  # fmt: skip
    for row, color, name in marked:
        if row.latency_ms is not None:
            label = f"{name}: {row.arch.replace(',', '')}, {row.latency_ms:.1f} ms, {row.epe:.4f} px"
            axes.scatter(row.latency_ms, row.epe, marker="*", s=170, color=color, zorder=4, ec="white", label=label)
    axes.legend(fontsize=8, markerscale=0.8)
    axes.set(xlabel="latency (ms, estimate)", ylabel="end-point error (px)",
             title=f"All {len(rows):,} subnets\n{table.title}")  # fmt: skip
    axes.grid(alpha=0.3)
    return figure


def _bars(margins: List[Margin]) -> np.ndarray:
    """Lengths below and above; of a single scene nothing is known."""
    ends = [(each.mean - each.low, each.high - each.mean) if each.low is not None else (0, 0) for each in margins]
    return np.maximum(np.array(ends).T, 0)


def _draw_options(table: CostTable, lessons: Dict[str, dict]):
    space = table.space
    figure = new_figure(9, 6)
    words = {"epe": "mean error against all (px)", "latency_ms": "mean latency against all (ms)"}
    for axes, (name, taught) in zip(np.atleast_1d(figure.subplots(len(lessons), 1)), lessons.items()):
        count = space.options_per_block
        for place, block in enumerate(space.blocks):
            for digit, gain in enumerate(taught["options"][block.name]):
                centre = place + (digit - (count - 1) / 2) * 0.8 / count
                axes.bar(centre, gain, 0.74 / count, color=f"C{digit}")
                axes.annotate(block.options[digit].word, (centre, gain), ha="center", fontsize=7,
                              va="bottom" if gain >= 0 else "top")  # fmt: skip
        axes.axhline(0, color="black", linewidth=0.8)
        axes.set_xticks(range(len(space.blocks)))
        shares = [f"{block.name}\n{taught['blocks'][block.name]:.0%}" for block in space.blocks]
        axes.set_xticklabels(shares)
        axes.margins(y=0.2)
        axes.set(ylabel=words[name])
        axes.grid(alpha=0.3, axis="y")
    figure.suptitle("What each option gives; below a block the share of the variance that it explains", fontsize=11)
    return figure
