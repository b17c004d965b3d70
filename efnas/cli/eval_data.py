"""`efnas eval --data`: errors on a public data set, beside those of predicting nothing and of OpenCV's flow."""

import hashlib
import shlex
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional

import typer
from typing_extensions import Annotated

from efnas.cli.options import Output, RunOptions, given, require_choice
from efnas.cli.packaged import PretrainedName, packaged
from efnas.errors import EfnasError

OF_POOLS = ("random", "eval_batches", "pictures", "picture_count")
OF_CHECKPOINTS = ("archs", "checkpoint", "bn_recal_batches")


@dataclass(frozen=True)
class DataOptions:
    """A data set to score, and how."""

    data: Annotated[
        Optional[Path],
        typer.Option(
            metavar="DIR", show_default=False,
            help="Score on this data set, in FlyingChairs2, MPI-Sintel or Middlebury layout.",
        ),
    ] = None  # fmt: skip
    tflite: Annotated[
        Optional[Path],
        typer.Option(metavar="FILE", show_default=False, help="With --data: an exported file, not a checkpoint."),
    ] = None
    pretrained: PretrainedName = None
    geometry: Annotated[
        Optional[str],
        typer.Option(
            metavar="crop|whole|full", show_default="as efnas infer",
            help="With --data: the centre; the frame scaled down; or as it is.",
        ),
    ] = None  # fmt: skip
    summary: Annotated[
        Optional[Path],
        typer.Option(metavar="FILE", show_default=False, help="With --data: where to write everything as JSON."),
    ] = None

    def require_data(self) -> None:
        named = _given("tflite", "pretrained", "geometry", "summary")
        if named:
            raise EfnasError(f"{named} is about a data set: name it with --data.")


def score_data(
    options: DataOptions, checkpoint: str, archs: Optional[List[str]], recalibration: Optional[int], run: RunOptions,
    output: Output,
) -> None:  # fmt: skip
    """Score a file, or subnets of a checkpoint, on a data set, and show it."""
    from efnas.cli.screen.console import print_json, print_next, print_note
    from efnas.cli.screen.progress import progress_bar
    from efnas.config import WHOLE
    from efnas.data.layouts import laid_out
    from efnas.evaluation.classic import classic_methods
    from efnas.evaluation.data_errors import FULL, GEOMETRIES, data_errors
    from efnas.files import require_folder_of, write_json

    named = _given(*OF_POOLS, *(OF_CHECKPOINTS if options.tflite else ()))
    if named:
        raise EfnasError(f"{named} is not for {'a file' if options.tflite else 'a data set that --data names'}.")
    if options.geometry:
        require_choice("--geometry", options.geometry, GEOMETRIES)
    if options.summary:
        require_folder_of(options.summary)
    found, classic = laid_out(options.data), classic_methods()
    more = {"eval.bn_recal_batches": recalibration}
    of_package = packaged(options.pretrained, run, more) if options.pretrained else None
    in_float = of_package is None or of_package.network.in_float
    tflite = options.tflite if in_float else of_package.network.file
    if tflite:
        geometry = options.geometry or WHOLE
        if geometry == FULL:
            raise EfnasError("--geometry full is for a checkpoint, since a file takes one size: take whole or crop.")
        opened = _file(tflite)
    else:
        settings = of_package.config if of_package else run.settings(more, of_run=True)
        geometry = options.geometry or (WHOLE if settings.data.whole else FULL)
        if settings.data.whole != (geometry == WHOLE):
            print_note(f"Trained with data.geometry: {settings.data.geometry}, measured with {geometry}.")
        opened = _of_package(of_package, geometry) if of_package else _subnets(settings, checkpoint, archs, geometry)
    if found.without_flow:
        print_note(f"Left out, since there is no flow of them: {', '.join(found.without_flow)}.")
    if not classic.methods:
        print_note("Farneback and DIS are not shown: they need OpenCV (pip install 'efnas[classic]').")
    with opened as (networks, size, computed, same), progress_bar("Evaluating", "pairs") as progress:
        errors = data_errors(found.pairs, {**networks, **classic.methods}, geometry, size, progress)
    content = {
        "data": str(options.data), "layout": found.layout, "geometry": geometry, "input_height": size[0],
        "input_width": size[1], **computed, "opencv": classic.version or None,
        "without_flow": list(found.without_flow), **errors.as_dict(),
    }  # fmt: skip
    if options.summary:
        write_json(options.summary, content)
    if output.as_json:
        print_json(content)
        return
    _show(found.layout, geometry, size, errors)
    if options.summary:
        print(f"Written: {options.summary}")
    worst = errors.pairs[int(errors.by_pair[0].argmax())]
    first, second, flow = (shlex.quote(str(path)) for path in (worst.first, worst.second, worst.flow))
    print_next(f"efnas infer {first} {second} --ground-truth {flow} --out worst.png {same}")


