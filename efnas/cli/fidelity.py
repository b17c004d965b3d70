"""`efnas fidelity`: does the supernet's ranking say anything about the same subnets trained alone?"""

from pathlib import Path
from typing import Optional

import typer
from typing_extensions import Annotated

from efnas.cli.grouping import grouped
from efnas.cli.options import Output, RunOptions, require_folder
from efnas.cli.training_options import SearchFolder, TrainingOptions


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
    how: TrainingOptions = TrainingOptions(),
    out: Annotated[
        Optional[Path], typer.Option(metavar="DIR", show_default="outputs/fidelity/...", help="Where to keep it all.")
    ] = None,
    run: RunOptions = RunOptions(),
    output: Output = Output(),
) -> None:
    """Train subnets of a search alone and compare: Kendall's tau with its interval, beside that of two trainings.

    Subnets are drawn in cells of predicted error and latency. The recipe is that of the supernet's run, with what --set
    changes. Each training is a run of its own below DIR/runs; whatever was stopped goes on, and a larger --subnets,
    --twice or --seeds trains what is missing.
    """
    from efnas.cli.screen.console import print_json, print_next, print_note
    from efnas.cli.screen.progress import progress_bar
    from efnas.cli.screen.tensorflow_messages import quiet_tensorflow
    from efnas.core.alone import require_all_subnets
    from efnas.runs.supernet import supernet_of
    from efnas.search.fidelity import fidelity_of
    from efnas.search.fidelity_folder import write_fidelity
    from efnas.search.fidelity_trainings import measured_alone, planned
    from efnas.search.retraining import search_of_run

    how.share()  # what is wrong with it is said first
    settings = run.settings({"train.num_epochs": num_epochs}, of_run=True)
    name = settings.runtime.experiment_name
    require_all_subnets(supernet_of(settings), "efnas fidelity")
    folder = out or Path("outputs") / "fidelity" / name
    require_folder("--out", folder)
    found, _ = search_of_run(settings, search or Path("outputs") / "search" / name)
    plan = planned(found, settings, folder / "runs", subnets, twins, twice, seeds)
    left = how.train([each.config for each in plan.trainings], "subnets")
    if left:
        print_note(f"{len(left)} of {len(plan.trainings)} trainings are still to do, in other parts.")
        return
    quiet_tensorflow()
    with progress_bar("Evaluating", "subnets") as progress:
        measured, archs = measured_alone(plan, found, folder / "errors", progress)
    said = fidelity_of(measured)
    written = write_fidelity(folder, plan, measured, archs, said)
    if output.as_json:
        print_json(written.content)
        return
    _show(written.content["verdict"], said)
    print(f"Written: {', '.join(map(str, written.files))}")
    print_next(f"efnas retrain --experiment-name {name}")


def _show(verdict: str, said) -> None:
    from efnas.cli.screen.console import console, table

    rows = [("the supernet and training alone", said.subnets, said.tau, said.rho)]
    if said.trained_twice:
        rows.append(("one training and another", said.trained_twice, said.tau_of_trainings, said.rho_of_trainings))
        rows.append(("the most that a ranking could reach, by a model", "", said.reachable, ""))
    if said.window.couples:
        within = f"couples within {said.window.share:.0%} of latency"
        rows.append((within, f"{said.window.couples} couples", said.window.tau, ""))
    console().print(table(f"On {said.pairs} pairs", ["between", ">subnets", ">Kendall's tau (95 %)", ">rho"], rows))
    rows = [(each.top, f"{each.px:.4f}", f"{each.random_px:.4f}", f"{each.as_good_by_chance:.2f}")
            for each in said.regrets]  # fmt: skip
    columns = [">best of the supernet", ">lost, px (95 %)", ">drawn blindly, px", ">chance to be as good"]
    console().print(table("Training only these alone", columns, rows))
    print(verdict)
