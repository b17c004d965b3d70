"""Pairs changed as `augmentation` drew it, by operators of TensorFlow alone."""

from typing import List

import numpy as np
import tensorflow.compat.v1 as tf

from efnas.config_augmentation import Augmentation
from efnas.data.augmentation import SHAPES, SIZES, Drawn

NOISE_SEED = (18, 1)
NOISE_PARTS = 4  # times the noise of a pair that the table of it is long


def fields_of(row) -> Drawn:
    """Those of one row of `augmentation.changes_at`, as tensors."""
    return Drawn(*(tf.reshape(part, shape) for part, shape in zip(tf.split(row, SIZES), SHAPES)))


def warped(pair: List[tf.Tensor], flow, top_left, height: int, width: int, drawn: Drawn, moves: bool):
    """Images float32 [height, width, 6] of 0 .. 255 and their flow [height, width, 2].

    `pair` are maps of six channels together, each [h, w, c] with the flow [h, w, 2]; `top_left` is where the crop
    would begin without a change. What is shown lies within the frames: where it would not, the frames are zoomed in as
    much as it takes, and its centre moves with its size so that all of a frame is seen over time. Colours are
    interpolated; the flow is that of the nearest pixel, since between two motions there is none.
    """
    size = tf.cast(tf.reverse(tf.shape(flow)[:2], [0]), tf.float32)  # (x, y), as all below
    half = np.array([width - 1, height - 1], np.float32) / 2
    shift = tf.linalg.matvec(drawn.first, drawn.shift)
    reach = tf.linalg.matvec(tf.abs(drawn.first), half)
    if moves:
        reach = tf.maximum(reach, tf.linalg.matvec(tf.abs(drawn.second), half) + tf.abs(shift))
    shrunk = tf.minimum(1.0, tf.reduce_min((size - 1) / (2 * reach)))
    reach *= shrunk
    begin, room = tf.cast(tf.reverse(top_left, [0]), tf.float32), size - 1 - 2 * half
    part = tf.where(room > 0, begin / tf.maximum(room, 1.0), [0.5, 0.5])
    centre = begin + half + (reach - half) * (1 - 2 * part)

    corner = tf.maximum(tf.floor(centre - reach), 0.0)
    extent = tf.minimum(tf.math.ceil(2 * reach) + 2, size - corner)
    where = [
        tf.cast(tf.concat([tf.reverse(each, [0]), last], axis=0), tf.int32)
        for each, last in ((corner, [0]), (extent, [-1]))
    ]
    source = tf.concat([tf.slice(each, *where) for each in pair], axis=-1)
    source = tf.reshape(tf.cast(source, tf.float32), [-1, 6])
    motion = tf.reshape(tf.slice(flow, *where), [-1, 2])

    def places(matrix, middle):
        return _places(matrix * shrunk, middle - corner, extent, half)

    index, right, down = places(drawn.first, centre)
    nearest = index + tf.cast(right > 0.5, tf.int32) + tf.cast(down > 0.5, tf.int32) * where[1][1]
    motion = tf.matmul(tf.gather(motion, nearest[:, 0]), drawn.first_inverse / shrunk, transpose_b=True)
    if moves:
        first = _sampled(source[:, :3], index, right, down, where[1][1])
        second = _sampled(source[:, 3:], *places(drawn.second, centre + shift * shrunk), where[1][1])
        images = tf.concat([first, second], axis=-1)
        x, y = np.meshgrid(*(np.arange(2 * each + 1, dtype=np.float32) - each for each in half))
        grid = np.stack([x.ravel(), y.ravel()], axis=-1)
        motion = tf.matmul(motion - drawn.shift, drawn.relative_inverse, transpose_b=True) + tf.matmul(
            grid, drawn.relative_inverse - np.eye(2, dtype=np.float32), transpose_b=True
        )
    else:
        images = _sampled(source, index, right, down, where[1][1])
    return tf.reshape(images, [height, width, 6]), tf.reshape(motion, [height, width, 2])


