"""The picture of how a ranking settles: agreement of checkpoints above, errors below, by training step."""

import numpy as np

from efnas.figures import new_figure, picture_of
from efnas.search.settling import SETTLED, Settling, settling_verdict

SETTLING_PICTURE = "settling.png"


def draw_settling(settling: Settling) -> bytes:
    """The file of the picture."""
    moments = settling.moments
    steps = np.array([each.step for each in moments])
    # None becomes NaN, which is not drawn.
    taus = np.array([each.tau for each in moments], dtype=np.float64)
    last, recalibrations, mean, spread = np.array(
        [(each.tau_last, each.recalibrations, each.mean, each.spread) for each in moments], dtype=np.float64
    ).T
    figure = new_figure(8, 7)
    upper, lower = figure.subplots(2, 1, sharex=True)
    bars = np.nan_to_num(np.abs(taus[:, 1:] - taus[:, :1])).T
    upper.errorbar(steps, taus[:, 0], yerr=bars, marker="o", capsize=3, label="with the checkpoint before")
    upper.plot(steps[:-1], last[:-1], marker="s", linestyle="--", label="with the last")
    upper.plot(steps, recalibrations, marker="x", color="0.5", label="between two recalibrations, by a model")
    upper.axhline(SETTLED, color="black", linewidth=0.8, linestyle=":")
    upper.set(ylabel=f"Kendall's tau of {settling.subnets:,} subnets")
    lower.errorbar(steps, mean, yerr=spread, marker="o", capsize=3, color="tab:red",
                   label="mean of all subnets; bars: standard deviation between them")  # fmt: skip
    lower.set(xlabel="training step", ylabel="end-point error (px)")
    for axes in (upper, lower):
        axes.legend(fontsize=8)
        axes.grid(alpha=0.3)
    sentence = settling_verdict(settling).replace(": ", ":\n", 1)
    figure.suptitle(f"{sentence}\n{settling.pairs} pairs", fontsize=10)
    return picture_of(figure, SETTLING_PICTURE)
