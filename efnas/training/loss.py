"""The multi-scale, uncertainty-aware loss."""

from typing import Callable, List, Sequence

import tensorflow.compat.v1 as tf

from efnas.core.geometry import FLOW_CHANNELS, Head, ScaleMaps, flow_at_scale, valid_part

FULL_SCALE_WEIGHT = 0.5  # of scale 1/1; a coarser scale weighs as much less as it is coarser
SIGMA_FLOOR = 1e-3


def scale_loss(maps, truth):
    """L1 plus the Laplace-like uncertainty term of one scale; `maps` [n, h, w, 4], `truth` [n, h, w, 2]."""
    flow, log_scale = maps[..., :FLOW_CHANNELS], maps[..., FLOW_CHANNELS:]
    error = tf.abs(flow - truth)
    sigma = tf.maximum(tf.nn.softplus(log_scale + SIGMA_FLOOR), SIGMA_FLOOR)
    return tf.reduce_mean(error) + tf.reduce_mean(error / sigma) + tf.reduce_mean(tf.nn.softplus(log_scale))


def flow_loss(maps, truth):
    """L1 alone, of maps that may have no uncertainty."""
    return tf.reduce_mean(tf.abs(maps[..., :FLOW_CHANNELS] - truth))


def multiscale_loss(heads: Sequence[Head], maps: ScaleMaps, truth, of_scale: Callable = scale_loss):
    """The loss of one lane over its accumulated maps, against ground truth [n, height, width, 2] in pixels."""
    total = 0.0
    for head, scale_maps in zip(heads, maps.accumulated):
        target = flow_at_scale(truth, head.scale)
        height, width = int(target.shape[1]), int(target.shape[2])
        weight = FULL_SCALE_WEIGHT / head.scale
        total += weight * of_scale(valid_part(scale_maps, height, width), target)
    return total


def weight_decay_loss(kernels: List, counts: List[int], lanes: int):
    """Mean over the lanes of the summed l2 loss of each lane's own kernels.

    A kernel that all lanes share counts in full, one that a single lane picked with 1/lanes: the ratio of decay to
    gradient is then the same for both, and the objective is the mean of those of the stand-alone subnets.
    """
    return tf.add_n([tf.nn.l2_loss(kernel) * (count / lanes) for kernel, count in zip(kernels, counts)])
