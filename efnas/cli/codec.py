"""`efnas codec`: arch codes, read and written in every way."""

from typing import List

import typer
from typing_extensions import Annotated

from efnas.cli.options import BaseWidth, Height, Json, SweepTable, Width
from efnas.cli.screen.cost_rows import rows_table, table_row
from efnas.core.space import FLOW_SPACE, ArchCode
from efnas.errors import CheckFailed, EfnasError

app = typer.Typer(no_args_is_help=True, help="Read, write and translate arch codes.")

Code = Annotated[str, typer.Argument(metavar="CODE", help="An arch code: 0,0,0,0,0,1,0,0,0 or 000001000 or '#27'.")]


@app.command()
def show(
    code: Code, height: Height = 180, width: Width = 240, base_width: BaseWidth = 32, sweep_table: SweepTable = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Show what a code picks, and what each part costs."""
    from efnas.cli.screen.console import console, print_json, print_next, table
    from efnas.core.costs import subnet_costs

    arch = FLOW_SPACE.parse(code)
    row = table_row(sweep_table, arch) if sweep_table else None
    costs = subnet_costs(FLOW_SPACE, arch, height, width, base_width)
    options = {block.name: (digit, block.label(digit)) for block, digit in zip(FLOW_SPACE.blocks, arch)}
    if as_json:
        print_json(
            {
                "arch": str(arch),
                "index": FLOW_SPACE.index_of(arch),
                "params": costs.total.params,
                "macs": costs.total.macs,
                "height": height,
                "width": width,
                "base_width": base_width,
                "blocks": {name: {"digit": digit, "option": label} for name, (digit, label) in options.items()},
                "stages": {name: cost._asdict() for name, cost in costs.by_stage().items()},
                **({"sweep": row} if row else {}),
            }
        )
        return
    rows = []
    for stage, cost in costs.by_stage().items():
        digit, label = options.get(stage, ("", "shared"))
        rows.append((stage, digit, label, f"{cost.params:,}", f"{cost.macs:,}", f"{cost.macs / costs.total.macs:.1%}"))
    title = f"{arch}  (#{FLOW_SPACE.index_of(arch)})"
    console().print(
        table(
            title,
            ["block", "digit", "option", ">parameters", f">MACs at {height}x{width}", ">share"],
            rows,
            footer=["total", "", "", f"{costs.total.params:,}", f"{costs.total.macs:,}", ""],
        )
    )
    if row:
        console().print(rows_table(str(sweep_table), [row]))
    print_next(f"efnas vela-compare --arch {arch.compact}")


@app.command()
def encode(
    options: Annotated[
        List[str],
        typer.Argument(
            metavar="BLOCK=OPTION...", help="As in EB0=2 H1=5x5; a block that is not named takes the baseline's option."
        ),
    ],
    as_json: Json = False,
) -> None:
    """Write the code of the options that are named."""
    words = {}
    for text in options:
        name, equals, word = text.partition("=")
        if not equals:
            raise EfnasError(f"'{text}' is not BLOCK=OPTION, as in EB0=2 or H1=5x5.")
        if name in words:
            raise EfnasError(f"Block {name} is named twice.")
        words[name] = word
    _answer(FLOW_SPACE.encode(words), as_json)


@app.command()
def translate(code: Code, as_json: Json = False) -> None:
    """Translate between this code and the order that counts heads from light to heavy.

    The other public order writes heads as 0=3x3, 1=5x5, 2=7x7. The translation is its own inverse: give it a code of
    either order and it prints the code of the other.
    """
    _answer(FLOW_SPACE.reverse_kernel_order(FLOW_SPACE.parse(code)), as_json)


def _answer(code: ArchCode, as_json: bool) -> None:
    """A code alone, so that a script can take it."""
    from efnas.cli.screen.console import print_json

    if as_json:
        print_json({"arch": str(code), "index": FLOW_SPACE.index_of(code)})
    else:
        print(code)


@app.command("self-test")
def self_test(as_json: Json = False) -> None:
    """Send every code of the space through every way of writing it, and back."""
    from efnas.cli.screen.console import print_json

    space, seen = FLOW_SPACE, set()
    for index, code in enumerate(space.codes()):
        words = {block.name: str(block.options[digit]) for block, digit in zip(space.blocks, code)}
        round_trips = (
            space.parse(str(code)),
            space.parse(code.compact),
            space.parse(f"#{index}"),
            space.encode(words),
            space.reverse_kernel_order(space.reverse_kernel_order(code)),
        )
        if any(back != code for back in round_trips) or space.index_of(code) != index:
            raise CheckFailed(f"Code {code} does not survive the round trip.")
        seen.add(code)
    if len(seen) != space.size:
        raise CheckFailed(f"{len(seen)} different codes instead of {space.size}.")
    if as_json:
        print_json({"codes": len(seen), "round_trips": 5})
    else:
        print(f"{len(seen):,} codes, 5 round trips each: all equal.")
