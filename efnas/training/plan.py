"""What a run is going to do: everything that it needs, checked before anything is written."""

import math
import os
import shutil
from typing import Callable, NamedTuple, Tuple

from efnas.backend import Device, select_device
from efnas.config import Config
from efnas.core.sampler import evaluation_pool
from efnas.core.space import FLOW_SPACE
from efnas.data.sampling_plan import samples_per_epoch
from efnas.data.sources import DataSets, open_datasets
from efnas.errors import EfnasError
from efnas.files import standing_place
from efnas.runs.manifest import build_manifest
from efnas.runs.network_identity import network_identity
from efnas.runs.run_files import checkpoint_bytes


class Plan(NamedTuple):
    """What a run is going to do, with everything it needs checked."""

    config: Config
    sets: DataSets
    device: Device
    samples_per_epoch: int
    steps_per_epoch: int
    total_steps: int
    checkpoint_bytes: int
    free_bytes: int
    manifest: dict


def prepare(config: Config, synthesis: Callable[[int, int], None] = lambda done, total: None) -> Plan:
    """Check everything a run needs; raises EfnasError for the first thing that is missing.

    `synthesis(done, total)` counts the pairs of a synthetic data set that is written on first use.
    """
    train = config.train
    evaluation_pool(FLOW_SPACE, config.runtime.seed, config.eval.eval_pool_size)
    device = select_device(config.runtime.gpu_device, config.runtime.threads)
    sets = open_datasets(config.data, synthesis)
    samples = samples_per_epoch(
        len(sets.train), train.epoch_mode, train.batch_size, train.steps_per_epoch, train.train_samples_per_epoch
    )
    steps = math.ceil(samples / train.batch_size)
    manifest = build_manifest(config, network_identity(config), sets.fingerprints(), device.name)
    needed, free = _disk(config)
    return Plan(config, sets, device, samples, steps, steps * train.num_epochs, needed, free, manifest)


def _disk(config: Config) -> Tuple[int, int]:
    """Bytes that the checkpoints of a run need, and bytes free where it is kept; raises EfnasError when too few."""
    needed = checkpoint_bytes(config)
    place = standing_place(config.runtime.run_folder)
    if not os.access(place, os.W_OK):
        raise EfnasError(f"Cannot write to {place} (runtime.output_root).")
    free = shutil.disk_usage(place).free
    if free < needed:
        raise EfnasError(
            f"The disk of {place} has {free / 1e6:,.0f} MB free; the checkpoints need {needed / 1e6:,.0f} MB."
        )
    return needed, free
