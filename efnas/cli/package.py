"""`efnas package`: a folder with everything that runs a subnet on a board."""

from functools import partial
from pathlib import Path
from typing import List, Optional

import typer
from typing_extensions import Annotated

from efnas.cli.grouping import grouped
from efnas.cli.options import Arena, Checkpoint, CostOptions, Form, Output, require_choice
from efnas.cli.packaged import OneArch, PretrainedName, form_of_package, packaged, require_arch
from efnas.cli.quantisation import QuantisationOptions
from efnas.errors import EfnasError


@grouped
def package(
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder to make.")],
    arch: OneArch = None,
    checkpoint: Checkpoint = "best",
    skip_checkpoint: Annotated[
        bool, typer.Option("--skip-checkpoint", help="Package seeded random weights: good for timing only.")
    ] = False,
    pretrained: PretrainedName = None,
    form: Form = "two-scale",
    optimise: Annotated[
        Optional[str],
        typer.Option(
            metavar="Size|Performance", show_default="what fits, as efnas fit finds it", help="What Vela optimises."
        ),
    ] = None,
    arena: Arena = None,
    frame: Annotated[
        Optional[str],
        typer.Option(metavar="HEIGHTxWIDTH", show_default="the network's", help="Size of the camera's frames."),
    ] = None,
    grey: Annotated[bool, typer.Option("--grey", help="They are grey, not RGB.")] = False,
    flash_address: Annotated[
        Optional[str], typer.Option(metavar="ADDRESS", show_default="the board's", help="Where in the flash it lies.")
    ] = None,
    velas: Annotated[
        Optional[List[str]],
        typer.Option(
            "--vela",
            metavar="PATH|VERSION",
            show_default=False,
            help="The compiler; a further one compiles the same file to be compared with. May be repeated.",
        ),
    ] = None,
    quantised: QuantisationOptions = QuantisationOptions(),
    cost: CostOptions = CostOptions(),
    output: Output = Output(),
) -> None:
    """Make a folder that runs a subnet on a board: the compiled file, C sources around it, and a self-test.

    Nothing is written, and the exit code is 1, when the SRAM or the flash of the board does not suffice.
    """
    from efnas.cli.screen.console import print_json, print_next
    from efnas.cli.screen.progress import progress_bar
    from efnas.cli.screen.tensorflow_messages import quiet_tensorflow
    from efnas.cost.fit import best_settings
    from efnas.export.host import FORMS
    from efnas.export.package.folder import Wanted, write_package
    from efnas.export.package.room import Frames
    from efnas.runs.run_files import arch_of
    from efnas.vela.compiler import OPTIMISE, Settings, Vela

    require_arch(arch, pretrained)
    if arch == "best" and skip_checkpoint:
        raise EfnasError("--arch best is the subnet that efnas eval ranked first: leave out --skip-checkpoint.")
    form = form_of_package(pretrained, form)
    require_choice("--form", form, FORMS)
    if optimise:
        require_choice("--optimise", optimise, OPTIMISE)
    calibration = quantised.calibration(skip_checkpoint, form)
    keys = {"runtime.seed": cost.seed, **cost.size.as_keys()}
    ready = None
    if pretrained:
        of_package = packaged(pretrained, cost.run, keys)
        settings, arch = of_package.config, "best"
        ready, weights = of_package.file_or_checkpoint(form, calibration)
    else:
        settings = cost.run.settings(keys, of_run=not skip_checkpoint)
        weights = None if skip_checkpoint else checkpoint
    code = arch_of(settings, arch, weights)
    size = _size(frame) if frame else (settings.data.input_height, settings.data.input_width)
    address = None if flash_address is None else _address(flash_address)
    wanted = Wanted(settings, code, weights, form, Frames(*size, 1 if grey else 3), address, calibration,
                    ready)  # fmt: skip
    compilers = [cost.compiler(program) for program in velas or [None]]
    quiet_tensorflow()
    with progress_bar("Exporting", "") as update:

        def choose(vela: Vela, model: bytes, limit_kib: float) -> Settings:
            if optimise or arena:
                return Settings(optimise or "Performance", arena, cost.legacy_core)
            return best_settings(form, model, vela, limit_kib, cost.legacy_core, partial(update, what="Compiling"))

        told = partial(update, what="Answering"), partial(update, what="Fine-tuning", unit="steps")
        about = write_package(wanted, compilers, choose, out, *told)
    if output.as_json:
        print_json(about)
        return
    _show(about, out)
    print_next(f"less {out / 'README.md'}")


def _size(text: str) -> tuple:
    """Raises EfnasError for what is no size that the C sources take."""
    from efnas.core.input_size import Size

    size = Size.read(text.lower())
    if size is None or not all(0 < side <= 16384 for side in size):
        raise EfnasError(f"--frame is HEIGHTxWIDTH as in 480x640, of 1 to 16,384 pixels a side, not '{text}'.")
    return size


def _address(text: str) -> int:
    try:
        return int(text, 0)
    except ValueError as error:
        raise EfnasError(f"--flash-address is a number as in 0x200000, not '{text}'.") from error


def _show(about: dict, out: Path) -> None:
    from efnas.cli.screen.console import console, table
    from efnas.cli.screen.tables import FITS

    compiler, sram, flash = about["compiler"], about["sram"], about["flash"]
    arena = f", arena {compiler['arena']:,} bytes" if compiler["arena"] else ""
    facts = [
        ("arch", about["arch"]), ("form", about["form"]), ("weights", about["source"]["weights"]),
        ("board", about["board"]), ("compiled", f"Vela {compiler['version']}, {compiler['optimise']}{arena}"),
        ("inference", f"{compiler['inference_ms']:.1f} ms (estimate)"),
    ]  # fmt: skip
    facts += [(f"SRAM: {name}", f"{size:,} bytes") for name, size in sram.items() if name not in ("total", "limit")]
    facts.append(("SRAM at once", f"{sram['total']:,} of {sram['limit']:,} bytes"))
    for name in ("model", "vectors"):
        facts.append((f"flash: {name}", f"{flash[name]['bytes']:,} bytes at {flash[name]['address']:#x}"))
    facts.append(("CRC-32", about["files"]["network_vela.tflite"]["crc32"]))
    screen = console()
    screen.print(table(str(out), ["", ""], facts))
    if not about["other_compilers"]:
        return
    rows = [
        (each["version"], each["optimise"], f"{each['arena']:,}" if each["arena"] else "", f"{each['arena_bytes']:,}",
         f"{each['flash_bytes']:,}", f"{each['inference_ms']:.1f}", FITS[each["fits"]],
         "packaged" if each is compiler else "")
        for each in (compiler, *about["other_compilers"])
    ]  # fmt: skip
    columns = ["Vela", "optimise", ">arena asked", ">arena bytes", ">flash bytes", ">ms", "fits", ""]
    screen.print(table("The same file by each compiler (estimates)", columns, rows))
