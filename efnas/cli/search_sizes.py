"""`efnas search --size`: the input size as an axis of the answer."""

from typing import Dict, List


def show_sizes(searches: Dict, limits, top: int, as_json: bool):
    """Print what several sizes say within limits (a `SizesAnswer`), and give it back."""
    from efnas.cli.screen.console import console, print_json, table
    from efnas.cli.screen.tables import WORSE, cost_rows_table
    from efnas.search.sizes import answer_over

    answer, one = answer_over(searches, limits.limits()), next(iter(searches.values()))
    pairs, title = len(one.errors.pairs), one.table.title
    if as_json:
        print_json({"title": title, "checkpoint": one.errors.about["of"]["checkpoint"],
                    "geometry": one.errors.geometry, "pairs": pairs, **answer.as_dict(top)})  # fmt: skip
        return answer
    screen = console()

    def rows_table(title: str, choices: List, labels: List[str]):
        beside = [{"size": str(each.size), WORSE: str(each.worse_by)} for each in choices]
        return cost_rows_table(title, [each.row for each in choices], labels, beside)

    every = f"{answer.found:,} of {sum(len(each.table.rows) for each in searches.values()):,} subnets and sizes"
    named = {"best": answer.best, "cheapest alike": answer.cheapest}
    screen.print(rows_table(f"{every}, {pairs} pairs, {title}", list(named.values()), list(named)))
    screen.print(f"Front: {len(answer.front)} that no other beats in error and latency, at any size.")
    screen.print(rows_table("", answer.front[:top], []))
    rows = [(str(each.size), f"{each.found:,}", f"{each.on_front}",
             *("-" if figure is None else f"{figure:.4f}" for figure in each[3:5]),
             "-" if each.least_ms is None else f"{each.least_ms:.3f}") for each in answer.sizes]  # fmt: skip
    columns = ["size", ">subnets", ">on the front", ">mean px", ">least px", ">fastest ms"]
    screen.print(table("What each size gives", columns, rows))
    words = {"epe": "the error", "latency_ms": "the latency"}
    for name, each in answer.shares.items():
        screen.print(
            f"Of the variance of {words[name]} the size explains {each.size:.1%}, the architecture "
            f"{each.architecture:.1%}; {each.both:.1%} is left to the two together."
        )
    screen.print(f"{len(answer.alike):,} of {answer.found:,} cannot be told from the best (95 %, all at once).")
    return answer
