"""What this machine can do: one finding a line, each with what to do about it."""

import os
import platform
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional

FINE, NOTE, PROBLEM = "fine", "note", "problem"
ENOUGH_MEMORY_GB = 4
# Libraries whose version can change a figure.
TENSORFLOWS = ("tensorflow", "tensorflow-gpu", "intel-tensorflow", "nvidia-tensorflow", "tensorflow-cpu")
LIBRARIES = (*TENSORFLOWS, "numpy", "scipy")


class Finding(NamedTuple):
    """`state` is fine, note or problem; a problem keeps a supernet from being trained here."""

    what: str
    state: str
    said: str
    to_do: str = ""


def library_versions(names: Iterable[str] = LIBRARIES) -> Dict[str, str]:
    """The versions of those libraries that are installed, by name."""
    from importlib_metadata import PackageNotFoundError, version

    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def examine_machine(threads: int) -> Iterator[Finding]:
    """Python, TensorFlow, GPUs, threads and memory; `threads` is what a configuration asks for (0: one a core)."""
    yield _python()
    yield from _tensorflow()
    yield _threads(threads)
    yield _memory()


def _python() -> Finding:
    version = platform.python_version()
    if (3, 7) <= sys.version_info[:2] <= (3, 11):
        return Finding("Python", FINE, version)
    return Finding("Python", PROBLEM, version, "efnas runs on Python 3.7 to 3.11: make setup finds one")


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
        faster = "EFNAS_TENSORFLOW=tensorflow-cpu==2.15.1 (or intel-tensorflow==1.15.2) make setup is faster there"
        yield Finding("GPU", NOTE, "none; training runs on the CPU", "" if _fast_on_cpus(builds) else faster)
    else:
        need = "install a build with CUDA: EFNAS_TENSORFLOW=tensorflow[and-cuda]==2.15.1 make setup"
        if with_cuda and tf.__version__.startswith("1."):
            need = f"TensorFlow 1.15 needs CUDA 10.0, cuDNN 7 and a GPU up to Turing; or {need}"
        yield Finding("GPU", NOTE, f"{', '.join(seen)}, which this TensorFlow cannot use", need)


def _fast_on_cpus(builds: List[str]) -> bool:
    return any(build.startswith("intel-tensorflow") or " 2." in build for build in builds)


def processor() -> str:
    """Its model, as the system tells it; empty where it does not."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()


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


def _threads(wanted: int) -> Finding:
    cores = len(os.sched_getaffinity(0))
    if wanted > cores:
        return Finding("threads", NOTE, f"{wanted} on {cores} cores", "set runtime.threads to 0, or ask for more cores")
    return Finding("threads", FINE, f"{wanted or cores} of {cores} cores")


def _memory() -> Finding:
    free = available_memory_gb()
    if free is None:
        return Finding("memory", NOTE, "how much is free is not said here")
    if free < ENOUGH_MEMORY_GB:
        return Finding("memory", NOTE, f"{free:.1f} GB free", "set train.micro_batch_size to a part of the batch")
    return Finding("memory", FINE, f"{free:.0f} GB free")


def available_memory_gb() -> Optional[float]:
    """Memory that a process can still take; None where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        (line,) = [line for line in lines if line.startswith("MemAvailable:")]
        return int(line.split()[1]) / 1e6
    except (OSError, ValueError):
        return None
