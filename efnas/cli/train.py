"""`efnas train`: train a supernet with strict fairness, or one of its subnets alone."""

import shlex
import sys
from pathlib import Path
from typing import List, Optional

import typer
from typing_extensions import Annotated

from efnas.cli.grouping import grouped
from efnas.cli.options import Output, RunOptions, require_choice
from efnas.errors import EfnasError


@grouped
def train(
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
    arch: Annotated[
        Optional[str],
        typer.Option(metavar="CODE|baseline", show_default=False, help="Train this subnet, or the baseline, alone."),
    ] = None,
    init_from: Annotated[
        Optional[Path],
        typer.Option(
            metavar="RUN|PATH|pretrained",
            show_default=False,
            help="Begin with the weights of a run, a checkpoint, or the supernet of the package.",
        ),
    ] = None,  # fmt: skip
    run: RunOptions = RunOptions(),
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
    output: Output = Output(),
) -> None:
    """Train a supernet, or one subnet alone; runs are kept in OUTPUT_ROOT/EXPERIMENT_NAME.

    A subnet that is trained alone is a run with a name of its own, as in --arch 000001000 --experiment-name
    alone-000001000: from scratch, or --init-from a supernet's run.

    SIGTERM, SIGINT (Ctrl-C), SIGHUP and SIGUSR1 finish the step and save; --resume goes on, with the run's own
    configuration where no --config is given.
    """
    from efnas.cli.run_names import run_folder
    from efnas.cli.screen.console import print_next
    from efnas.cli.screen.ranks import joined
    from efnas.cli.screen.tensorflow_messages import messages_for_a_log
    from efnas.config import PRETRAINED

    if output.as_json and dry_run:
        raise EfnasError("--dry-run shows a plan to read; it has no --json.")
    going_on = resume or resume_from is not None
    if going_on and overwrite:
        raise EfnasError("--resume and --overwrite contradict each other: give one.")
    if not going_on and (allow or extend_schedule or keep_schedule):
        raise EfnasError("--allow, --extend-schedule and --keep-schedule belong to --resume.")
    if extend_schedule and keep_schedule:
        raise EfnasError("--extend-schedule and --keep-schedule contradict each other: give one.")
    require_choice("--resume-from", resume_from or "last", ("last", "best"))
    options = {
        "train.num_epochs": num_epochs,
        "train.steps_per_epoch": steps_per_epoch,
        "train.epoch_mode": "fixed_steps" if steps_per_epoch else None,
        "train.batch_size": batch_size,
        "train.micro_batch_size": micro_batch_size,
        "train.lr": lr,
        "train.arch": arch,
        "train.init_from": init_from if init_from in (None, PRETRAINED) else run_folder(init_from, run.output_root),
        "runtime.seed": seed,
    }
    with messages_for_a_log() as messages:
        ranks = joined()
        with ranks.together():
            settings = run.settings(options, of_run=going_on)
        from efnas.cli.screen.training import training_screen
        from efnas.runs.resume import EXTEND, KEEP, Resume
        from efnas.training.loop import run_training
        from efnas.training.plan import allowed, prepare
        from efnas.training.stopping import StopRequest

        schedule = EXTEND if extend_schedule else KEEP if keep_schedule else None
        decided = Resume(resume_from or "last", allow or [], schedule) if going_on else None
        with training_screen(output.as_json, messages if ranks.first else lambda log: None) as screen:
            plan = ranks.after_first(lambda: prepare(settings, decided, screen.synthesis, not dry_run, ranks))
            if dry_run:
                with screen.refusals():
                    ranks.of_first(lambda: allowed(plan, overwrite, decided))
                screen.show_plan(plan)
                print_next(" ".join(["efnas", *(shlex.quote(word) for word in sys.argv[1:] if word != "--dry-run")]))
                return
            with StopRequest(screen.stopping, ranks.size > 1) as request, screen.refusals():
                for event in run_training(plan, overwrite, decided, request.wanted):
                    screen.show(plan, event)
    screen.answer(plan, output.as_json)
