"""`efnas infer`: the flow of image pairs, as pictures or `.flo` files."""

from pathlib import Path
from typing import Optional

import typer
from typing_extensions import Annotated

from efnas.cli.options import Assignments, ConfigFile, ExperimentName, Json, OutputRoot
from efnas.core.space import ArchCode
from efnas.errors import EfnasError

SHOWN = 20  # rows of a long sequence


def infer(
    first: Annotated[Path, typer.Argument(metavar="IMG0", help="First image; or a folder of them.")],
    second: Annotated[
        Optional[Path],
        typer.Argument(metavar="[IMG1]", show_default=False, help="Second image or folder. Left out: frames of IMG0."),
    ] = None,
    out: Annotated[
        Optional[Path],
        typer.Option(metavar="FILE|DIR", show_default=False, help=".png or .flo file; a folder for many pairs."),
    ] = None,
    arch: Annotated[str, typer.Option(metavar="CODE|best", help="The subnet.")] = "best",
    checkpoint: Annotated[str, typer.Option(metavar="best|last|PATH", help="Weights of a run.")] = "best",
    tflite: Annotated[
        Optional[Path], typer.Option(metavar="FILE", show_default=False, help="An exported file, not a checkpoint.")
    ] = None,
    truth: Annotated[
        Optional[Path],
        typer.Option("--ground-truth", metavar="FILE.flo", show_default=False, help="Score the flow against it."),
    ] = None,
    longest: Annotated[
        Optional[float],
        typer.Option(min=0.01, show_default="the longest flow", help="Pixels of motion that are drawn in full colour."),
    ] = None,
    experiment_name: ExperimentName = None,
    output_root: OutputRoot = None,
    config: ConfigFile = None,
    assignments: Assignments = None,
    as_json: Json = False,
) -> None:
    """Predict the flow of an image pair, of two folders, or of a folder of video frames.

    The picture shows direction as hue and length as saturation, with the wheel as legend. Images may have any size.
    """
    from efnas.cli.screen.console import print_json, progress_bar
    from efnas.cli.screen.tensorflow_messages import quiet_tensorflow
    from efnas.data.flow_files import write_flo
    from efnas.evaluation import inference as work
    from efnas.evaluation.panels import write_panel
    from efnas.export.flow import file_flow, subnet_flow
    from efnas.figures import require_picture
    from efnas.files import make_folder, require_folder_of
    from efnas.runs.manifest import load_run_config
    from efnas.runs.run_files import arch_of

    pairs = work.frame_pairs(first, second)
    many = first.is_dir()
    if many and (truth or out is None or out.is_file()):
        raise EfnasError("For many pairs --out names a folder, and --ground-truth is not for them.")
    if out and not many:
        require_folder_of(out) if out.suffix == ".flo" else require_picture(out)
    images = work.read_pair(*pairs[0])  # before TensorFlow: what cannot be read is said at once
    flow_truth = work.read_truth(truth, *images.shape[:2]) if truth else None
    code = None
    if tflite:
        network, name = file_flow(tflite), tflite.name
    else:
        options = {"runtime.experiment_name": experiment_name, "runtime.output_root": output_root}
        settings = load_run_config(config, options, assignments or [])
        code = arch_of(settings, arch, checkpoint)
        quiet_tensorflow()
        network, name = subnet_flow(settings, checkpoint, code), f"subnet {code.compact}"
    if many:
        make_folder(out)
    answers = []
    with progress_bar("Predicting", "pairs") as progress:
        for number, (one, other) in enumerate(pairs, start=1):
            if number > 1:
                images = work.read_pair(one, other)
            flow = network(images)
            answer = {"first": str(one), "second": str(other), "height": flow.shape[0], "width": flow.shape[1]}
            path = out / f"{one.stem}_flow.png" if many else out
            if path and path.suffix == ".flo":
                write_flo(path, flow)
            elif path:
                shown = (flow_truth.flow, flow_truth.known) if flow_truth else (None, None)
                write_panel(path, f"{one.name}, {other.name}: {name}", images, flow, *shown, longest)
            if many:
                write_flo(out / f"{one.stem}_flow.flo", flow)
            if flow_truth:
                answer.update(work.score(flow, flow_truth)._asdict())
            answer.update(mean_length=float(((flow**2).sum(-1) ** 0.5).mean()), written=path and str(path))
            answers.append(answer)
            progress(number, len(pairs))
    if as_json:
        print_json({"network": name, "pairs": answers})
        return
    _show(name, code, answers, out)


def _show(name: str, code: Optional[ArchCode], answers: list, out: Optional[Path]) -> None:
    from efnas.cli.screen.console import console, print_next, table

    rows = []
    for one in answers[:SHOWN]:
        scores = (f"{one['epe']:.3f}", f"{one['zero_epe']:.3f}", f"{one['known']:.1%}") if "epe" in one else ()
        names = Path(one["first"]).name, Path(one["second"]).name
        rows.append((*names, f"{one['width']}x{one['height']}", f"{one['mean_length']:.3f}", *scores))
    columns = ["first", "second", "pixels", ">mean motion px"]
    if "epe" in answers[0]:
        columns += [">EPE px", ">zero flow px", ">known"]
    console().print(table(f"Flow of {len(answers)} pair{'s' * (len(answers) > 1)} by {name}", columns, rows))
    if out:
        console().print(f"Written: {out}")
    print_next(f"efnas vela-compare --arch {code.compact}" if code else "efnas vela-compare --help")