def _places(matrix, middle, extent, half):
    """Where pixels of the input lie on a map of `extent` (x, y): the index of the pixel to the upper left, and how
    far it is to the right and down of that, 0 .. 1; each [n, 1]."""
    across, along = np.arange(2 * half[0] + 1) - half[0], np.arange(2 * half[1] + 1)[:, None] - half[1]
    found = []
    for axis in (0, 1):
        place = matrix[axis, 0] * across.astype(np.float32) + (
            matrix[axis, 1] * along.astype(np.float32) + middle[axis]
        )
        whole = tf.clip_by_value(tf.floor(place), 0.0, extent[axis] - 2)
        found.append((tf.cast(whole, tf.int32), place - whole))
    (x, right), (y, down) = found
    index = y * tf.cast(extent[0], tf.int32) + x
    return tuple(tf.reshape(each, [-1, 1]) for each in (index, right, down))


def _sampled(source, index, right, down, width):
    """Maps [n, c] at places of `_places`, interpolated."""
    corners = [tf.gather(source, index[:, 0] + step) for step in (0, 1, width, width + 1)]
    above, below = (left + right * (other - left) for left, other in (corners[:2], corners[2:]))
    return above + down * (below - above)


def noise_table(height: int, width: int):
    """Normal numbers, of which each pair takes as many as it has values: one draw costs as much as many reads."""
    return tf.random.stateless_normal([NOISE_PARTS * height * width * 6], NOISE_SEED)


def relit(images, drawn: Drawn, strength: Augmentation, noise):
    """Images [h, w, 6] of 0 .. 255, as a lens blurs them, a light falls on them and a sensor sees them; `noise` is a
    `noise_table`. Only changes that can occur are in the graph."""
    height, width, channels = images.shape.as_list()

    def row(values):
        return tf.tile(values, [width])

    flat = tf.reshape(images, [height, width * channels])  # such rows are computed several times faster
    if strength.blur:
        blurs = tf.reduce_any(drawn.blur[1] > 0)
        flat = tf.cond(
            blurs, lambda: _blurred(flat, [row(weights) for weights in tf.unstack(drawn.blur)]), lambda: flat
        )
    if strength.recolours:
        flat = tf.reshape(tf.matmul(tf.reshape(flat, [-1, channels]), drawn.mixing), tf.shape(flat)) + row(drawn.offset)
        flat = tf.clip_by_value(flat, 0.0, 255.0)
    if strength.gamma:  # 255 (v / 255)^gamma; black has no logarithm
        flat = tf.exp(row(drawn.gamma) * tf.log(tf.maximum(flat, 1e-3)) + row((1 - drawn.gamma) * np.log(255.0)))
    if strength.noise:
        count = height * width * channels
        begin = tf.cast(drawn.noise_begin * ((NOISE_PARTS - 1) * count), tf.int32)
        flat += tf.reshape(tf.slice(noise, begin, [count]), tf.shape(flat)) * row(drawn.noise)
        flat = tf.clip_by_value(flat, 0.0, 255.0)
    return tf.reshape(flat, [height, width, channels])


def _blurred(flat, weights):
    """Rows [h, w * 6] blurred down, then across; beyond the border they are mirrored."""
    down = tf.pad(flat, [[2, 2], [0, 0]], "SYMMETRIC")
    middle, near, far = weights
    flat = down[2:-2] * middle + (down[1:-3] + down[3:-1]) * near + (down[:-4] + down[4:]) * far
    width = flat.shape[1]
    across = tf.pad(tf.reshape(flat, [flat.shape[0], -1, 6]), [[0, 0], [2, 2], [0, 0]], "SYMMETRIC")
    across = tf.reshape(across, [flat.shape[0], -1])
    shifted = [across[:, 6 * step : 6 * step + int(width)] for step in range(5)]
    return shifted[2] * middle + (shifted[1] + shifted[3]) * near + (shifted[0] + shifted[4]) * far
