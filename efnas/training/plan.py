"""What a run is going to do: everything that it needs, checked before anything is written."""

import math
import os
import shutil
from contextlib import ExitStack
from typing import Callable, List, NamedTuple, Optional, Tuple

from efnas.backend import Device, tensorflow_series, uses_onednn
from efnas.cache import Cache, cache_folder
from efnas.config import Config
from efnas.core.alone import pool_of
from efnas.core.space import ArchCode
from efnas.core.supernet import Supernet
from efnas.core.weights import Weights
from efnas.data.batches import Batch
from efnas.data.flying_chairs import require_backward
from efnas.data.sampling_plan import samples_per_epoch
from efnas.data.sources import DataSets, open_datasets
from efnas.errors import EfnasError
from efnas.files import existing_folder
from efnas.ranks import ALONE, Ranks
from efnas.runs.beginning import PATH, SHA256, Beginning, beginning_of
from efnas.runs.history import open_run_folder, require_new_run
from efnas.runs.lock import RunLock
from efnas.runs.manifest import SERIES, build_manifest, read_manifest, write_manifest
from efnas.runs.progress import RunProgress
from efnas.runs.resume import Resume, Resumption, check_resume, scheduled
from efnas.runs.run_files import checkpoint_bytes
from efnas.runs.supernet import in_one_form, supernet_of
from efnas.training.events import Finished
from efnas.training.fair_step import FairStep
from efnas.training.gradients import as_convolutions
from efnas.training.single_step import SingleStep
from efnas.training.step import Step


class Plan(NamedTuple):
    """What a run is going to do, with everything it needs checked.

    `step` is configured, not yet connected; `pool` are the subnets that are evaluated; `own_gradients` says whose
    gradients of convolutions it takes (see `gradients`); `beginning` is the checkpoint whose weights the run begins
    with, if it does.
    """

    config: Config
    supernet: Supernet
    step: Step
    pool: List[ArchCode]
    sets: DataSets
    device: Device
    own_gradients: bool
    ranks: Ranks
    beginning: Optional[Beginning]
    samples_per_epoch: int
    steps_per_epoch: int
    total_steps: int
    checkpoint_bytes: int
    free_bytes: int
    manifest: dict

    def connect(self, batch: Batch, weights: Weights) -> None:
        """The step, in the ways that are faster on the device: what is timed is what is trained."""
        self.step.connect(batch, weights, self.own_gradients, small_maps=not self.device.gpu)


def prepare(
    config: Config,
    resume: Optional[Resume] = None,
    synthesis: Callable[[int, int], None] = lambda done, total: None,
    write: bool = True,
    ranks: Ranks = ALONE,
) -> Plan:
    """Check everything a run needs; raises EfnasError for the first thing that is missing.

    `resume` says how a run that stands is gone on with; `synthesis(done, total)` counts the pairs of a synthetic data
    set that is written on first use, but never without `write`.
    """
    config = in_one_form(config)
    stored = read_manifest(config.runtime.run_folder) if resume else None
    if resume:
        config = scheduled(config, stored, resume)
    train, supernet = config.train, supernet_of(config)
    network = supernet.identity(config.network.base_width)
    if supernet.baseline_subnet is None and config.eval.best_metric == "baseline":
        raise EfnasError("eval.best_metric: baseline is the error of another network than the one alone: take mean.")
    if supernet.arch is not None and train.lane_batches != "same":
        raise EfnasError("train.lane_batches: different is for a supernet; a network alone has the whole batch.")
    pool = pool_of(supernet, config.runtime.seed, config.eval.eval_pool_size)
    if train.batch_size < ranks.size:
        raise EfnasError(f"train.batch_size: {train.batch_size} is fewer pairs than there are ranks, {ranks.size}.")
    device = ranks.device(config.runtime.gpu_device, config.runtime.threads)
    beginning = beginning_of(config, supernet, stored)
    folder = config.runtime.run_folder
    if beginning and not resume and folder.resolve() in beginning.checkpoint.resolve().parents:
        raise EfnasError(f"{PATH} lies in {folder}, which the run would replace: take another --experiment-name.")
    sets = open_datasets(config.data, synthesis, write)
    augmentation = config.data.augmentation
    if augmentation and augmentation.time_reversal and sets.train.source.exists():  # a dry run writes no data set
        require_backward(sets.train)
    samples = samples_per_epoch(
        len(sets.train), train.epoch_mode, train.batch_size, train.steps_per_epoch, train.train_samples_per_epoch
    )
    steps = math.ceil(samples / train.batch_size)
    step = (FairStep if supernet.arch is None else SingleStep)(supernet, config, ranks)
    identity = {**step.identity, SERIES: tensorflow_series(), **({SHA256: beginning.sha256} if beginning else {})}
    own_gradients = as_convolutions(config.runtime.convolution_gradients, device, Cache(cache_folder()))
    computing = {"onednn": uses_onednn(), "own_gradients": own_gradients}
    manifest = build_manifest(config, network, sets.fingerprints(), identity, device.name, computing, ranks.size)
    needed, free = _disk(config, supernet)
    return Plan(config, supernet, step, pool, sets, device, own_gradients, ranks, beginning, samples, steps,
                steps * train.num_epochs, needed, free, manifest)  # fmt: skip


def allowed(plan: Plan, overwrite: bool, resume: Optional[Resume]) -> Optional[Resumption]:
    """From where it would go on. Raises EfnasError for a run that is not to be replaced, or cannot go on."""
    folder = plan.config.runtime.run_folder
    return check_resume(folder, plan.manifest, resume) if resume else require_new_run(folder, overwrite)


def opened(plan: Plan, overwrite: bool, resume: Optional[Resume], held: ExitStack) -> Optional[Resumption]:
    """Lock the folder of a run, which is `held`, and make it, or say from where in it the run goes on."""
    folder = plan.config.runtime.run_folder
    allowed(plan, overwrite, resume)  # what is refused leaves no lock behind
    held.enter_context(RunLock(folder))
    resumption = allowed(plan, overwrite, resume)
    if not resumption:
        open_run_folder(folder, plan.manifest)
    elif not resumption.progress.finished(plan.config):
        write_manifest(folder, resumption.manifest)
    return resumption


def finished(plan: Plan, at: RunProgress, seconds: float) -> Finished:
    """The event of a run that is at its end, after so many seconds of this process."""
    early = at.stopped_early(plan.config)
    return Finished(plan.config.runtime.run_folder, at.step, at.best, at.best_epoch, at.zero_epe, early, seconds)


def _disk(config: Config, supernet: Supernet) -> Tuple[int, int]:
    """Bytes that the checkpoints of a run need, and bytes free where it is kept; raises EfnasError when too few."""
    needed = checkpoint_bytes(config, supernet)
    place = existing_folder(config.runtime.run_folder)
    if not os.access(place, os.W_OK):
        raise EfnasError(f"Cannot write to {place} (runtime.output_root).")
    free = shutil.disk_usage(place).free
    if free < needed:
        raise EfnasError(
            f"The disk of {place} has {free / 1e6:,.0f} MB free; the checkpoints need {needed / 1e6:,.0f} MB."
        )
    return needed, free
