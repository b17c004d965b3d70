"""The learning rate, as a function of the samples seen: it does not depend on how they were cut into steps."""

import math

from efnas.config import Train


def learning_rate(train: Train, samples_seen: int, total_samples: int) -> float:
    """The rate of the step that begins after `samples_seen` of `total_samples`.

    `cosine` falls from `lr` to zero (Loshchilov and Hutter, 2017), `step` multiplies by `lr_step_factor` at each part
    of `lr_step_at`, `constant` stays. A linear warm-up of `lr_warmup_steps` full batches comes first.
    """
    progress = min(1.0, samples_seen / total_samples)
    rate = train.lr
    if train.lr_schedule == "cosine":
        rate *= 0.5 * (1.0 + math.cos(math.pi * progress))
    elif train.lr_schedule == "step":
        rate *= train.lr_step_factor ** sum(progress >= part for part in train.lr_step_at)
    warmup = train.lr_warmup_steps * train.batch_size
    if samples_seen < warmup:
        rate *= (samples_seen + train.batch_size) / (warmup + train.batch_size)
    return rate
