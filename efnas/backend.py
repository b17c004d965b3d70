"""Where TensorFlow computes: the GPU that was asked for, or the CPU, and with how many threads."""

import os
from typing import NamedTuple, Optional

from efnas.errors import EfnasError


class Device(NamedTuple):
    """`gpu` says whether there is one; `session_config` is for every `tf.Session` of the command."""

    name: str
    gpu: bool
    threads: int
    session_config: object


def select_device(gpu_device: Optional[int], threads: int) -> Device:
    """Take GPU number `gpu_device` and hide the others; -1 is the CPU, None the first GPU where there is one.

    Must be called before TensorFlow looks for devices, which it does once a process. Raises EfnasError when the GPU
    asked for is not there.
    """
    if gpu_device is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = str(gpu_device)
    import tensorflow.compat.v1 as tf

    gpus = tf.config.experimental.list_physical_devices("GPU")
    if gpu_device is not None and gpu_device >= 0 and not gpus:
        raise EfnasError(f"TensorFlow sees no GPU number {gpu_device} (runtime.gpu_device); use -1 for the CPU.")
    threads = threads or len(os.sched_getaffinity(0))
    config = tf.ConfigProto(
        intra_op_parallelism_threads=threads, inter_op_parallelism_threads=threads, allow_soft_placement=True
    )
    config.gpu_options.allow_growth = True
    name = f"GPU {gpu_device or 0}" if gpus else f"CPU, {threads} thread{'s' if threads > 1 else ''}"
    return Device(name, bool(gpus), threads, config)
