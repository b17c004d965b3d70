"""Where the flow lies in the decoder's maps, and how far two flows are apart."""

import tensorflow.compat.v1 as tf


def valid_part(maps, height: int, width: int):
    """The top-left [n, height, width, c] of the decoder's canvas: upsampling keeps position 2i at i, so the image lies
    there and what is below and to the right came from padding."""
    return tf.slice(maps, [0, 0, 0, 0], [-1, height, width, -1])


def flow_at_scale(flow, scale: int):
    """Ground truth [n, h, w, 2] at 1/scale; values stay full-resolution pixels.

    The legacy bilinear resize by a whole factor takes every scale-th pixel, which is where the decoder's canvas has
    its positions.
    """
    return flow[:, ::scale, ::scale]


def endpoint_error(flow, truth):
    """EPE per pixel, [n, h, w] from two flows [n, h, w, 2], in pixels."""
    return tf.norm(flow - truth, axis=-1)
