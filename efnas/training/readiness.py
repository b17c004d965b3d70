"""Whether a training of a configuration can begin here: its data set and the disk its run goes to."""

import os
import shutil
from typing import Iterator

from efnas.config import Config
from efnas.data.sources import find_dataset, open_datasets
from efnas.errors import EfnasError
from efnas.files import existing_folder
from efnas.machine import FINE, NOTE, PROBLEM, Finding
from efnas.runs.run_files import checkpoint_bytes
from efnas.runs.supernet import supernet_of

ENOUGH_DISK_GB = 5


def examine_data(config: Config, wanted: bool) -> Iterator[Finding]:
    """With `wanted` a data set of the configuration that is missing is a problem."""
    data = config.data
    if data.synthetic and not data.base_path.exists():
        yield Finding("data set", FINE, f"{data.base_path}: synthetic, made by the first run")
        return
    for name, folder, listed in (("train", data.train_dir, data.train_list), ("val", data.val_dir, data.val_list)):
        try:
            whole = None if data.val_holdout else find_dataset(data.base_path, folder, listed)
            found = whole or getattr(open_datasets(data, write=False), name)
            yield Finding(f"{name} pairs", FINE, f"{len(found):,} in {found.source}")
        except EfnasError as error:
            to_do = "set data.base_path, or take configs/quickstart.yaml for synthetic data"
            yield Finding(f"{name} pairs", PROBLEM if wanted else NOTE, str(error), to_do)


def examine_disk(config: Config) -> Finding:
    folder = config.runtime.output_root
    needed = checkpoint_bytes(config, supernet_of(config)) / 1e9
    try:
        place = existing_folder(folder)
    except EfnasError as error:
        return Finding("disk", PROBLEM, str(error), "set runtime.output_root (--output-root)")
    free = shutil.disk_usage(place).free / 1e9
    if not os.access(place, os.W_OK):
        return Finding("disk", PROBLEM, f"{place} cannot be written to", "set runtime.output_root (--output-root)")
    if free < needed:
        said = f"{free:.1f} GB free for {folder}; the checkpoints need {needed:.1f} GB"
        return Finding("disk", PROBLEM, said, "set runtime.output_root (--output-root)")
    if free < ENOUGH_DISK_GB:
        return Finding("disk", NOTE, f"{free:.1f} GB free for {folder}", "a run needs about 1 GB: --output-root")
    return Finding("disk", FINE, f"{free:,.0f} GB free for {folder}")
