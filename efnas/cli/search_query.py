"""`efnas search query`: the best subnets of a search within limits."""

import shlex
from dataclasses import dataclass
from pathlib import Path

import typer
from typing_extensions import Annotated

from efnas.cli.grouping import grouped
from efnas.cli.options import Output, limit
from efnas.cli.search_sizes import show_sizes


@dataclass(frozen=True)
class LimitOptions:
    """What a subnet has to keep; a derived figure keeps a limit with its error bound added."""

    max_ms: limit("Latency at most.") = None
    min_fps: limit("Frames a second at least.") = None
    max_sram_kib: limit("SRAM at most.") = None
    max_flash_kib: limit("Flash at most.") = None
    fits: Annotated[bool, typer.Option("--fits", help="Only those that fit the board's SRAM.")] = False

    def limits(self):
        from efnas.search.answer import Limits

        at_most = {"latency_ms": self.max_ms, "sram_kib": self.max_sram_kib, "flash_kib": self.max_flash_kib}
        given = {name: limit for name, limit in at_most.items() if limit is not None}
        return Limits(given, self.min_fps, self.fits)


@grouped
def query(
    search: Annotated[Path, typer.Argument(metavar="SEARCH", help="The folder of a search.")],
    limits: LimitOptions = LimitOptions(),
    top: Annotated[int, typer.Option(min=1, help="How many rows.")] = 20,
    output: Output = Output(),
) -> None:
    """The best subnet within limits, those that cannot be told from it, and the front; nothing is computed anew.

    Of a search of several sizes the answer is over all of them; each size lies in it as a search of its own.
    """
    from efnas.cli.screen.console import print_next
    from efnas.search.folder import read_search
    from efnas.search.sizes_folder import holds_sizes, read_sizes

    if holds_sizes(search):
        cheapest = show_sizes(read_sizes(search), limits, top, output.as_json).cheapest
        if not output.as_json:
            print_next(f"efnas search query {shlex.quote(str(search / str(cheapest.size)))}")
        return
    found = read_search(search)
    answer = show_answer(found, limits, top, output.as_json)
    if not output.as_json:
        code = answer.cheapest.arch.replace(",", "")
        print_next(f"efnas codec show {code} --table {shlex.quote(str(search))}")


def show_answer(found, limits: LimitOptions, top: int, as_json: bool):
    """Print the `Answer`, and give it back."""
    from efnas.cli.screen.console import console, print_json
    from efnas.cli.screen.tables import WORSE, cost_rows_table
    from efnas.search.answer import answer_of

    answer = answer_of(found.table, found.errors, limits.limits())
    of, pairs = found.errors.about["of"], len(found.errors.pairs)
    if as_json:
        print_json({"title": found.table.title, "checkpoint": of["checkpoint"],
                    "geometry": found.errors.geometry, "pairs": pairs,
                    **answer.as_dict(top)})  # fmt: skip
        return answer
    screen = console()

    def beside(rows) -> list:
        return [{WORSE: str(answer.margins[row.arch]) if row.arch in answer.margins else ""} for row in rows]

    named = {"best": answer.best, "cheapest alike": answer.cheapest,
             "baseline": found.table.row(found.table.space.baseline)}  # fmt: skip
    title = f"{answer.found:,} of {len(found.table.rows):,} subnets, {pairs} pairs, {found.table.title}"
    screen.print(cost_rows_table(title, list(named.values()), list(named), beside(named.values())))
    screen.print(f"Front: {len(answer.front)} subnets that no other beats in error and latency.")
    screen.print(cost_rows_table("", answer.front[:top], more=beside(answer.front[:top])))
    screen.print(f"{len(answer.alike):,} of {answer.found:,} cannot be told from the best (95 %, all at once).")
    promise = answer.promise
    if promise:
        screen.print(
            f"Chosen on half of the pairs, the best promises {promise.promised:.4f} px over the mean; the other half "
            f"gives {promise.measured:.4f} px."
        )
    second = found.errors.about["second_recalibration"]
    screen.print(
        f"Other batches of recalibration move subnets by {second['apart_by_px']:.4f} px against each other; "
        f"{second['between_subnets_px']:.4f} px are between them (standard deviations of {second['subnets']:,})."
    )
    return answer
