"""The picture of a fidelity: each subnet's error in the supernet against that of its own training."""

import numpy as np

from efnas.evaluation.confidence import intervals, resampled_weights
from efnas.evaluation.places import RESAMPLES
from efnas.figures import new_figure, picture_of
from efnas.search.fidelity import Fidelity, Measured

FIDELITY_PICTURE = "fidelity.png"


def draw_fidelity(measured: Measured, fidelity: Fidelity, baseline: int, title: str) -> bytes:
    """The file of the picture; `baseline` is its row, `title` says what was measured."""
    supernet, alone, latency = (np.asarray(each, dtype=np.float64) for each in measured[:3])
    weights = resampled_weights(np.asarray(measured.scenes), RESAMPLES, seed=0)
    x, x_bars = _against_mean(supernet, weights, fidelity.level)
    y, y_bars = _against_mean(alone, weights, fidelity.level)
    figure = new_figure(8, 6.5)
    axes = figure.subplots()
    if fidelity.scenes > 1:
        axes.errorbar(x, y, xerr=x_bars, yerr=y_bars, fmt="none", ecolor="0.7", elinewidth=0.7, zorder=1,
                      label=f"{100 * fidelity.level:g} % by choice of pairs, each against the mean of all")  # fmt: skip
    if measured.twice is not None and len(measured.twice.rows):
        twice = measured.twice
        first, second = (np.asarray(each, dtype=np.float64).mean(axis=1) for each in (twice.first, twice.second))
        at = x[np.asarray(twice.rows)]
        axes.vlines(at, first, second, color="black", linewidth=0.9, zorder=2, label="one training to another")
        axes.scatter(np.tile(at, 2), np.concatenate([first, second]), marker="_", s=30, color="black", linewidth=0.9,
                     zorder=2)  # fmt: skip
    # Subnets of unknown latency are grey.
    known = np.isfinite(latency)
    axes.scatter(x[~known], y[~known], color="0.5", s=32, edgecolor="white", linewidth=0.5, zorder=3)
    drawn = axes.scatter(x[known], y[known], c=latency[known], cmap="viridis", s=32, ec="white", lw=0.5, zorder=3)
    if known.any():
        figure.colorbar(drawn, label="latency (ms, estimate)")
    axes.scatter(x[baseline], y[baseline], marker="*", s=200, color="tab:red", edgecolor="white", zorder=4,
                 label=f"baseline: {x[baseline]:.4f} px, alone {y[baseline]:.4f} px")  # fmt: skip
    # Below the axes: a legend over the points would hide some, wherever it stood.
    axes.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.11), ncol=2, frameon=False, markerscale=0.7)
    axes.set(xlabel="error in the supernet (px)", ylabel="error trained alone (px)")
    axes.set_title(f"{_said(fidelity)}\n{title}", fontsize=10)
    axes.grid(alpha=0.3)
    return picture_of(figure, FIDELITY_PICTURE)


def _against_mean(errors: np.ndarray, weights: np.ndarray, level: float):
    """Mean errors, and the lengths of their bars below and above, [2, subnets].

    What pairs do to all subnets alike moves no rank: it would only make the bars longer.
    """
    against, low, high = intervals(errors - errors.mean(axis=0), weights, level)
    return errors.mean(axis=1), np.maximum([against - low, high - against], 0)


def _said(fidelity: Fidelity) -> str:
    theirs = fidelity.tau_of_trainings
    said = f"Kendall's tau {fidelity.tau} of {fidelity.subnets} subnets"
    return said if theirs.value is None else f"{said}; between two trainings of {fidelity.trained_twice}: {theirs}"
