"""`efnas bench`: how fast a configuration trains here, and with which settings."""

from pathlib import Path
from typing import Optional

import typer
from typing_extensions import Annotated

from efnas.cli.grouping import grouped
from efnas.cli.options import Output, RunOptions
from efnas.errors import CheckFailed


@grouped
def bench(
    rounds: Annotated[int, typer.Option(min=1, help="Rounds in which every setting takes some steps.")] = 5,
    steps: Annotated[int, typer.Option(min=1, help="Steps of a round, from memory and as many with data.")] = 4,
    seconds: Annotated[
        float, typer.Option(min=1, help="Longest time for a setting to begin, and for a round of it.")
    ] = 900.0,
    everything: Annotated[
        bool, typer.Option("--everything", help="On a CPU, too, measure mixed precision and XLA.")
    ] = False,
    out: Annotated[
        Optional[Path], typer.Option(metavar="FILE", show_default=False, help="Write the figures as JSON, too.")
    ] = None,
    run: RunOptions = RunOptions(),
    output: Output = Output(),
) -> None:
    """Time the training step of a configuration by the settings that matter, and recommend some of them.

    Precision, XLA, the gradients of convolutions and micro batches, each in a process of its own: the step with its
    quartiles, samples a second, how much of it goes to reading data, and the peak of memory. Nothing is kept of the
    training; a synthetic data set that is not there is written.
    """
    from efnas.cli.screen.console import console, print_json, print_next, table
    from efnas.cli.screen.progress import progress_bar
    from efnas.data.sources import open_datasets
    from efnas.files import as_json, require_folder_of, write_whole
    from efnas.training.benchmark import run_benchmark

    settings = run.settings()
    if out:
        require_folder_of(out)
    with progress_bar("Writing the data set", "pairs") as update:
        open_datasets(settings.data, update)
    with progress_bar("Building", "rounds") as update:
        found = run_benchmark(settings, rounds, steps, seconds, everything, update)
    batch = settings.train.batch_size
    told = {"device": found.device, "batch_size": batch, "rows": [row.as_dict(batch) for row in found.rows],
            "advice": found.advice, "said": found.said}  # fmt: skip
    if out:
        write_whole(out, as_json(told))
    if output.as_json:
        print_json(told)
    else:
        columns = ["setting", ">step ms", ">quartiles", ">samples/s", ">of it data", ">peak MB"]
        title = f"A step of {batch} pairs, {found.device}, {rounds} rounds of {steps}"
        console().print(table(title, columns, [_cells(row, batch) for row in found.rows]))
        for line in [*(f"{row.setting.told()}: {row.failed}" for row in found.rows if row.failed), *found.said]:
            console().print(line)
        print_next(" ".join([f"efnas train{f' --config {run.config}' if run.config else ''}", *found.advice]))
    if all(row.failed for row in found.rows):
        raise CheckFailed("No setting could be measured.")


def _cells(row, batch: int) -> tuple:
    if row.failed:
        return (row.setting.told(), "failed", "-", "-", "-", "-")
    low, high = row.interval
    peak = "-" if row.peak_mb is None else f"{row.peak_mb:,.0f}"
    return (row.setting.told(), f"{1000 * row.step:,.0f}", f"{1000 * low:,.0f} to {1000 * high:,.0f}",
            f"{batch / row.step:,.1f}", f"{row.waiting:.1%}", peak)  # fmt: skip
