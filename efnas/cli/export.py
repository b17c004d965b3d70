"""`efnas export`: one subnet as an INT8 TFLite file."""

from functools import partial
from pathlib import Path
from typing import Optional

import typer
from typing_extensions import Annotated

from efnas.cli.grouping import grouped
from efnas.cli.options import Checkpoint, Form, Output, RunOptions, SizeOptions, require_choice
from efnas.cli.packaged import OneArch, PretrainedName, packaged, require_arch
from efnas.cli.quantisation import QuantisationOptions
from efnas.errors import EfnasError

SHOWN = 5  # layers
BESIDE = "untuned", "tuned_in_float"
OFFERED = " --fine-tune 100 trains the weights and the ranges for it."


@grouped
def export(
    out: Annotated[Path, typer.Option(metavar="FILE", help="The .tflite file to write; FILE.json describes it.")],
    arch: OneArch = None,
    checkpoint: Checkpoint = "best",
    skip_checkpoint: Annotated[
        bool, typer.Option("--skip-checkpoint", help="Export seeded random weights: good for timing only.")
    ] = False,
    pretrained: PretrainedName = None,
    form: Form = "accumulated",
    float32: Annotated[bool, typer.Option("--float32", help="Do not quantise; for debugging.")] = False,
    verify: Annotated[int, typer.Option(metavar="N", min=0, help="Compare with the float graph on N pairs.")] = 0,
    max_gap: Annotated[
        Optional[float],
        typer.Option(metavar="PERCENT", min=0, show_default=False, help="Largest gap to float; else layers are named."),
    ] = None,
    quantised: QuantisationOptions = QuantisationOptions(),
    size: SizeOptions = SizeOptions(),
    run: RunOptions = RunOptions(),
    output: Output = Output(),
) -> None:
    """Export a subnet as INT8 TFLite, with its batch norm recalibrated; the written file is checked.

    Without --config the configuration is the one the run was trained with.
    """
    from efnas.cli.screen.console import console, print_json, print_next, print_note, table
    from efnas.cli.screen.progress import progress_bar
    from efnas.cli.screen.tensorflow_messages import quiet_tensorflow
    from efnas.export.host import FORMS
    from efnas.export.micro import micro_at_hand
    from efnas.runs.run_files import arch_of

    require_arch(arch, pretrained)
    if arch == "best" and skip_checkpoint:
        raise EfnasError("--arch best is the subnet that efnas eval ranked first: leave out --skip-checkpoint.")
    require_choice("--form", form, FORMS)
    if verify and skip_checkpoint:
        raise EfnasError("--verify needs trained weights: leave out --skip-checkpoint.")
    if float32 and (max_gap is not None or quantised != QuantisationOptions()):
        raise EfnasError("--float32 does not quantise: leave it out, or the options of the quantisation.")
    calibration = quantised.calibration(skip_checkpoint, form)
    if max_gap is not None and not verify:
        raise EfnasError("--max-gap is checked on the pairs of --verify N: give it, too.")
    limit = None if max_gap is None else max_gap / 100
    if pretrained:
        of_package = packaged(pretrained, run, size.as_keys())
        settings, arch, weights = of_package.config, "best", of_package.checkpoint(data=True)
    else:
        settings = run.settings(size.as_keys(), of_run=not skip_checkpoint)
        weights = None if skip_checkpoint else checkpoint
    code = arch_of(settings, arch, weights)
    quiet_tensorflow()
    from efnas.export.subnet import export_subnet

    with progress_bar("Exporting", "pairs") as update, micro_at_hand(verify and not float32, print_note) as micro:
        tell, tuned = partial(update, what="Verifying"), partial(update, what="Fine-tuning", unit="steps")
        done = export_subnet(
            settings, code, out, weights, form, not float32, verify, tell, micro, calibration, limit, tuned
        )
    if output.as_json:
        print_json(done.description)
    else:
        console().print(table(str(out), ["", ""], _facts(done.description, out.stat().st_size)))
        layers = done.description.get("verification", {}).get("layers")
        if layers:
            console().print(table("Quantised alone", ["layer", "kind", ">adds px (95 %)"], map(_layer, layers[:SHOWN])))
        print_next(f"efnas infer IMAGE_0 IMAGE_1 --tflite {out} --out flow.png")
    if done.verification:
        done.verification.require_gap(limit, offered="" if calibration.tuning else OFFERED)


def _facts(told: dict, size: int) -> list:
    facts = [(name, told[name]) for name in ("arch", "type", "form")]
    facts += [
        ("operators", f"{told['operators']}: {', '.join(told['kinds_of_operators'])}"),
        ("multiply-accumulates", f"{told['convolution_macs']:,}"),
        ("size", f"{size:,} bytes"),
        ("weights", told["source"]["weights"]),
        ("calibration", told["source"]["calibration"]),
        *([("scales", told["scales"])] if told["scales"] else []),
        *([("fine-tuning", _tuned(told["fine_tuning"]))] if told["fine_tuning"] else []),
    ]
    for port in told["inputs"] + told["outputs"]:
        quantised = f", scale {port['scale']:.6g}, zero point {port['zero_point']}" if port["scale"] else ""
        facts.append((port["name"], "x".join(map(str, port["shape"])) + f" {port['type']}{quantised}"))
    return facts + (_verified(told["verification"]) if "verification" in told else [])


def _tuned(told: dict) -> str:
    return "{steps} steps at {rate:g}: loss {loss_before:.4f} to {loss_after:.4f} on {pairs} training pairs".format(
        **told
    )


def _verified(found: dict) -> list:
    from efnas.config import frames_told

    epe = f"{found['file_epe']:.4f} px by {found['kernels']}; float graph {found['float_epe']:.4f} px"
    facts = [
        (f"EPE on {found['pairs']} pairs{frames_told(found['geometry'])}", epe),
        ("gap to float", _gap(found)),
        *((f"    {name.replace('_', ' ')}", _beside(found[name])) for name in BESIDE if name in found),
        ("zero flow", f"{found['zero_epe']:.4f} px"),
    ]
    micro = found["micro"]
    if micro:
        vela = micro["vela"] or {}
        plan = "; Vela {version} plans {bytes:,} on {profile} ({optimise})".format(**vela) if vela else ""
        facts += [
            ("TensorFlow Lite Micro", f"equal in all {micro['values']:,} values ({micro['version']})"),
            ("its arena", f"{micro['arena_bytes']:,} bytes{plan}"),
        ]
    return facts


def _beside(found: dict) -> str:
    return f"{found['file_epe']:.4f} px, {_gap(found)}"


def _gap(found: dict) -> str:
    low, high = found["gap_low"], found["gap_high"]
    return f"{found['gap']:+.2%}" + ("" if low is None else f" (95 %: {low:+.2%} to {high:+.2%})")


def _layer(found: dict) -> tuple:
    from efnas.runs.subnet_errors import Margin

    adds = Margin(*(found[name] for name in Margin._fields))
    return found["layer"], found["kind"], adds.signed
