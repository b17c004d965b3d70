"""What this machine can do: one finding a line, each with what to do about it."""

import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Iterator, List, NamedTuple, Optional

from efnas.config import Config
from efnas.deploy.board import packaged_profile
from efnas.deploy.cache import Cache
from efnas.deploy.vela import PROJECT, REFERENCE_VERSION, Vela, find_vela, other_figures
from efnas.errors import EfnasError
from efnas.files import standing_place
from efnas.manifest import library_versions
from efnas.training.run_files import checkpoint_bytes

FINE, NOTE, PROBLEM = "fine", "note", "problem"
ENOUGH_DISK_GB, ENOUGH_MEMORY_GB = 5, 4
TENSORFLOWS = ("tensorflow", "tensorflow-gpu", "intel-tensorflow", "nvidia-tensorflow", "tensorflow-cpu")


class Finding(NamedTuple):
    """`state` is fine, note or problem; a problem keeps a supernet from being trained here."""

    what: str
    state: str
    said: str
    to_do: str = ""


def examine(config: Config, wants_data: bool) -> List[Finding]:
    """All findings; with `wants_data` a data set of the configuration that is missing is a problem."""
    return [
        _python(), *_tensorflow(), _threads(config), *_velas(), *_data(config, wants_data),
        _disk(config), _memory(),
    ]  # fmt: skip


def _python() -> Finding:
    version = platform.python_version()
    if version.startswith("3.7."):
        return Finding("Python", FINE, version)
    return Finding("Python", PROBLEM, version, "efnas runs on Python 3.7: make setup finds one and builds .venv")


def _tensorflow() -> Iterator[Finding]:
    builds = [f"{name} {version}" for name, version in library_versions(TENSORFLOWS).items()]
    try:
        import tensorflow.compat.v1 as tf
    except ImportError as error:
        yield Finding("TensorFlow", PROBLEM, f"cannot be imported: {error}", "make setup installs it")
        return
    with_cuda = tf.test.is_built_with_cuda()
    kind = "with CUDA" if with_cuda else "for CPUs"
    yield Finding("TensorFlow", FINE, f"{', '.join(builds)}, built {kind}")
    seen = _visible_gpus()
    used = [device.name for device in tf.config.experimental.list_physical_devices("GPU")]
    if used:
        yield Finding("GPU", FINE, f"{', '.join(seen) or len(used)}; TensorFlow can use {len(used)}")
    elif not seen:
        yield Finding("GPU", NOTE, "none; training runs on the CPU",
                      "EFNAS_TENSORFLOW=intel-tensorflow==1.15.2 make setup is three times as fast there")  # fmt: skip
    else:
        need = "TensorFlow 1.15 needs CUDA 10.0 and cuDNN 7 in LD_LIBRARY_PATH" if with_cuda else (
            "install a build with CUDA: EFNAS_TENSORFLOW=tensorflow-gpu==1.15.0 make setup")  # fmt: skip
        yield Finding("GPU", NOTE, f"{', '.join(seen)}, which this TensorFlow cannot use", need)


def _visible_gpus() -> List[str]:
    program = shutil.which("nvidia-smi")
    if not program:
        return []
    words = [program, "--query-gpu=name", "--format=csv,noheader"]
    try:
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return done.stdout.split("\n")[:-1] if done.returncode == 0 else []


def _threads(config: Config) -> Finding:
    cores, wanted = len(os.sched_getaffinity(0)), config.runtime.threads
    said = f"{wanted or cores} of {cores} cores"
    if wanted > cores:
        return Finding("threads", NOTE, f"{wanted} on {cores} cores", "set runtime.threads to 0, or ask for more cores")
    return Finding("threads", FINE, said)


def found_velas() -> List[Path]:
    """Every compiler there is, the one that is used first."""
    paths = sorted(PROJECT.glob(".venv-vela*/bin/vela"))
    on_path = shutil.which("vela")
    try:
        first: List[Path] = [find_vela()]
    except EfnasError:
        first = []
    return list(dict.fromkeys([*first, *paths, *([Path(on_path)] if on_path else [])]))


def _velas() -> Iterator[Finding]:
    paths = found_velas()
    if not paths:
        yield Finding("Vela", NOTE, "none found; vela-compare, fit and sweep need one", "make setup installs it")
    for number, path in enumerate(paths):
        used = " (used)" if number == 0 else ""
        try:
            version = Vela(path, packaged_profile(), Cache(None)).version
        except EfnasError as error:
            yield Finding("Vela", NOTE, f"{path}{used}: {error}", "make setup builds it anew")
            continue
        if version == REFERENCE_VERSION:
            yield Finding("Vela", FINE, f"{version}{used}, the version of the known figures: {path}")
        else:
            other = other_figures(version, False)
            figures = "with other figures" if other else "with the same figures"
            said = f"{version}{used}, {figures}: {path}"
            if other and number == 0:
                yield Finding("Vela", NOTE, said, f"--vela {REFERENCE_VERSION} gives the known figures")
            else:
                yield Finding("Vela", FINE, said)


def _data(config: Config, wanted: bool) -> Iterator[Finding]:
    from efnas.data.flying_chairs import find_dataset

    data = config.data
    if data.synthetic and not data.base_path.exists():
        yield Finding("data set", FINE, f"{data.base_path}: synthetic, made by the first run")
        return
    for name, folder, listed in (("train", data.train_dir, data.train_list), ("val", data.val_dir, data.val_list)):
        try:
            found = find_dataset(data.base_path, folder, listed)
            yield Finding(f"{name} pairs", FINE, f"{len(found):,} in {found.source}")
        except EfnasError as error:
            to_do = "set data.base_path, or take configs/quickstart.yaml for synthetic data"
            yield Finding(f"{name} pairs", PROBLEM if wanted else NOTE, str(error), to_do)


def _disk(config: Config) -> Finding:
    folder, needed = config.runtime.output_root, checkpoint_bytes(config) / 1e9
    place = standing_place(folder)
    free = shutil.disk_usage(place).free / 1e9
    if not os.access(place, os.W_OK):
        return Finding("disk", PROBLEM, f"{place} cannot be written to", "set runtime.output_root (--output-root)")
    if free < needed:
        said = f"{free:.1f} GB free for {folder}; the checkpoints need {needed:.1f} GB"
        return Finding("disk", PROBLEM, said, "set runtime.output_root (--output-root)")
    if free < ENOUGH_DISK_GB:
        return Finding("disk", NOTE, f"{free:.1f} GB free for {folder}", "a run needs about 1 GB: --output-root")
    return Finding("disk", FINE, f"{free:,.0f} GB free for {folder}")


def _memory() -> Finding:
    free = _available_memory_gb()
    if free is None:
        return Finding("memory", NOTE, "how much is free is not said here")
    if free < ENOUGH_MEMORY_GB:
        return Finding("memory", NOTE, f"{free:.1f} GB free", "set train.micro_batch_size to a part of the batch")
    return Finding("memory", FINE, f"{free:.0f} GB free")


def _available_memory_gb() -> Optional[float]:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        (line,) = [line for line in lines if line.startswith("MemAvailable:")]
        return int(line.split()[1]) / 1e6
    except (OSError, ValueError):
        return None
