"""`efnas sample-check`: is the sampler fair?"""

from typing import Optional

import typer
from typing_extensions import Annotated

from efnas.cli.grouping import grouped
from efnas.cli.options import Output, RunOptions
from efnas.errors import CheckFailed


@grouped
def sample_check(
    cycles: Annotated[int, typer.Option(min=1, help="Fair cycles to draw.")] = 300,
    seed: Annotated[Optional[int], typer.Option(min=0, show_default="42", help="Seed of the sampler.")] = None,
    pool_size: Annotated[
        Optional[int], typer.Option(min=2, show_default="12", help="Size of the evaluation pool.")
    ] = None,
    run: RunOptions = RunOptions(),
    output: Output = Output(),
) -> None:
    """Check that the sampler is fair, reproducible and uniform; with --config also what an epoch gives of the data."""
    from efnas.cli.screen.console import Marked, console, print_json, print_next, table
    from efnas.core.fairness_check import check_sampler, option_counts
    from efnas.runs.supernet import whole_supernet_of

    settings = run.settings({"runtime.seed": seed, "eval.eval_pool_size": pool_size})
    space, seed = whole_supernet_of(settings).space, settings.runtime.seed
    checks = check_sampler(space, seed, cycles, settings.eval.eval_pool_size)
    if run.config:
        from efnas.data.coverage_check import check_coverage

        checks += check_coverage(settings)
    counts = option_counts(space, seed, cycles)
    failed = [check.name for check in checks if not check.passed]
    if output.as_json:
        print_json(
            {"seed": seed, "cycles": cycles, **counts.by_block(space), "checks": [one._asdict() for one in checks]}
        )
    else:
        rows = [
            (block.name, *(f"{block.label(digit)}: {count}" for digit, count in enumerate(row)))
            for block, row in zip(space.blocks, counts.counts.tolist())
        ]
        columns = ["block", *(f"option {digit}" for digit in range(space.options_per_block))]
        console().print(table(f"Options drawn in {cycles} fair cycles (seed {seed})", columns, rows))
        rows = [
            (Marked("[green]ok[/]" if check.passed else "[red]FAILED[/]"), check.name, check.finding)
            for check in checks
        ]
        console().print(table("Checks", ["", "check", "found"], rows))
        if not failed:
            print_next(f"efnas train --config {run.config or 'configs/quickstart.yaml'}")
    if failed:
        raise CheckFailed(f"The sampler failed: {'; '.join(failed)}.")
