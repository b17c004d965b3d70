"""Frames and flow scaled to another size: one convention for training, evaluation, and what runs an exported file.

Places are those of the centres of pixels, and the kernel is a triangle: a map that gets smaller is averaged over what
a new pixel covers (no aliasing), one that gets larger is interpolated. Flow is a length: its values scale with the
frame. Pillow's BILINEAR is this; so are TensorFlow's ScaleAndTranslate where a map gets smaller, and its ResizeBilinear
where it gets larger, which is more exact there and runs on GPUs.
"""

import numpy as np


def scaled(maps: np.ndarray, height: int, width: int) -> np.ndarray:
    """[h, w, c] as float32 [height, width, c]; of that size already: the maps themselves."""
    from PIL import Image

    if maps.shape[:2] == (height, width):
        return maps
    channels = [Image.fromarray(np.ascontiguousarray(maps[..., place], np.float32)) for place in range(maps.shape[2])]
    return np.stack([np.asarray(channel.resize((width, height), Image.BILINEAR)) for channel in channels], axis=-1)


def scaled_flow(flow: np.ndarray, height: int, width: int) -> np.ndarray:
    """Flow (u, v) [h, w, 2] in pixels of its frame, in those of a frame of height x width; of that size already: the
    flow itself."""
    h, w = flow.shape[:2]
    if (h, w) == (height, width):
        return flow
    return scaled(flow, height, width) * np.array([width / w, height / h], np.float32)


def smaller(maps, height: int, width: int):
    """The tensor [h, w, c], no side of which is smaller, as float32 [height, width, c]."""
    import tensorflow.compat.v1 as tf

    size = tf.constant([height, width])
    scale = tf.cast(size, tf.float32) / tf.cast(tf.shape(maps)[:2], tf.float32)
    found = tf.raw_ops.ScaleAndTranslate(images=tf.cast(maps, tf.float32)[None], size=size, scale=scale,
                                         translation=[0.0, 0.0], kernel_type="triangle", antialias=True)  # fmt: skip
    return tf.reshape(found, [height, width, maps.shape[-1]])


def smaller_flow(flow, height: int, width: int):
    """As `scaled_flow`, of a tensor [h, w, 2] as in `smaller`."""
    return smaller(flow, height, width) * _ratios((height, width), _size(flow, 0))


def larger_flow(flow, frames):
    """Flow [n, h, w, 2] at the size of `frames`, a tensor [n, height, width, c] with no smaller side, in its pixels."""
    import tensorflow.compat.v1 as tf

    larger = tf.raw_ops.ResizeBilinear(images=flow, size=tf.shape(frames)[1:3], half_pixel_centers=True)
    return larger * _ratios(_size(frames, 1), _size(flow, 1))


def _size(maps, axis: int):
    """Height and width of a tensor, of which the first is its axis number `axis`."""
    import tensorflow.compat.v1 as tf

    height, width = tf.unstack(tf.cast(tf.shape(maps)[axis : axis + 2], tf.float32))
    return height, width


def _ratios(size, of):
    """What u and v are multiplied with."""
    import tensorflow.compat.v1 as tf

    return tf.stack([size[1] / of[1], size[0] / of[0]])
