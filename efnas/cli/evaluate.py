"""`efnas eval`: rank subnets of a trained supernet by end-point error."""

from pathlib import Path
from typing import List, Optional

import typer
from typing_extensions import Annotated

from efnas.cli.options import Assignments, BasePath, ConfigFile, ExperimentName, GpuDevice, Json, OutputRoot
from efnas.core.space import FLOW_SPACE
from efnas.errors import EfnasError


def evaluate(
    config: ConfigFile = None,
    checkpoint: Annotated[str, typer.Option(metavar="best|last|PATH", help="Weights to evaluate.")] = "best",
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
    experiment_name: ExperimentName = None,
    output_root: OutputRoot = None,
    base_path: BasePath = None,
    gpu_device: GpuDevice = None,
    assignments: Assignments = None,
    as_json: Json = False,
) -> None:
    """Rank subnets of a run: the evaluation pool, or those of --arch, or --random N; the baseline is always among them.

    Without --config the configuration is the one the run was trained with.
    """
    from efnas.cli.run_names import options_for
    from efnas.cli.screen.console import console, print_json, print_next, progress_bar
    from efnas.cli.screen.tensorflow_messages import quiet_tensorflow
    from efnas.core.sampler import evaluation_pool, random_archs
    from efnas.runs.manifest import load_run_config

    if eval_batches not in (None, "all") and not eval_batches.isdigit():
        raise EfnasError(f"--eval-batches is a number or all, not '{eval_batches}'.")
    settings = load_run_config(
        config,
        {
            "eval.bn_recal_batches": bn_recal_batches,
            "eval.eval_batches_per_arch": eval_batches,
            "runtime.experiment_name": experiment_name,
            "runtime.output_root": output_root,
            "data.base_path": base_path,
            "runtime.gpu_device": gpu_device,
        },
        assignments or [],
    )
    seed = settings.runtime.seed
    chosen = [FLOW_SPACE.parse(text) for text in archs or []]
    if random:
        chosen += random_archs(FLOW_SPACE, seed, random)
    chosen = chosen or evaluation_pool(FLOW_SPACE, seed, settings.eval.eval_pool_size)
    chosen = list(dict.fromkeys(chosen + [FLOW_SPACE.baseline]))

    quiet_tensorflow()
    from efnas.cli.screen.training import ranking_table
    from efnas.evaluation.trained import evaluate_checkpoint

    with progress_bar("Evaluating", "batches") as update:
        result = evaluate_checkpoint(settings, checkpoint, chosen, pictures, picture_count, update)
    if as_json:
        print_json(result.as_dict)
        return
    console().print(ranking_table(f"Subnets of {result.checkpoint}, epoch {result.state['epoch']}", result.evaluation))
    print(f"Written: {result.written}")
    for path in result.pictures:
        print(f"Picture: {path}")
    best = result.evaluation.ranking()[0]
    named = options_for(settings.runtime.run_folder)
    print_next(f"efnas export --arch {best.compact} --out {best.compact}.tflite {named}")
