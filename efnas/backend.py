"""TensorFlow: its version, the device it computes on, and the one place that opens sessions."""

import gc
import os
from typing import NamedTuple, Optional

# TensorFlow and its graphs are hundreds of thousands of objects that stay: looking at them all again and again for
# cycles takes a tenth of the time to the first step.
gc.set_threshold(100_000, 20, 20)
# TensorFlow's threads belong to the process and are as many as its first session asked for, unless this is said before.
os.environ.setdefault("TF_OVERRIDE_GLOBAL_THREADPOOL", "1")
# oneDNN's kernels, which TensorFlow 2.15 by itself takes on processors with AVX512_VNNI alone: a step is faster without
# these too (docs/benchmarks.md). Of 1.15 Intel's build has them always, the others never.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import tensorflow.compat.v1 as tf  # noqa: E402

from efnas.errors import EfnasError  # noqa: E402

# TensorFlow wraps it in a look for a deprecated argument, which nobody gives: with every operator, a fifth of the time
# that a graph takes to be built.
tf.Graph.create_op = getattr(tf.Graph.create_op, "__wrapped__", tf.Graph.create_op)

if tf.__version__.startswith("2"):
    told = tf.logging.get_verbosity()
    tf.logging.set_verbosity(tf.logging.ERROR)  # it warns of what it calls itself
    tf.disable_v2_behavior()
    tf.logging.set_verbosity(told)


class Device(NamedTuple):
    """`gpu` says whether there is one; `threads` is how many a session computes with."""

    name: str
    gpu: bool
    threads: int


def tensorflow_series() -> str:
    """Which TensorFlow it is, as in 1.15: versions of one series compute alike."""
    return ".".join(tf.__version__.split(".")[:2])


def uses_onednn() -> bool:
    """Whether oneDNN's kernels compute, which round in their own way."""
    try:
        from tensorflow.python.util._pywrap_util_port import IsMklEnabled
    except ImportError:  # where TensorFlow 1.15 keeps it
        from tensorflow.python.pywrap_tensorflow import IsMklEnabled
    return IsMklEnabled()


def select_device(
    gpu_device: Optional[int], threads: int, local_rank: Optional[int] = None, sharing: int = 1
) -> Device:
    """Take GPU number `gpu_device` and hide the others; -1 is the CPU, None the first GPU where there is one.

    Of processes that compute together each takes the GPU of its number on the machine, `local_rank`; `sharing` of them
    have the same cores.

    Must be called before TensorFlow looks for devices, which it does once a process. Raises EfnasError when the GPU
    asked for is not there.
    """
    if local_rank is not None and gpu_device is None:
        seen = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
        if 1 < len(seen) <= local_rank:
            raise EfnasError(f"{len(seen)} GPUs are too few for so many ranks on one machine (CUDA_VISIBLE_DEVICES).")
        if len(seen) > 1 or not seen[0]:  # else the launcher gave this process one of its own
            os.environ["CUDA_VISIBLE_DEVICES"] = seen[local_rank] if seen[0] else str(local_rank)
    if gpu_device is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = str(gpu_device)
    gpus = tf.config.experimental.list_physical_devices("GPU")
    if gpu_device is not None and gpu_device >= 0 and not gpus:
        raise EfnasError(f"TensorFlow sees no GPU number {gpu_device} (runtime.gpu_device); use -1 for the CPU.")
    threads = threads or max(1, len(os.sched_getaffinity(0)) // sharing)
    name = f"GPU {gpu_device or 0}" if gpus else f"CPU, {threads} thread{'s' if threads > 1 else ''}"
    return Device(name, bool(gpus), threads)


def open_session(device: Device, xla: bool = False) -> tf.Session:
    """A session of the default graph, with threads of its own; on a GPU it takes memory as it needs it.

    With `xla` parts of the graph are compiled; on a CPU only where no session of the process ran before.
    """
    config = tf.ConfigProto(
        intra_op_parallelism_threads=device.threads,
        inter_op_parallelism_threads=device.threads,
        use_per_session_threads=True,
        allow_soft_placement=True,
    )
    config.gpu_options.allow_growth = True
    if xla:
        # TensorFlow reads it when it looks at the first graph.
        os.environ["TF_XLA_FLAGS"] = f"{os.environ.get('TF_XLA_FLAGS', '')} --tf_xla_cpu_global_jit".strip()
        config.graph_options.optimizer_options.global_jit_level = tf.OptimizerOptions.ON_1
    # A second round of rewriting, and the search for memory to save, take a third of the first step and change nothing
    # of the others: neither their values nor their time.
    rewrites = config.graph_options.rewrite_options
    rewrites.meta_optimizer_iterations = rewrites.ONE
    rewrites.memory_optimization = rewrites.NO_MEM_OPT
    return tf.Session(config=config)
