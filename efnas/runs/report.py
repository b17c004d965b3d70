"""The report of a run: a page of Markdown with a plot of its curves."""

from pathlib import Path
from typing import List

from efnas.config import frames_told
from efnas.core.alone import in_words
from efnas.figures import new_figure, save_figure
from efnas.files import write_whole
from efnas.runs.history import CURVES, PER_ARCH, REPORT
from efnas.runs.manifest import geometry_of
from efnas.runs.run_files import has_baseline, pool_size, read_evaluations
from efnas.runs.subnet_errors import SubnetErrors


def write_report(folder: Path, manifest: dict, outcome, errors: SubnetErrors) -> None:
    """Write `supernet_training_report.md` and its picture from the histories in `folder` and the last `errors`."""
    rows = read_evaluations(folder)
    size = pool_size(rows)
    plot_curves(rows, folder / CURVES)
    end = "stopped early" if outcome.stopped_early else "ran to its end"
    last, metric = rows[-1], manifest["tuning"]["eval.best_metric"]
    arch = manifest["identity"].get("train.arch")
    told = frames_told(geometry_of(manifest["identity"]))
    best, of_all = outcome.best_epoch, f"Validation pairs: {last['val_samples']}{told}."
    if arch:
        figures = [f"| best (epoch {best}) | {outcome.best:.4f} |", f"| last | {float(last[f'mean_epe_{size}']):.4f} |"]
    else:
        figures = [
            f"| best {metric} over {size} subnets (epoch {best}) | {outcome.best:.4f} |",
            f"| last mean | {float(last[f'mean_epe_{size}']):.4f} |",
            f"| last spread (std) | {float(last[f'std_epe_{size}']):.4f} |",
            f"| last baseline subnet | {float(last['baseline_epe']):.4f} |",
        ]
        of_all = f"Fairness gap: {last['fairness_gap']}. {of_all} Every subnet's error: `{PER_ARCH}`."
    lines = [
        f"# Training report: {folder.name}",
        "",
        *([f"It trained the {in_words(arch)} alone.", ""] if arch else []),
        f"The run {end} after {outcome.steps} steps and {float(last['samples_seen']):,.0f} samples.",
        "",
        f"![curves]({CURVES})",
        "",
        "| | EPE (px) |",
        "|---|---|",
        *figures,
        f"| predicting zero | {outcome.zero_epe:.4f} |",
        "",
        of_all,
        "",
        *([] if arch else _last_evaluation(errors)),
        "## What this run is",
        "",
        "| key | value |",
        "|---|---|",
        *(f"| {key} | {value} |" for key, value in manifest["identity"].items()),
        "",
    ]
    write_whole(folder / REPORT, "\n".join(lines))


def _last_evaluation(errors: SubnetErrors) -> List[str]:
    places = errors.places
    return [
        "## The last evaluation",
        "",
        "| rank | arch | EPE (px) | worse by (95 %) |",
        "|---|---|---|---|",
        *(
            f"| {places[arch].rank} | {arch} | {errors.epe[arch]:.4f} | {places[arch].worse_by} |"
            for arch in errors.ranking()
        ),
        "",
        errors.chance(),
        "",
    ]


def plot_curves(rows: list, path: Path) -> None:
    """Loss and EPE over the samples seen, with the error of predicting zero as the line to beat."""

    def column(name):
        return [float(row[name]) for row in rows]

    size, many = pool_size(rows), has_baseline(rows)
    figure = new_figure(10, 4)
    left, right = figure.subplots(1, 2)
    seen = column("samples_seen")
    left.plot(seen, column("train_loss"), marker=".", label="loss")
    left.plot(seen, column("train_loss_with_decay"), marker=".", label="loss with weight decay")
    left.set(
        xlabel="samples seen",
        ylabel="mean training loss of the epoch",
        title="Loss, mean of the lanes" if many else "Loss",
    )
    mean, std = column(f"mean_epe_{size}"), column(f"std_epe_{size}")
    right.plot(seen, mean, marker=".", color="tab:blue", label=f"mean of {size} subnets" if many else "its error")
    if many:
        right.fill_between(
            seen,
            [m - s for m, s in zip(mean, std)],
            [m + s for m, s in zip(mean, std)],
            color="tab:blue",
            alpha=0.2,
            label="± one standard deviation",
        )
        right.plot(seen, column("baseline_epe"), color="tab:orange", label="baseline subnet")
    right.plot(seen, column("zero_flow_epe"), color="grey", linestyle="--", label="predicting zero")
    right.set(xlabel="samples seen", ylabel="end-point error (px)", title="Validation EPE", ylim=(0, None))
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend()
    save_figure(figure, path)
