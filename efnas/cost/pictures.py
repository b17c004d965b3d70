"""Pictures of what a network costs: the SRAM over time and the latency per block; SRAM against latency."""

from pathlib import Path
from typing import Dict, List, Tuple

from efnas.cost.compare import ComparedNetwork, Comparison
from efnas.cost.fit import Fit
from efnas.errors import EfnasError
from efnas.figures import new_figure, save_figure
from efnas.vela.output import Compiled, LiveTensor

KIB = 1024
FAR = 1.5  # a limit beyond so many times the peak is not drawn
LIMIT_STYLE = {"color": "black", "linestyle": "--", "linewidth": 1}


def draw_comparison(comparison: Comparison, path: Path) -> None:
    """The SRAM over time of every network, beside one another, and below the latency per block.

    Raises EfnasError when the compiler listed no tensors in the SRAM.
    """
    networks = [comparison.baseline, *comparison.subnets]
    if not all(network.compiled.live for network in networks):
        raise EfnasError("There is nothing to draw: with this memory mode no tensor of the network lies in the SRAM.")
    colours = _colours(networks)
    figure = new_figure(6.2 * len(networks), 9.2)
    grid = figure.add_gridspec(2, len(networks), height_ratios=[3, 2])
    limit = comparison.vela.profile.arena_limit_kib
    most = max(network.compiled.sram_kib for network in networks)
    near = limit if limit and limit < FAR * most else None
    for place, network in enumerate(networks):
        axes = figure.add_subplot(grid[0, place])
        _draw_memory(axes, network, colours)
        axes.set_ylim(0, 1.3 * max(most, near or 0))
        if near:
            axes.axhline(limit, **LIMIT_STYLE)
        if limit:
            axes.text(0, near or most, f" the board has {limit:.0f} KiB", va="bottom", fontsize=8)
    _draw_latency(figure.add_subplot(grid[1, :]), networks, colours)
    settings = comparison.settings
    arena = f", arena {settings.arena:,} bytes" if settings.arena else ""
    figure.suptitle(
        f"{comparison.vela.profile.name}, Vela {comparison.vela.version}, {settings.optimise}{arena}, form "
        f"{comparison.form} (estimates)"
    )
    save_figure(figure, path)


def live_at(compiled: Compiled, step: int) -> List[LiveTensor]:
    """The tensors that hold memory at a step, by address; of those that share memory (in place) the last one."""
    kept: List[LiveTensor] = []
    end = 0
    alive = [tensor for tensor in compiled.live if tensor.start <= step <= tensor.end]
    for tensor in sorted(alive, key=lambda tensor: (tensor.address, -tensor.size, -tensor.start)):
        if tensor.address + tensor.size > end:
            kept.append(tensor)
            end = tensor.address + tensor.size
    return kept


def peak_step(compiled: Compiled) -> Tuple[int, int]:
    """The step at which the most bytes are alive, and how many."""
    last = max(tensor.end for tensor in compiled.live)
    totals = [sum(tensor.size for tensor in live_at(compiled, step)) for step in range(last + 1)]
    return totals.index(max(totals)), max(totals)


def _draw_memory(axes, network: ComparedNetwork, colours: Dict[str, tuple]) -> None:
    compiled = network.compiled
    steps = range(max(tensor.end for tensor in compiled.live) + 1)
    for step in steps:
        bottom = 0.0
        for tensor in live_at(compiled, step):
            height = tensor.size / KIB
            hatch = "////" if tensor.is_weights else None
            axes.bar(
                step, height, 1.0, bottom, color=colours[tensor.stage], hatch=hatch, edgecolor="white", linewidth=0
            )
            bottom += height
    step, total = peak_step(compiled)
    holders = sorted(live_at(compiled, step), key=lambda tensor: -tensor.size)
    newest = max(holders, key=lambda tensor: (not tensor.is_weights, tensor.start))
    lines = [f"peak {total / KIB:,.0f} KiB at {newest.stage}:"]
    lines += [f"{tensor.size / KIB:5,.0f} KiB  {_short(tensor.name)}" for tensor in holders[:4]]
    box = {"facecolor": "white", "edgecolor": "tab:red"}
    arrow = {"arrowstyle": "->", "color": "tab:red"}
    axes.annotate("\n".join(lines), (step, total / KIB), (0.03, 0.97), textcoords="axes fraction", fontsize=8, va="top",
                  bbox=box, arrowprops=arrow)  # fmt: skip
    firsts: Dict[str, int] = {}
    for tensor in compiled.live:
        if not tensor.is_weights:
            firsts.setdefault(tensor.stage, tensor.start)
    labels: Dict[int, str] = {}
    for stage, first in firsts.items():
        labels[first] = f"{labels[first]}, {stage}" if first in labels else stage
    axes.set_xticks(list(labels))
    axes.set_xticklabels(labels.values(), rotation=90, fontsize=8)
    axes.set(title=network.name, xlabel="schedule, at the first output of each block (hatched: weights)",
             ylabel="SRAM (KiB)", xlim=(-0.5, len(steps) - 0.5))  # fmt: skip


