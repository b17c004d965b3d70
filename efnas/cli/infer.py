"""`efnas infer`: the flow of image pairs, as pictures or `.flo` files."""

from contextlib import nullcontext
from pathlib import Path
from typing import Optional

import typer
from typing_extensions import Annotated

from efnas.cli.grouping import grouped
from efnas.cli.options import Checkpoint, Output, RunOptions
from efnas.cli.packaged import PretrainedName, packaged, where_no_run_is
from efnas.errors import EfnasError

SHOWN = 20  # rows of a long sequence


@grouped
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
    checkpoint: Checkpoint = "best",
    tflite: Annotated[
        Optional[Path], typer.Option(metavar="FILE", show_default=False, help="An exported file, not a checkpoint.")
    ] = None,
    pretrained: PretrainedName = None,
    int8: Annotated[
        bool, typer.Option("--int8", help="By the INT8 file of a network of the package, not in float.")
    ] = False,
    truth: Annotated[
        Optional[Path],
        typer.Option("--ground-truth", metavar="FILE.flo", show_default=False, help="Score the flow against it."),
    ] = None,
    longest: Annotated[
        Optional[float],
        typer.Option(min=0.01, show_default="the longest flow", help="Pixels of motion that are drawn in full colour."),
    ] = None,
    run: RunOptions = RunOptions(),
    output: Output = Output(),
) -> None:
    """Predict the flow of an image pair, of two folders, or of a folder of video frames.

    The picture shows direction as hue and length as saturation, with the wheel as legend. Images may have any size: an
    exported file, or a checkpoint with data.geometry: whole, sees larger ones scaled down, and their flow is scaled up.

    Where no run is named and there is none in the default folder, it is by the network `balanced` of the package.
    """
    from efnas.cli.run_names import options_for
    from efnas.cli.screen.console import print_json, print_next, print_note
    from efnas.cli.screen.progress import progress_bar
    from efnas.cli.screen.tensorflow_messages import quiet_tensorflow
    from efnas.config import WHOLE, frames_told
    from efnas.core.alone import in_words
    from efnas.evaluation.inference import Inference, subnet_flow
    from efnas.runs.run_files import arch_of

    inference = Inference(first, second, out, truth)
    named, pretrained = pretrained, pretrained or where_no_run_is(run)
    if int8 and not pretrained:
        raise EfnasError("--int8 is for a network of the package: name it with --pretrained.")
    of_package = packaged(pretrained, run) if pretrained else None
    if of_package and (int8 or not of_package.network.in_float):
        tflite = of_package.network.file
    if tflite:
        from efnas.export.flow import file_flow
        from efnas.export.host import KERNELS

        network, name, proposed, computed = nullcontext(file_flow(tflite)), tflite.name, "--help", {"kernels": KERNELS}
        geometry = WHOLE  # a file takes one size
    else:
        settings = of_package.config if of_package else run.settings(of_run=True)
        geometry = settings.data.geometry
        code = arch_of(settings, arch, checkpoint)
        quiet_tensorflow()
        if of_package:
            checkpoint = of_package.checkpoint(bool(settings.eval.bn_recal_batches))
        network, name, computed = subnet_flow(settings, checkpoint, code), in_words(code.compact), {}
        proposed = f"--arch {code.compact}"
        if settings.train.arch is not None:  # what was trained alone may be no subnet, which random weights are of
            proposed += f" --checkpoint {checkpoint} {options_for(settings.runtime.run_folder)}"
    if pretrained:
        name, proposed = f"{pretrained}, {name}", f"--pretrained {pretrained}"
    if pretrained != named:
        print_note(f"No run is named: this is by the pre-trained network {pretrained} (efnas pretrained {pretrained}).")
    with network as flow, progress_bar("Predicting", "pairs") as progress:
        found = inference.run(flow, name, longest, progress)
    if output.as_json:
        computed.update({"pretrained": pretrained} if pretrained else {})
        print_json({"network": name, "geometry": geometry, **computed, "pairs": [each.as_dict() for each in found]})
        return
    _show(", ".join([name, *computed.values()]) + frames_told(geometry), found, out)
    print_next(f"efnas vela-compare {proposed}")


def _show(name: str, found: list, out: Optional[Path]) -> None:
    from efnas.cli.screen.console import console, table

    rows = []
    for one in found[:SHOWN]:
        scores = (f"{one.score.epe:.3f}", f"{one.score.zero_epe:.3f}", f"{one.score.known:.1%}") if one.score else ()
        rows.append((one.first.name, one.second.name, f"{one.width}x{one.height}", f"{one.mean_length:.3f}", *scores))
    columns = ["first", "second", "pixels", ">mean motion px"]
    if found[0].score:
        columns += [">EPE px", ">zero flow px", ">known"]
    console().print(table(f"Flow of {len(found)} pair{'s' * (len(found) > 1)} by {name}", columns, rows))
    if out:
        console().print(f"Written: {out}")
