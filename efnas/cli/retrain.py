"""`efnas retrain`: the chosen subnets of a search trained alone, beside the baseline, and measured as deployed."""

from pathlib import Path
from typing import List, Optional

import typer
from typing_extensions import Annotated

from efnas.cli.grouping import grouped
from efnas.cli.options import Output, RunOptions, VelaProgram, require_choice, require_folder
from efnas.cli.search_query import LimitOptions
from efnas.cli.training_options import SearchFolder, TrainingOptions


@grouped
def retrain(
    search: SearchFolder = None,
    archs: Annotated[
        Optional[List[str]],
        typer.Option("--arch", metavar="CODE", show_default="from the front", help="A subnet; may be repeated."),
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="How many, spread over the front.")] = 4,
    limits: LimitOptions = LimitOptions(),
    beginning: Annotated[
        str, typer.Option("--from", metavar="scratch|supernet|both", help="What the trainings begin with.")
    ] = "both",
    num_epochs: Annotated[
        Optional[int], typer.Option(show_default="the supernet's", help="Epochs of each training.")
    ] = None,
    how: TrainingOptions = TrainingOptions(),
    vela: VelaProgram = None,
    out: Annotated[
        Optional[Path], typer.Option(metavar="DIR", show_default="outputs/retrain/...", help="Where to keep it all.")
    ] = None,
    run: RunOptions = RunOptions(),
    output: Output = Output(),
) -> None:
    """Train subnets of a search alone, beside the bilinear baseline: one budget, one recipe, one order of the data.

    The recipe is that of the supernet's run, with what --set changes. Each training is a run of its own below DIR/runs;
    whatever was stopped goes on. Subnets are chosen on one half of the validation pairs and reported on the other.
    """
    from efnas.cache import Cache, cache_folder
    from efnas.cli.screen.console import console, print_json, print_next, print_note, table
    from efnas.cli.screen.progress import progress_bar
    from efnas.cli.screen.tensorflow_messages import quiet_tensorflow
    from efnas.core.alone import require_all_subnets
    from efnas.runs.supernet import supernet_of
    from efnas.search.measured import deployment_of, measured
    from efnas.search.results import COLUMNS, NAMES, as_dicts, as_told, cells, results_of, write_results
    from efnas.search.retraining import BEGINNINGS, chosen_archs, search_of_run, trainings_of

    require_choice("--from", beginning, list(BEGINNINGS))
    how.share()  # what is wrong with it is said first
    settings = run.settings({"train.num_epochs": num_epochs}, of_run=True)
    supernet, name = supernet_of(settings), settings.runtime.experiment_name
    require_all_subnets(supernet, "efnas retrain")
    folder = out or Path("outputs") / "retrain" / name
    require_folder("--out", folder)
    found, source = search_of_run(settings, search or Path("outputs") / "search" / name)
    deployment = deployment_of(found.table, vela, Cache(cache_folder()))
    codes = [supernet.space.parse(text) for text in archs or []] or chosen_archs(found, limits.limits(), top)
    trainings = trainings_of(settings, list(dict.fromkeys(codes)), beginning, source, folder / "runs")
    left = how.train([each.config for each in trainings], "networks")
    if left:
        print_note(f"{len(left)} of {len(trainings)} trainings are still to do, in other parts: {', '.join(left)}.")
        return
    quiet_tensorflow()
    with progress_bar("Measuring", "pairs") as progress:
        known = [measured(each.config, deployment, folder / "files", progress) for each in trainings]
    results = results_of(trainings, known, found.errors)
    title = f"Retrained alone, {settings.train.num_epochs} epochs each, {found.table.title}"
    written = write_results(folder, results, title, as_told(trainings, known), settings.data.geometry)
    if output.as_json:
        print_json({"geometry": settings.data.geometry, "results": as_dicts(results)})
        return
    console().print(table(title, list(COLUMNS), [cells(each) for each in results], less=COLUMNS[5:8:2]))
    print(f"Written: {written[0]}, {', '.join(NAMES[1:])}")
    best = min(results, key=lambda each: each.int8_epe)
    print_next(f"efnas infer IMAGE_0 IMAGE_1 --tflite {folder / 'files' / best.file} --out flow.png")
