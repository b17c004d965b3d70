"""How much of a data set an epoch of a configuration sees, as checks with figures."""

from typing import List

from efnas.config import Config
from efnas.core.fairness_check import Check
from efnas.data.sampling_plan import SHUFFLE, coverage, samples_per_epoch, training_plan
from efnas.data.sources import open_datasets, planned_datasets

EPOCHS = 2


def check_coverage(config: Config) -> List[Check]:
    """One check for each of the first epochs; a synthetic data set need not be written yet."""
    train = config.train
    size = len((planned_datasets if config.data.synthetic else open_datasets)(config.data).train)
    count = samples_per_epoch(
        size, train.epoch_mode, train.batch_size, train.steps_per_epoch, train.train_samples_per_epoch
    )
    checks = []
    for epoch in range(EPOCHS):
        plan = training_plan(config.runtime.seed, size, epoch * count, count, train.train_sampling_mode)
        share = coverage(plan, size)
        # Without replacement an epoch sees as many different samples as it can; with it there is nothing to hold it to.
        expected = min(1.0, count / size) if train.train_sampling_mode == SHUFFLE else 0.0
        repeats_a_pass_boundary = count < size and (epoch * count) % size + count > size
        checks.append(
            Check(
                f"data coverage of epoch {epoch + 1} ({train.epoch_mode}, {train.train_sampling_mode})",
                repeats_a_pass_boundary or share >= expected - 1e-12,
                f"{round(share * size)} of {size} samples, {share:.1%}",
            )
        )
    return checks
