"""`efnas sample-check`: is the sampler fair?"""

import typer
from typing_extensions import Annotated

from efnas.cli.options import Assignments, ConfigFile, Json
from efnas.core.space import FLOW_SPACE
from efnas.errors import CheckFailed


def sample_check(
    cycles: Annotated[int, typer.Option(min=1, help="Fair cycles to draw.")] = 300,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the sampler.")] = 42,
    pool_size: Annotated[int, typer.Option(min=6, help="Size of the evaluation pool.")] = 12,
    config: ConfigFile = None,
    assignments: Assignments = None,
    as_json: Json = False,
) -> None:
    """Check that the sampler is fair, reproducible and uniform; with --config also what an epoch gives of the data."""
    from efnas.cli.screen.console import console, print_json, print_next, table
    from efnas.core.fairness_check import check_sampler, option_counts

    checks = check_sampler(FLOW_SPACE, seed, cycles, pool_size)
    if config:
        checks += _data_coverage(config, assignments or [])
    counts = option_counts(FLOW_SPACE, seed, cycles)
    if as_json:
        print_json(
            {"seed": seed, "cycles": cycles, **counts.as_dict(), "checks": [check._asdict() for check in checks]}
        )
    else:
        rows = [
            (block.name, *(f"{block.label(digit)}: {count}" for digit, count in enumerate(row)))
            for block, row in zip(FLOW_SPACE.blocks, counts.counts.tolist())
        ]
        console().print(
            table(
                f"Options drawn in {cycles} fair cycles (seed {seed})",
                ["block", "option 0", "option 1", "option 2"],
                rows,
            )
        )
        rows = [("[green]ok[/]" if check.passed else "[red]FAILED[/]", check.name, check.finding) for check in checks]
        console().print(table("Checks", ["", "check", "found"], rows))
    failed = [check.name for check in checks if not check.passed]
    if not failed and not as_json:
        print_next(f"efnas train --config {config or 'configs/quickstart.yaml'}")
    if failed:
        raise CheckFailed(f"The sampler failed: {'; '.join(failed)}.")


def _data_coverage(config, assignments) -> list:
    from efnas.config import load_config
    from efnas.core.fairness_check import Check
    from efnas.data.sampling_plan import coverage, samples_per_epoch, training_plan
    from efnas.data.sources import open_datasets

    settings = load_config(config, assignments=assignments)
    train, synthetic = settings.train, settings.data.synthetic
    size = synthetic.train_pairs if synthetic else len(open_datasets(settings.data).train)
    count = samples_per_epoch(
        size, train.epoch_mode, train.batch_size, train.steps_per_epoch, train.train_samples_per_epoch
    )
    checks = []
    for epoch in range(2):
        plan = training_plan(settings.runtime.seed, size, epoch * count, count, train.train_sampling_mode)
        share = coverage(plan, size)
        # Without replacement an epoch sees as many different samples as it can; with it there is nothing to hold it to.
        expected = min(1.0, count / size) if train.train_sampling_mode == "shuffle_no_replacement" else 0.0
        repeats_a_pass_boundary = count < size and (epoch * count) % size + count > size
        checks.append(
            Check(
                f"data coverage of epoch {epoch + 1} ({train.epoch_mode}, {train.train_sampling_mode})",
                repeats_a_pass_boundary or share >= expected - 1e-12,
                f"{round(share * size)} of {size} samples, {share:.1%}",
            )
        )
    return checks
