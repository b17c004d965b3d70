"""`efnas codec`: arch codes, read and written in every way."""

from typing import List

import typer
from typing_extensions import Annotated

from efnas.cli.grouping import grouped
from efnas.cli.options import DEFAULT_NETWORK, NetworkName, Output, SizeOptions, SweepTable, network_words
from efnas.core.space import ArchCode, SearchSpace
from efnas.core.supernet import supernet_named

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Read, write and translate arch codes.")

Code = Annotated[str, typer.Argument(metavar="CODE", help="An arch code: 0,0,0,0,0,1,0,0,0 or 000001000 or '#27'.")]


@app.command()
@grouped
def show(
    code: Code,
    size: SizeOptions = SizeOptions(),
    sweep_table: SweepTable = None,
    network: NetworkName = DEFAULT_NETWORK,
    output: Output = Output(),
) -> None:
    """Show what a code picks, and what each part costs."""
    from efnas.cli.screen.console import console, print_json, print_next, table
    from efnas.core.costs import subnet_costs

    supernet = supernet_named(network)
    space = supernet.space
    arch = space.parse(code)
    row = _row(sweep_table, space, arch) if sweep_table else None
    height, width, base_width = size.height or 180, size.width or 240, size.base_width or 32
    supernet.require_size(height, width, base_width)
    costs = subnet_costs(supernet, arch, height, width, base_width)
    options = {block.name: (digit, block.label(digit)) for block, digit in zip(space.blocks, arch)}
    if output.as_json:
        print_json({
            "arch": str(arch), "index": space.index_of(arch), "params": costs.total.params, "macs": costs.total.macs,
            "height": height, "width": width, "base_width": base_width,
            "blocks": {name: {"digit": digit, "option": label} for name, (digit, label) in options.items()},
            "stages": {name: cost._asdict() for name, cost in costs.by_stage().items()},
            **({"sweep": row.as_dict()} if row else {}),
        })  # fmt: skip
        return
    rows = []
    for stage, cost in costs.by_stage().items():
        digit, label = options.get(stage, ("", "shared"))
        rows.append((stage, digit, label, f"{cost.params:,}", f"{cost.macs:,}", f"{cost.macs / costs.total.macs:.1%}"))
    columns = ["block", "digit", "option", ">parameters", f">MACs at {height}x{width}", ">share"]
    footer = ["total", "", "", f"{costs.total.params:,}", f"{costs.total.macs:,}", ""]
    console().print(table(f"{arch}  (#{space.index_of(arch)})", columns, rows, footer))
    if row:
        from efnas.cli.screen.tables import cost_rows_table

        console().print(cost_rows_table(str(sweep_table), [row]))
    print_next(f"efnas vela-compare --arch {arch.compact}{network_words(network)}")


def _row(sweep_table, space: SearchSpace, arch: ArchCode):
    from efnas.cost.table import read_table

    return read_table(sweep_table, space).row(arch)


@app.command()
@grouped
def encode(
    options: Annotated[
        List[str],
        typer.Argument(
            metavar="BLOCK=OPTION...", help="As in EB0=2 H1=5x5; a block that is not named takes the baseline's option."
        ),
    ],
    network: NetworkName = DEFAULT_NETWORK,
    output: Output = Output(),
) -> None:
    """Write the code of the options that are named."""
    space = supernet_named(network).space
    _answer(space, space.encode_words(options), output)


@app.command()
@grouped
def translate(code: Code, network: NetworkName = DEFAULT_NETWORK, output: Output = Output()) -> None:
    """Translate between this code and the order that counts heads from light to heavy.

    The other public order writes heads as 0=3x3, 1=5x5, 2=7x7. The translation is its own inverse: give it a code of
    either order and it prints the code of the other.
    """
    space = supernet_named(network).space
    _answer(space, space.other_order(space.parse(code)), output)


def _answer(space: SearchSpace, code: ArchCode, output: Output) -> None:
    """A code alone, so that a script can take it."""
    from efnas.cli.screen.console import print_json

    if output.as_json:
        print_json({"arch": str(code), "index": space.index_of(code)})
    else:
        print(code)


@app.command("self-test")
@grouped
def self_test(network: NetworkName = DEFAULT_NETWORK, output: Output = Output()) -> None:
    """Send every code of the space through every way of writing it, and back."""
    from efnas.cli.screen.console import print_json
    from efnas.core.code_check import ROUND_TRIPS, check_codes

    count = check_codes(supernet_named(network).space)
    if output.as_json:
        print_json({"codes": count, "round_trips": ROUND_TRIPS})
    else:
        print(f"{count:,} codes, {ROUND_TRIPS} round trips each: all equal.")
