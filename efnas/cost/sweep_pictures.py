"""Pictures of a sweep: how latency is spread, what multiply-accumulates say of it, what each option costs, and EPE."""

from typing import Dict, List

import numpy as np

from efnas.core.space import SearchSpace
from efnas.cost.table import FAILED, CostTable, Row, front
from efnas.figures import new_figure, picture_of

LATENCY, MACS, BLOCKS, PARETO = "latency.png", "macs.png", "blocks.png", "pareto.png"
MARK = {"color": "tab:red", "zorder": 3}


def draw_sweep(table: CostTable, space: SearchSpace) -> Dict[str, bytes]:
    """All pictures of a table, by the names of their files."""
    rows = [row for row in table.rows if row.known != FAILED]
    title = table.title
    baseline = table.row(space.baseline)
    latency = np.array([row.latency_ms for row in rows])
    figures = {
        LATENCY: _draw_latency(latency, baseline, title),
        MACS: _draw_macs(rows, latency, baseline, title),
        BLOCKS: _draw_blocks(rows, latency, space, title),
    }
    if front(rows):
        figures[PARETO] = _draw_pareto(rows, baseline, title)
    return {name: picture_of(figure, name) for name, figure in figures.items()}


def _draw_latency(latency: np.ndarray, baseline: Row, title: str):
    figure = new_figure(8, 4.5)
    axes = figure.subplots()
    axes.hist(latency, bins=60, color="tab:blue", alpha=0.75)
    if baseline.latency_ms:
        axes.axvline(baseline.latency_ms, label=f"baseline: {baseline.latency_ms:.1f} ms", **MARK)
    axes.axvline(np.median(latency), color="black", linestyle="--", label=f"median: {np.median(latency):.1f} ms")
    axes.set(xlabel="latency (ms, estimate)", ylabel="subnets", title=f"Latency of {len(latency):,} subnets\n{title}")
    axes.legend()
    return figure


def _draw_macs(rows: List[Row], latency: np.ndarray, baseline: Row, title: str):
    macs = np.array([row.macs for row in rows]) / 1e9
    figure = new_figure(8, 5.5)
    axes = figure.subplots()
    drawn = axes.scatter(macs, latency, c=[row.params / 1e6 for row in rows], s=4, cmap="viridis", rasterized=True)
    if baseline.latency_ms:
        axes.scatter(baseline.macs / 1e9, baseline.latency_ms, marker="*", s=160, label="baseline", **MARK)
        axes.legend(loc="upper left")
    figure.colorbar(drawn, label="parameters (millions)")
    # Rounded to a hundredth of the range: how far apart can subnets with the same MACs be?
    place = np.round((macs - macs.min()) / max(np.ptp(macs), 1e-9) * 100).astype(int)
    spread = max(np.ptp(latency[place == each]) for each in np.unique(place))
    axes.set(xlabel="multiply-accumulates (billions)", ylabel="latency (ms, estimate)",
             title=f"Subnets of equal MACs are up to {spread:.0f} ms apart\n{title}")  # fmt: skip
    axes.grid(alpha=0.3)
    return figure


def _draw_blocks(rows: List[Row], latency: np.ndarray, space: SearchSpace, title: str):
    figure = new_figure(9, 4.5)
    axes = figure.subplots()
    count = space.options_per_block
    for place, block in enumerate(space.blocks):
        means = [
            np.mean([ms for row, ms in zip(rows, latency) if row.options[block.name] == block.label(digit)])
            for digit in range(count)
        ]
        for digit, mean in enumerate(means):
            centre = place + (digit - (count - 1) / 2) * 0.8 / count
            height = mean - min(means)
            axes.bar(centre, height, 0.74 / count, color=f"C{digit}")
            axes.text(
                centre, height, f"{block.options[digit].word}\n{height:.1f}", ha="center", va="bottom", fontsize=7
            )
    axes.set_xticks(range(len(space.blocks)))
    axes.set_xticklabels([block.name for block in space.blocks])
    axes.margins(y=0.15)
    axes.set(ylabel="mean latency above the cheapest option (ms)",
             title=f"What each option costs (ms)\n{title}")  # fmt: skip
    return figure


def _draw_pareto(rows: List[Row], baseline: Row, title: str):
    known = [row for row in rows if row.epe is not None]
    best = front(rows)
    figure = new_figure(8, 5)
    axes = figure.subplots()
    axes.scatter([row.latency_ms for row in known], [row.epe for row in known], s=18, alpha=0.6,
                 label=f"{len(known)} subnets")  # fmt: skip
    axes.step([row.latency_ms for row in best], [row.epe for row in best], where="post", color="black",
              marker="o", markersize=4, label="front")  # fmt: skip
    for row in best:
        axes.annotate(row.arch.replace(",", ""), (row.latency_ms, row.epe), (3, -10), fontsize=7,
                      textcoords="offset points")  # fmt: skip
    if baseline.epe is not None and baseline.latency_ms:
        axes.scatter(baseline.latency_ms, baseline.epe, marker="*", s=160, label="baseline", **MARK)
    axes.set(xlabel="latency (ms, estimate)", ylabel="EPE (pixels)", title=f"EPE against latency\n{title}")
    axes.grid(alpha=0.3)
    axes.legend()
    return figure