def _draw_latency(axes, networks: List[ComparedNetwork], colours: Dict[str, tuple]) -> None:
    stages = [stage for stage in colours if any(stage == o.stage for n in networks for o in n.compiled.operators)]
    width = 0.8 / len(networks)
    digits = 0 if max(network.compiled.inference_ms for network in networks) > 100 else 1
    for place, network in enumerate(networks):
        costs = dict.fromkeys(stages, 0.0)
        for operator in network.compiled.operators:
            costs[operator.stage] += network.compiled.milliseconds(operator)
        centres = [position + (place - (len(networks) - 1) / 2) * width for position in range(len(stages))]
        hatch = ["", "///", "...", "xxx"][place % 4]
        axes.bar(centres, list(costs.values()), 0.92 * width, color=[colours[stage] for stage in stages], hatch=hatch,
                 edgecolor="white", label=f"{network.name}: {network.compiled.inference_ms:.1f} ms")  # fmt: skip
        for centre, cost in zip(centres, costs.values()):
            axes.text(centre, cost, f"{cost:.{digits}f}", ha="center", va="bottom", fontsize=7)
    axes.set_xticks(range(len(stages)))
    axes.set_xticklabels(stages)
    axes.set(ylabel="latency (ms)", title="Latency per block")
    axes.legend()
    for handle in axes.get_legend().get_patches():
        handle.set_facecolor("grey")


def draw_fit(fit: Fit, path: Path) -> None:
    """SRAM against latency of every trial, the front, the limit and the best."""
    figure = new_figure(10.5, 5.2)
    axes = figure.subplots()
    for number, (form, version) in enumerate(sorted({(t.form, t.vela.version) for t in fit.trials})):
        points = [t.compiled for t in fit.trials if t.compiled and (t.form, t.vela.version) == (form, version)]
        axes.scatter([p.sram_kib for p in points], [p.inference_ms for p in points], s=22, alpha=0.6,
                     color=f"C{number}", label=f"{form}, Vela {version}")  # fmt: skip
    front = [trial.compiled for trial in fit.front]
    axes.step([p.sram_kib for p in front], [p.inference_ms for p in front], where="post", color="grey", label="front")
    axes.axvline(fit.limit_kib, **LIMIT_STYLE)
    axes.text(fit.limit_kib, 0.5, f"limit {fit.limit_kib:.0f} KiB ", ha="right", transform=axes.get_xaxis_transform())
    if fit.best:
        best = fit.best.compiled
        axes.scatter([best.sram_kib], [best.inference_ms], marker="*", s=220, color="tab:red", zorder=3, label="best")
        axes.annotate(f"{best.sram_kib:,.1f} KiB\n{best.inference_ms:.2f} ms", (best.sram_kib, best.inference_ms),
                      (8, 10), textcoords="offset points", color="tab:red")  # fmt: skip
    axes.set(xlabel="SRAM (KiB)", ylabel="latency (ms, estimate)", yscale="log", title="Compiler settings tried")
    axes.yaxis.set_major_formatter("{x:.0f}")
    axes.yaxis.set_minor_formatter("{x:.0f}")
    axes.grid(alpha=0.3, which="both")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0))
    save_figure(figure, path)


def _colours(networks: List[ComparedNetwork]) -> Dict[str, tuple]:
    """A colour for every stage, in the order in which the stages run; the input comes last."""
    from matplotlib import colormaps

    compiled = [network.compiled for network in networks]
    owners = [operator for each in compiled for operator in each.operators] + [
        t for each in compiled for t in each.live
    ]
    stages = dict.fromkeys(owner.stage for owner in owners)
    return {stage: colormaps["tab20"](number % 20) for number, stage in enumerate(stages)}


def _short(name: str) -> str:
    parts = name.split("/")
    return "/".join([parts[0], parts[-1]]) if len(parts) > 2 else name
