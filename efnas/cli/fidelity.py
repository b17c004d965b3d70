"""`efnas fidelity`: does the supernet's ranking say anything about the same subnets trained alone?"""

from pathlib import Path
from typing import Optional

import typer
from typing_extensions import Annotated

from efnas.cli.grouping import grouped, options_of
from efnas.cli.options import Checkpoint, Output, RunOptions, given, require_folder
from efnas.cli.settling import SettlingOptions
from efnas.cli.training_options import SearchFolder, TrainingOptions
from efnas.errors import EfnasError

OF_TRAINING = {"search", "subnets", "twins", "twice", "seeds", "num_epochs", "schedule", *options_of(TrainingOptions)}


@grouped
def fidelity(
    search: SearchFolder = None,
    subnets: Annotated[int, typer.Option(min=3, help="How many are trained alone, the baseline's among them.")] = 30,
    twins: Annotated[int, typer.Option(min=0, help="Couples of them that have equal latency.")] = 6,
    twice: Annotated[int, typer.Option(min=0, help="How many of them are trained with every seed.")] = 8,
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Seeds, from that of the run on.")] = 2,
    num_epochs: Annotated[
        Optional[int], typer.Option(show_default="the supernet's", help="Epochs of each training: the budget.")
    ] = None,
    schedule: Annotated[
        Optional[str],
        typer.Option(metavar="E,E,...", show_default=False, help="Other budgets, epochs, for those trained twice."),
    ] = None,
    against: Annotated[
        Optional[Path],
        typer.Option(metavar="DIR", show_default=False, help="Train nothing: compare with this fidelity's trainings."),
    ] = None,
    checkpoint: Checkpoint = "best",
    how: TrainingOptions = TrainingOptions(),
    along: SettlingOptions = SettlingOptions(),
    out: Annotated[
        Optional[Path], typer.Option(metavar="DIR", show_default="outputs/fidelity/...", help="Where to keep it all.")
    ] = None,
    run: RunOptions = RunOptions(),
    output: Output = Output(),
) -> None:
    """Train subnets of a search alone and compare: Kendall's tau with its interval, beside that of two trainings.

    Subnets are drawn in cells of predicted error and latency. The recipe is that of the supernet's run, with what --set
    changes. Each training is a run of its own below DIR/runs; whatever was stopped goes on, and a larger --subnets,
    --twice or --seeds trains what is missing. --schedule asks whether shorter trainings rank as longer ones do,
    --against how another supernet ranks what was trained, --settling when a supernet has been trained enough.
    """
    from efnas.cli.screen.console import print_json, print_next, print_note
    from efnas.cli.screen.progress import progress_bar
    from efnas.cli.screen.tables import show_told
    from efnas.cli.screen.tensorflow_messages import quiet_tensorflow
    from efnas.core.alone import require_all_subnets
    from efnas.runs.supernet import supernet_of
    from efnas.search.against import compared, of_another
    from efnas.search.budgets import epochs_of_text
    from efnas.search.fidelity_errors import read_measured
    from efnas.search.fidelity_folder import write_fidelity
    from efnas.search.fidelity_trainings import measured_alone, planned
    from efnas.search.retraining import search_of_run

    how.share()  # what is wrong with it is said first
    epochs = [] if schedule is None else epochs_of_text(schedule)
    settings = run.settings({"train.num_epochs": num_epochs}, of_run=True)
    name = settings.runtime.experiment_name
    require_all_subnets(supernet_of(settings), "efnas fidelity")
    folder = out or Path("outputs") / "fidelity" / name
    require_folder("--out", folder)
    if along.wanted():
        along.show(settings, folder, how.dask, output.as_json)
        return
    if against:
        _require_no_training(run, folder, against)
        known = read_measured(against)
        quiet_tensorflow()
        with progress_bar("Evaluating", "batches") as progress:
            errors = of_another(known, settings, checkpoint, progress)
        written = write_fidelity(folder, errors, against=compared(errors, known))
    else:
        found, _ = search_of_run(settings, search or Path("outputs") / "search" / name)
        plan = planned(found, settings, folder, subnets, twins, twice, seeds, epochs)
        left = how.train([each.config for each in plan.every], "subnets")
        if left:
            print_note(f"{len(left)} of {len(plan.every)} trainings are still to do, in other parts.")
            return
        quiet_tensorflow()
        with progress_bar("Evaluating", "subnets") as progress:
            errors, of_schedule = measured_alone(plan, found, name, folder, progress)
        written = write_fidelity(folder, errors, of_schedule)
    if output.as_json:
        print_json(written.content)
        return
    show_told(written)
    print_next(f"efnas retrain --experiment-name {name}")


def _require_no_training(run: RunOptions, folder: Path, against: Path) -> None:
    """Raises EfnasError for options that --against leaves without a meaning, and where it would write to itself."""
    words = [param.opts[0] for param in given(OF_TRAINING)]
    words += [f"--set {text}" for text in run.assignments or [] if text.startswith("train.")]
    if words:
        raise EfnasError(f"--against trains nothing: leave out {', '.join(words)}.")
    if folder.resolve() == against.resolve():
        raise EfnasError(f"{folder} is what --against compares with: write to another folder with --out.")
