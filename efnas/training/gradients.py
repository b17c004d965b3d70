"""Whose gradients of a convolution are faster on this machine: TensorFlow's, or the same ones as convolutions.

They differ by rounding alone (see `core.convolution`). Which are faster depends on TensorFlow, its build, the processor
and the threads, so they are timed once for each, in a second, and the answer is kept in the cache.
"""

import time
from statistics import median
from typing import Dict, List

import tensorflow.compat.v1 as tf

from efnas.backend import Device, open_session, uses_onednn
from efnas.cache import Cache, key_of
from efnas.config import OWN, TENSORFLOW
from efnas.core.convolution import conv2d
from efnas.machine import TENSORFLOWS, library_versions, processor

KIND = "gradients"
# Like the layers that a step spends its time in (see `core.small_map`): height, width, channels in and out, kernel.
LAYERS = ((48, 60, 64, 128, 5), (96, 120, 32, 64, 4), (96, 120, 32, 64, 3), (48, 60, 64, 64, 3))
ROUNDS = 3


def as_convolutions(setting: str, device: Device, cache: Cache) -> bool:
    """Whether a training computes them as convolutions; `setting` is `runtime.convolution_gradients`."""
    if setting in (OWN, TENSORFLOW):
        return setting == OWN
    if device.gpu:
        return False
    key = key_of(builds=library_versions(TENSORFLOWS), processor=processor(), onednn=uses_onednn(),
                 threads=device.threads, layers=LAYERS)  # fmt: skip
    known = cache.get(KIND, key)
    if known in (b"own", b"tensorflow"):
        return known == b"own"
    seconds = measured_seconds(device)
    own = seconds[OWN] < seconds[TENSORFLOW]
    cache.put(KIND, key, b"own" if own else b"tensorflow")
    return own


def measured_seconds(device: Device) -> Dict[str, float]:
    """Of the gradients of some layers, both ways: medians of calls in turns."""
    with tf.Graph().as_default():
        ways = {way: [_gradients(*layer, way == OWN) for layer in LAYERS] for way in (OWN, TENSORFLOW)}
        with open_session(device) as session:
            session.run(tf.global_variables_initializer())
            found: Dict[str, List[float]] = {way: [] for way in ways}
            for _ in range(1 + ROUNDS):
                for way, gradients in ways.items():
                    began = time.perf_counter()
                    session.run(gradients)
                    found[way].append(time.perf_counter() - began)
    return {way: median(seconds[1:]) for way, seconds in found.items()}  # the first calls prepare the graph


def _gradients(height: int, width: int, channels: int, filters: int, size: int, own: bool) -> List[tf.Tensor]:
    images = tf.Variable(tf.ones([1, height, width, channels]))
    kernel = tf.Variable(tf.ones([size, size, channels, filters]))
    return tf.gradients(conv2d(images, kernel, 1, own), [images, kernel])
