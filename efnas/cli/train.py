"""`efnas train`: train a supernet with strict fairness."""

import shlex
import sys
from typing import List, Optional

import typer
from typing_extensions import Annotated

from efnas.cli.options import (
    Assignments,
    BasePath,
    ConfigFile,
    ExperimentName,
    GpuDevice,
    Json,
    OutputRoot,
    require_choice,
)
from efnas.errors import EfnasError


def train(
    config: ConfigFile = None,
    num_epochs: Annotated[Optional[int], typer.Option(show_default=False, help="Epochs to train.")] = None,
    steps_per_epoch: Annotated[
        Optional[int], typer.Option(show_default=False, help="Steps an epoch; sets train.epoch_mode to fixed_steps.")
    ] = None,
    batch_size: Annotated[Optional[int], typer.Option(show_default=False, help="Pairs a step.")] = None,
    micro_batch_size: Annotated[
        Optional[int], typer.Option(show_default=False, help="Pairs a session call; smaller needs less memory.")
    ] = None,
    lr: Annotated[Optional[float], typer.Option(show_default=False, help="Learning rate at the start.")] = None,
    seed: Annotated[
        Optional[int], typer.Option(show_default=False, help="Seed of weights, fair cycles and data.")
    ] = None,
    experiment_name: ExperimentName = None,
    output_root: OutputRoot = None,
    base_path: BasePath = None,
    gpu_device: GpuDevice = None,
    assignments: Assignments = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, print the plan, train nothing.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a run of the same name.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run, as if it had never stopped.")] = False,
    resume_from: Annotated[
        Optional[str], typer.Option(metavar="last|best", show_default="last", help="The checkpoint to go on from.")
    ] = None,
    allow: Annotated[
        Optional[List[str]],
        typer.Option(metavar="KEY", show_default=False, help="Resume although this identity key differs."),
    ] = None,
    extend_schedule: Annotated[
        bool, typer.Option("--extend-schedule", help="More epochs: learning rates of the new length.")
    ] = False,
    keep_schedule: Annotated[
        bool, typer.Option("--keep-schedule", help="More epochs: learning rates of the old length.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Train a supernet; runs are kept in OUTPUT_ROOT/EXPERIMENT_NAME.

    SIGTERM, SIGINT (Ctrl-C), SIGHUP and SIGUSR1 finish the step and save; --resume goes on, with the run's own
    configuration where no --config is given.
    """
    from efnas.cli.run_names import options_for
    from efnas.cli.screen.console import console, is_quiet, print_json, print_next
    from efnas.cli.screen.tensorflow_messages import chatter_for_a_log
    from efnas.config import load_config
    from efnas.runs.manifest import load_run_config

    if as_json and dry_run:
        raise EfnasError("--dry-run shows a plan to read; it has no --json.")
    resuming = resume or resume_from is not None
    if resuming and overwrite:
        raise EfnasError("--resume and --overwrite contradict each other: give one.")
    if not resuming and (allow or extend_schedule or keep_schedule):
        raise EfnasError("--allow, --extend-schedule and --keep-schedule belong to --resume.")
    if extend_schedule and keep_schedule:
        raise EfnasError("--extend-schedule and --keep-schedule contradict each other: give one.")
    require_choice("--resume-from", resume_from or "last", ("last", "best"))
    settings = (load_run_config if resuming else load_config)(
        config,
        {
            "train.num_epochs": num_epochs,
            "train.steps_per_epoch": steps_per_epoch,
            "train.epoch_mode": "fixed_steps" if steps_per_epoch else None,
            "train.batch_size": batch_size,
            "train.micro_batch_size": micro_batch_size,
            "train.lr": lr,
            "runtime.seed": seed,
            "runtime.experiment_name": experiment_name,
            "runtime.output_root": output_root,
            "data.base_path": base_path,
            "runtime.gpu_device": gpu_device,
        },
        assignments or [],
    )
    with chatter_for_a_log() as chatter:
        from efnas.cli.manifest import difference_table
        from efnas.cli.screen.training import ranking_table, show_plan, training_screen
        from efnas.runs.resume import NotTheSameRun, Resume
        from efnas.training.loop import train as train_supernet
        from efnas.training.plan import prepare

        with training_screen(as_json or is_quiet(), chatter) as screen:
            if dry_run:
                show_plan(prepare(settings, screen.synthesis))
                print_next(" ".join(["efnas", *(shlex.quote(word) for word in sys.argv[1:] if word != "--dry-run")]))
                return
            decided = None
            if resuming:
                schedule = "extend" if extend_schedule else "keep" if keep_schedule else None
                decided = Resume(resume_from or "last", allow or [], schedule)
            try:
                outcome = train_supernet(settings, screen, overwrite, decided)
            except NotTheSameRun as error:
                found = [each for each in error.found if each.counts]
                console(stderr=True).print(difference_table(found, "run", "now"))
                raise
    if as_json:
        print_json({**outcome._asdict(), "folder": str(outcome.folder), "metric": settings.eval.best_metric})
        return
    if screen.last_evaluation:
        console().print(ranking_table("Subnets of the pool, last evaluation", screen.last_evaluation))
    else:
        print(f"The run was finished already, after {outcome.steps:,} steps.")
    print(
        f"Best {settings.eval.best_metric} EPE {outcome.best:.4f} px in epoch {outcome.best_epoch}, "
        f"{outcome.best / outcome.zero_epe:.2f} of predicting zero ({outcome.zero_epe:.4f} px)"
        + (f"; {outcome.steps:,} steps in {outcome.seconds:.0f} s." if screen.last_evaluation else ".")
    )
    print(f"The run is in {outcome.folder}.")
    print_next(f"efnas eval {options_for(outcome.folder)}")
