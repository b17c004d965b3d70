"""The report of a run: a page of Markdown with a plot of its curves."""

from pathlib import Path

from efnas.figures import new_figure, save_figure
from efnas.files import write_whole
from efnas.runs.history import CURVES, PER_ARCH, REPORT
from efnas.runs.run_files import pool_size, read_evaluations
from efnas.runs.subnet_errors import SubnetErrors


def write_report(folder: Path, manifest: dict, outcome, errors: SubnetErrors) -> None:
    """Write `supernet_training_report.md` and its picture from the histories in `folder` and the last `errors`."""
    rows = read_evaluations(folder)
    size = pool_size(rows)
    plot_curves(rows, folder / CURVES)
    end = "stopped early" if outcome.stopped_early else "ran to its end"
    last, metric = rows[-1], manifest["tuning"]["eval.best_metric"]
    lines = [
        f"# Training report: {folder.name}",
        "",
        f"The run {end} after {outcome.steps} steps and {float(last['samples_seen']):,.0f} samples.",
        "",
        f"![curves]({CURVES})",
        "",
        "| | EPE (px) |",
        "|---|---|",
        f"| best {metric} over {size} subnets (epoch {outcome.best_epoch}) | {outcome.best:.4f} |",
        f"| last mean | {float(last[f'mean_epe_{size}']):.4f} |",
        f"| last spread (std) | {float(last[f'std_epe_{size}']):.4f} |",
        f"| last baseline subnet | {float(last['baseline_epe']):.4f} |",
        f"| predicting zero | {outcome.zero_epe:.4f} |",
        "",
        f"Fairness gap: {last['fairness_gap']}. Validation pairs: {last['val_samples']}. Every subnet's error: "
        f"`{PER_ARCH}`.",
        "",
        "## The last evaluation",
        "",
        "| rank | arch | EPE (px) | worse by (95 %) |",
        "|---|---|---|---|",
        *(
            f"| {place.rank} | {arch} | {errors.epe[arch]:.4f} | {place.worse_by} |"
            for arch, place in ((each, errors.places[each]) for each in errors.ranking())
        ),
        "",
        errors.chance(),
        "",
        "## What this run is",
        "",
        "| key | value |",
        "|---|---|",
        *(f"| {key} | {value} |" for key, value in manifest["identity"].items()),
        "",
    ]
    write_whole(folder / REPORT, "\n".join(lines))


def plot_curves(rows: list, path: Path) -> None:
    """Loss and EPE over the samples seen, with the error of predicting zero as the line to beat."""

    def column(name):
        return [float(row[name]) for row in rows]

    size = pool_size(rows)
    figure = new_figure(10, 4)
    left, right = figure.subplots(1, 2)
    seen = column("samples_seen")
    left.plot(seen, column("train_loss"), marker=".", label="loss")
    left.plot(seen, column("train_loss_with_decay"), marker=".", label="loss with weight decay")
    left.set(xlabel="samples seen", ylabel="mean training loss of the epoch", title="Loss, mean of the lanes")
    mean, std = column(f"mean_epe_{size}"), column(f"std_epe_{size}")
    right.plot(seen, mean, marker=".", color="tab:blue", label=f"mean of {size} subnets")
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
