"""Where the flow lies: the maps of the scales, how they add up, what of them is image, how far two flows are apart."""

from typing import Any, List, NamedTuple, Sequence

OUTPUT_CHANNELS = 4  # of a head: 0..1 are flow (u, v), 2..3 its uncertainty
FLOW_CHANNELS = 2


class Head(NamedTuple):
    """A choice block whose maps are flow at 1/scale of the input."""

    block: str
    scale: int


class ScaleMaps(NamedTuple):
    """The maps of one lane from the coarsest scale to the finest, each [n, h, w, 4] on the decoder's canvas, in
    full-resolution pixels.

    `residual` is what the heads said; `accumulated` the sum over the scales so far, of which 0..1 are the flow.
    """

    residual: List[Any]
    accumulated: List[Any]


def accumulate_scales(layers, heads: Sequence[Head], residual: List[Any]) -> ScaleMaps:
    """Add the heads' maps from coarse to fine; each map before is upsampled x2, its values stay pixels of full size."""
    accumulated = [residual[0]]
    for head, maps in zip(heads[1:], residual[1:]):
        with layers.scope(f"Sum{head.scale}"):
            accumulated.append(layers.add(layers.upsample(accumulated[-1]), maps))
    return ScaleMaps(residual, accumulated)


def valid_part(maps, height: int, width: int):
    """The top-left [n, height, width, c] of the decoder's canvas: upsampling keeps position 2i at i, so the image lies
    there and what is below and to the right came from padding."""
    import tensorflow.compat.v1 as tf

    return tf.slice(maps, [0, 0, 0, 0], [-1, height, width, -1])


def flow_at_scale(flow, scale: int):
    """Ground truth [n, h, w, 2] at 1/scale; values stay full-resolution pixels.

    The legacy bilinear resize by a whole factor takes every scale-th pixel, which is where the decoder's canvas has
    its positions.
    """
    return flow[:, ::scale, ::scale]


def endpoint_error(flow, truth):
    """EPE per pixel, [n, h, w] from two flows [n, h, w, 2], in pixels."""
    import tensorflow.compat.v1 as tf

    return tf.norm(flow - truth, axis=-1)
