"""`efnas eval`: rank subnets of a trained supernet by end-point error, or score one on a public data set."""

from pathlib import Path
from typing import List, Optional

import typer
from typing_extensions import Annotated

from efnas.cli.eval_data import DataOptions, score_data
from efnas.cli.grouping import grouped
from efnas.cli.options import Checkpoint, Output, RunOptions
from efnas.errors import EfnasError


@grouped
def evaluate(
    checkpoint: Checkpoint = "best",
    archs: Annotated[
        Optional[List[str]],
        typer.Option("--arch", metavar="CODE", show_default=False, help="Evaluate this subnet; may be repeated."),
    ] = None,
    random: Annotated[
        Optional[int], typer.Option(min=1, show_default=False, help="Evaluate N subnets drawn from the seed.")
    ] = None,
    bn_recal_batches: Annotated[
        Optional[int], typer.Option(min=0, show_default=False, help="Batches of BN recalibration; 0 for none.")
    ] = None,
    eval_batches: Annotated[
        Optional[str], typer.Option(metavar="N|all", show_default=False, help="Validation batches for each subnet.")
    ] = None,
    pictures: Annotated[
        Optional[Path],
        typer.Option(metavar="DIR", show_default=False, help="Write pictures of the best subnet's predictions."),
    ] = None,
    picture_count: Annotated[int, typer.Option(min=1, help="How many pictures.")] = 4,
    data: DataOptions = DataOptions(),
    run: RunOptions = RunOptions(),
    output: Output = Output(),
) -> None:
    """Rank subnets of a run: the evaluation pool, or those of --arch, or --random N; the baseline is always among them.
    Of a run that trained one subnet alone, its error.

    With --data, score the best subnet, those of --arch, or an exported file, on a public data set, beside zero flow
    and, where OpenCV is installed, Farneback and DIS.

    Without --config the configuration is the one the run was trained with.
    """
    if data.data:
        score_data(data, checkpoint, archs, bn_recal_batches, run, output)
        return
    data.require_data()
    from efnas.cli.run_names import options_for
    from efnas.cli.screen.console import console, print_json, print_next, print_note
    from efnas.cli.screen.progress import progress_bar
    from efnas.cli.screen.ranks import joined
    from efnas.cli.screen.tables import ranking_table
    from efnas.cli.screen.tensorflow_messages import quiet_tensorflow
    from efnas.config import frames_told
    from efnas.core.alone import chosen_of, in_words
    from efnas.runs.supernet import supernet_of

    if eval_batches not in (None, "all") and not eval_batches.isdigit():
        raise EfnasError(f"--eval-batches is a number or all, not '{eval_batches}'.")
    more = {"eval.bn_recal_batches": bn_recal_batches, "eval.eval_batches_per_arch": eval_batches}
    ranks = joined(quiet_tensorflow)
    with ranks.together():
        settings = run.settings(more, of_run=True)
        supernet = supernet_of(settings)
        chosen = chosen_of(supernet, settings.runtime.seed, archs or [], random or 0, settings.eval.eval_pool_size)

    quiet_tensorflow()
    from efnas.evaluation.ranking import rank_subnets

    with progress_bar("Evaluating", "batches") as update:
        ranking = rank_subnets(settings, checkpoint, chosen, pictures, picture_count, update, ranks)
    if ranking is None:
        return
    if ranking.doubt:
        print_note(ranking.doubt)
    if output.as_json:
        print_json(ranking.as_dict)
        return
    what = "Subnets" if supernet.arch is None else f"{in_words(supernet.arch).capitalize()} alone,"
    title = f"{what} of {ranking.checkpoint}, epoch {ranking.epoch}{frames_told(settings.data.geometry)}"
    console().print(ranking_table(title, ranking.errors, supernet.baseline_subnet))
    if ranking.errors.chance():
        print(ranking.errors.chance())
    print(f"Written: {ranking.written}")
    for path in ranking.pictures:
        print(f"Picture: {path}")
    best = ranking.errors.ranking()[0].compact
    print_next(f"efnas export --arch {best} --out {best}.tflite {options_for(settings.runtime.run_folder)}")
