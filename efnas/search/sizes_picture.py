"""The picture of several sizes: all subnets of each by latency and error, and the front over all."""

from typing import Dict

from efnas.core.input_size import Size
from efnas.cost.table import FAILED
from efnas.figures import new_figure, picture_of
from efnas.search.folder import Search
from efnas.search.sizes import SizesAnswer


def draw_sizes(searches: Dict[Size, Search], answer: SizesAnswer, name: str) -> bytes:
    """As a file of that name."""
    figure = new_figure(8.5, 5.5)
    axes = figure.subplots()
    for number, (size, search) in enumerate(searches.items()):
        rows = [row for row in search.table.rows if row.known != FAILED]
        axes.scatter([row.latency_ms for row in rows], [row.epe for row in rows], s=2, alpha=0.3, linewidths=0,
                     color=f"C{number}", rasterized=True)  # fmt: skip
        axes.scatter([], [], s=30, color=f"C{number}", label=str(size))
    latencies, errors = [each.row.latency_ms for each in answer.front], [each.row.epe for each in answer.front]
    label = f"front over all: {len(answer.front)}"
    axes.step(latencies, errors, where="post", color="black", linewidth=1, label=label)
    axes.plot(latencies, errors, "o", color="black", markersize=3)
    marked = ((answer.cheapest, "tab:green", "cheapest alike"), (answer.best, "tab:purple", "best"))
    for each, colour, words in marked:
        at = f"{words}: {each.row.arch.replace(',', '')} at {each.size}"
        axes.scatter(each.row.latency_ms, each.row.epe, marker="*", s=170, color=colour, zorder=4, ec="white", label=at)
    axes.legend(fontsize=8)
    (title,) = {search.table.title for search in searches.values()}
    axes.set(xlabel="latency (ms, estimate)", ylabel="end-point error (px of the frame)", title=title)
    axes.grid(alpha=0.3)
    return picture_of(figure, name)
