"""The picture of a schedule: what trainings of each budget say of one another and of the longest, and their errors."""

from typing import List

from efnas.figures import new_figure, picture_of
from efnas.search.budgets import Budget
from efnas.search.verdict import RANKS

SCHEDULE_PICTURE = "schedule.png"
APART = 1.015  # the two taus of a budget stand side by side


def draw_schedule(budgets: List[Budget], title: str) -> bytes:
    """The file of the picture; `title` says what was trained."""
    figure = new_figure(8, 7)
    taus, errors = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [3, 2]})
    with_longest = [(each.steps, each.with_longest) for each in budgets if each.with_longest is not None]
    _draw(taus, [(each.steps / APART, each.ceiling) for each in budgets], "o-", "tab:blue",
          "between two seeds at this budget: the ceiling")  # fmt: skip
    _draw(taus, [(steps * APART, tau) for steps, tau in with_longest], "s--", "tab:orange",
          f"with the longest budget ({budgets[-1].epochs}) and other seeds")  # fmt: skip
    taus.axhline(0, color="0.6", linewidth=0.8)
    taus.axhline(RANKS, color="0.6", linewidth=0.8, linestyle=":")
    taus.set(ylabel="Kendall's tau (95 %)", ylim=(-1.05, 1.05))
    taus.set_title(title, fontsize=10)
    taus.legend(fontsize=8, loc="lower right")
    steps = [each.steps for each in budgets]
    errors.errorbar(steps, [each.epe for each in budgets], yerr=[each.between_subnets or 0 for each in budgets],
                    fmt="o-", color="tab:green", capsize=3, label="mean, standard deviation of subnets")  # fmt: skip
    errors.set(ylabel="error trained alone (px)", xlabel="steps of a training (epochs)", xscale="log")
    errors.set_xticks(steps)
    errors.set_xticklabels([f"{each.steps:,}\n({each.epochs})" for each in budgets])
    errors.minorticks_off()
    errors.legend(fontsize=8, loc="upper right")
    for axes in (taus, errors):
        axes.grid(alpha=0.3)
    return picture_of(figure, SCHEDULE_PICTURE)


def _draw(axes, points, style: str, color: str, label: str) -> None:
    """A line through what is known, with the intervals that are."""
    known = [(x, *tau) for x, tau in points if tau.value is not None]
    axes.plot([x for x, *_ in known], [value for _, value, *_ in known], style, color=color, label=label)
    for x, value, low, high in known:
        if low is not None:
            axes.errorbar(x, value, yerr=[[value - low], [high - value]], fmt="none", ecolor=color, capsize=3)