@contextmanager
def _file(path: Path):
    """Networks by name, the size of their input, what is said of how they are computed, and how to name them again."""
    from efnas.export.flow import file_network
    from efnas.export.host import KERNELS
    from efnas.files import read_file

    flow, size = file_network(path)
    computed = {"file": str(path), "sha256": hashlib.sha256(read_file(path)).hexdigest(), "kernels": KERNELS}
    yield {path.name: flow}, size, computed, f"--tflite {shlex.quote(str(path))}"


@contextmanager
def _of_package(of_package, geometry: str):
    """As `_file`, of a network of the package in float."""
    from efnas.runs.pretrained import WEIGHTS

    network, config = of_package
    recalibrated = config.eval.bn_recal_batches
    checkpoint = of_package.checkpoint(bool(recalibrated))
    with _subnets(config, checkpoint, None, geometry) as (flows, size, _, _):
        sha256 = network.card["sha256"][WEIGHTS]
        computed = {"pretrained": network.name, "sha256": sha256, "bn_recal_batches": recalibrated}
        yield dict(zip([network.told], flows.values())), size, computed, f"--pretrained {network.name}"


@contextmanager
def _subnets(settings, checkpoint: str, archs: Optional[List[str]], geometry: str):
    """As `_file`; recalibrated on training frames that are shown as those of the data set are."""
    from efnas.cli.run_names import options_for
    from efnas.cli.screen.tensorflow_messages import quiet_tensorflow
    from efnas.config import CROP, WHOLE
    from efnas.runs.run_files import arch_of, checkpoint_path

    codes = list(dict.fromkeys(arch_of(settings, text, checkpoint) for text in archs or ["best"]))
    config = settings.changed("data", geometry=WHOLE if geometry == WHOLE else CROP)
    quiet_tensorflow()
    from efnas.evaluation.inference import subnet_flows

    computed = {
        "checkpoint": str(checkpoint_path(config, checkpoint)),
        "bn_recal_batches": config.eval.bn_recal_batches,
    }
    size = config.data.input_height, config.data.input_width
    same = f"--arch {codes[0].compact} --checkpoint {checkpoint} {options_for(config.runtime.run_folder)}"
    with subnet_flows(config, checkpoint, codes) as flows:
        yield dict(zip((code.compact for code in codes), flows)), size, computed, same


def _given(*names: str) -> str:
    """Those of these options that stand on the command line, in words."""
    return ", ".join(param.opts[0] for param in given(names))


def _show(layout: str, geometry: str, size, errors) -> None:
    from efnas.cli.screen.console import console, table
    from efnas.evaluation.data_errors import MOTIONS

    height, width = size
    shown = {"crop": f"crops of {width}x{height}", "whole": f"whole frames, seen at {width}x{height}"}
    pixels = [f"{share:.1%}" for share in errors.motion]
    against, zero, rows = errors.against(0), errors.by_pair[-1].mean(), []
    for row, name in enumerate(errors.methods):
        epe = errors.by_pair[row].mean()
        lengths = ["-" if share == 0 else f"{own:.3f}" for own, share in zip(errors.by_motion[row], errors.motion)]
        of_zero = f"{epe / zero:.3f}" if zero else "-"
        rows.append((name, f"{epe:.3f}", of_zero, *lengths, against[row].signed if against and row else ""))
    rows.append(("share of pixels", "", "", *pixels))
    columns = ["", ">EPE px", ">of zero flow", *(f">{length} px" for length in MOTIONS)]
    if against:
        columns.append(f">against {errors.methods[0]} (95 %)")
    pairs = f"{len(errors.pairs)} pair{'s' * (len(errors.pairs) > 1)}"
    title = f"{layout}, {pairs}, {shown.get(geometry, 'frames at full resolution')}"
    console().print(table(title, columns, rows, less=(">of zero flow",)))
    rows = []
    for name, which in errors.groups().items():
        each = [f"{own[which].mean():.3f}" for own in errors.by_pair]
        rows.append((name, len(which), f"{errors.known[which].mean():.1%}", *each))
    if len(rows) > 2:
        console().print(table("EPE px", ["scene", ">pairs", ">known", *(f">{name}" for name in errors.methods)], rows))
