"""The picture of a retraining: error against latency, before and after, in float and in INT8."""

from typing import List

from efnas.figures import new_figure


def draw_results(results: List, title: str):
    """`results` as `results.Result`; a column of marks a network, joined where they are of one."""
    figure = new_figure(9, 5.5)
    axes = figure.subplots()
    kinds = {"scratch": ("o", "tab:blue", "from scratch"), "supernet": ("s", "tab:orange", "from the supernet")}
    told = set()

    def label(name: str):
        return None if name in told else (told.add(name), name)[1]

    for result in results:
        marker, color, name = kinds[result.begun_from]
        x = result.latency_ms
        if result.supernet_epe is not None:
            axes.plot([x, x], [result.supernet_epe, result.float_epe], color="0.8", linewidth=1, zorder=1)
            axes.scatter(
                x, result.supernet_epe, marker="_", s=120, color="0.4", label=label("in the supernet"), zorder=2
            )
        if result.float_high is not None:
            bars = [[result.float_epe - result.float_low], [result.float_high - result.float_epe]]
            axes.errorbar(x, result.float_epe, yerr=bars, fmt="none", ecolor=color, elinewidth=0.7, capsize=2)
        axes.scatter(x, result.float_epe, marker=marker, color=color, label=label(f"{name}, float"), zorder=3)
        axes.scatter(x, result.int8_epe, marker=marker, facecolors="none", edgecolors=color, s=80,
                     label=label(f"{name}, INT8"), zorder=3)  # fmt: skip
    for arch in dict.fromkeys(result.arch for result in results):
        of_it = [result for result in results if result.arch == arch]
        highest = max(max(each.float_high or each.float_epe, each.supernet_epe or 0) for each in of_it)
        axes.annotate(arch.replace(",", ""), (of_it[0].latency_ms, highest), ha="center", va="bottom", fontsize=8,
                      xytext=(0, 4), textcoords="offset points")  # fmt: skip
    axes.margins(x=0.1, y=0.15)
    axes.set(xlabel="latency (ms, estimate)", ylabel="end-point error (px)", title=title)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    return figure
