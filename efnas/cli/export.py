"""`efnas export`: one subnet as an INT8 TFLite file."""

from functools import partial
from pathlib import Path

import typer
from typing_extensions import Annotated

from efnas.cli.grouping import grouped
from efnas.cli.options import Checkpoint, Form, Output, RunOptions, SizeOptions, require_choice
from efnas.errors import EfnasError


@grouped
def export(
    arch: Annotated[str, typer.Option(metavar="CODE|best", help="The subnet; best: ranked first by efnas eval.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The .tflite file to write; FILE.json describes it.")],
    checkpoint: Checkpoint = "best",
    skip_checkpoint: Annotated[
        bool, typer.Option("--skip-checkpoint", help="Export seeded random weights: good for timing only.")
    ] = False,
    form: Form = "accumulated",
    float32: Annotated[bool, typer.Option("--float32", help="Do not quantise; for debugging.")] = False,
    verify: Annotated[int, typer.Option(metavar="N", min=0, help="Compare with the float graph on N pairs.")] = 0,
    size: SizeOptions = SizeOptions(),
    run: RunOptions = RunOptions(),
    output: Output = Output(),
) -> None:
    """Export a subnet as INT8 TFLite, with its batch norm recalibrated; the written file is checked.

    Without --config the configuration is the one the run was trained with.
    """
    from efnas.cli.screen.console import console, print_json, print_next, table
    from efnas.cli.screen.progress import progress_bar
    from efnas.cli.screen.tensorflow_messages import quiet_tensorflow
    from efnas.config import frames_told
    from efnas.export.host import FORMS, KERNELS
    from efnas.runs.run_files import arch_of
    from efnas.runs.supernet import whole_supernet_of

    if arch == "best" and skip_checkpoint:
        raise EfnasError("--arch best is the subnet that efnas eval ranked first: leave out --skip-checkpoint.")
    require_choice("--form", form, FORMS)
    if verify and skip_checkpoint:
        raise EfnasError("--verify needs trained weights: leave out --skip-checkpoint.")
    settings = run.settings(size.as_keys(), of_run=not skip_checkpoint)
    code = whole_supernet_of(settings).space.parse(arch) if skip_checkpoint else arch_of(settings, arch, checkpoint)
    quiet_tensorflow()
    from efnas.export.subnet import export_subnet

    weights = None if skip_checkpoint else checkpoint
    with progress_bar("Exporting", "pairs") as update:
        done = export_subnet(settings, code, out, weights, form, not float32, verify, partial(update, what="Verifying"))
    if output.as_json:
        print_json(done.description)
        return
    told, source = done.description, done.description["source"]
    facts = [(name, told[name]) for name in ("arch", "type", "form", "operators")]
    facts += [
        ("multiply-accumulates", f"{told['convolution_macs']:,}"),
        ("size", f"{out.stat().st_size:,} bytes"),
        ("weights", source["weights"]),
        ("calibration", source["calibration"]),
    ]
    for port in told["inputs"] + told["outputs"]:
        quantised = f", scale {port['scale']:.6g}, zero point {port['zero_point']}" if port["scale"] else ""
        facts.append((port["name"], "x".join(map(str, port["shape"])) + f" {port['type']}{quantised}"))
    if done.verification:
        pairs, file_epe, float_epe, zero_epe = done.verification
        frames = frames_told(settings.data.geometry)
        facts.append(
            (f"EPE on {pairs} pairs{frames}", f"{file_epe:.4f} px by {KERNELS}; float graph {float_epe:.4f} px")
        )
        facts.append(("gap to float", f"{done.verification.gap:+.2%} (zero flow: {zero_epe:.4f} px)"))
    console().print(table(str(out), ["", ""], facts))
    print_next(f"efnas infer IMAGE_0 IMAGE_1 --tflite {out} --out flow.png")
