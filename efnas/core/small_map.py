"""A convolution after a bilinear x2, computed on the map before it: no upsampled map, and fewer multiplications.

Upsampling makes four positions of one. At each of them the two steps together are a convolution of the small map (see
`upsampling`): of 5x5 for 7x7, 4x4 for 5x5, 3x3 for 3x3. All four are one convolution with four times the channels,
whose positions are then put in their places.

It goes on with zeros where the small map ends. A map upsampled so is right but for two positions of each axis: the one
before the first, where nothing is, has half of the first; the last has half of what is there. What follows from these
is convolved apart, two rows and two columns, and added: the values are the same up to rounding.
"""

from typing import Sequence, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from efnas.core.convolution import conv2d
from efnas.core.upsampling import taps_after_upsampling


def is_faster(x: tf.Tensor, size: int, stride: int) -> bool:
    """Whether a convolution with a kernel of this size is, by measurement, faster so. A 3x3 has as many multiplications
    as before: it gains where the maps are large beside their channels, in what need not be written."""
    height, width, channels = x.shape.as_list()[1:]
    fits = stride == 1 and size % 2 and 2 * min(height, width) >= size
    return bool(fits) and (size > 3 or size == 3 and height * width >= 16 * channels)


def conv_of_upsampled(x: tf.Tensor, kernel: tf.Tensor, gradients_as_convolutions: bool) -> tf.Tensor:
    """The stride-1 SAME convolution, with an odd kernel [k, k, c, out], of a map [n, h, w, c] that is upsampled:
    [n, 2h, 2w, out]. The kernel is 3x3 or larger, and the map, upsampled, no smaller."""
    inside = tf.depth_to_space(conv2d(x, _of_four_positions(kernel), 1, gradients_as_convolutions), 2)
    with tf.name_scope("border"):
        return _with_border(inside, [*_from_rows(x, kernel), *_from_columns(x, kernel)])


def _of_four_positions(kernel: tf.Tensor) -> tf.Tensor:
    """The kernel on the small map, with the positions (row, column) among its channels."""
    _, taps = taps_after_upsampling(int(kernel.shape[0]))
    taken = tf.constant(np.einsum("pad,qbe->abpqde", taps, taps), tf.float32)
    found = tf.einsum("abpqde,deio->abipqo", taken, kernel)
    return tf.reshape(found, [*found.shape.as_list()[:3], 4 * int(kernel.shape[3])])


def _from_rows(x: tf.Tensor, kernel: tf.Tensor) -> Tuple[tf.Tensor, tf.Tensor]:
    """What to add to the first k // 2 rows and to the last k // 2 + 1 for what is wrong of rows: [n, rows, 2w, out]."""
    _, height, width, _ = x.shape.as_list()
    size, channels, out = int(kernel.shape[0]), *kernel.shape.as_list()[2:]
    # Columns are still upsampled with zeros around them.
    wrong = tf.pad(x[:, :: height - 1] * [[[-0.5]], [[0.5]]], [[0, 0], [0, 0], [1, 1], [0, 0]])
    wrong = tf.image.resize_bilinear(wrong, [2, 2 * (width + 2)])
    across = tf.reshape(tf.transpose(kernel[::-1], [1, 2, 0, 3]), [1, size, channels, size * out])
    y = tf.nn.conv2d(wrong, filter=across, strides=1, padding="SAME")[:, :, 2:-2]
    y = tf.transpose(tf.reshape(y, [-1, 2, 2 * width, size, out]), [0, 1, 3, 2, 4])
    return y[:, 0, size // 2 + 1 :], y[:, 1, : size // 2 + 1]


def _from_columns(x: tf.Tensor, kernel: tf.Tensor) -> Tuple[tf.Tensor, tf.Tensor]:
    """The same of columns: [n, 2h, columns, out]."""
    _, height, width, _ = x.shape.as_list()
    size, channels, out = int(kernel.shape[0]), *kernel.shape.as_list()[2:]
    wrong = tf.image.resize_bilinear(x[:, :, :: width - 1] * [[-0.5], [0.5]], [2 * height, 2])
    down = tf.reshape(tf.transpose(kernel[:, ::-1], [0, 2, 1, 3]), [size, 1, channels, size * out])
    y = tf.nn.conv2d(wrong, filter=down, strides=1, padding="SAME")
    y = tf.reshape(y, [-1, 2 * height, 2, size, out])
    return y[:, :, 0, size // 2 + 1 :], y[:, :, 1, : size // 2 + 1]


def _with_border(inside: tf.Tensor, border: Sequence[tf.Tensor]) -> tf.Tensor:
    """`inside` with what is added to its first and last rows, first and last columns."""
    before = int(border[0].shape[1])
    last_rows, last_columns = (size - before - 1 for size in inside.shape.as_list()[1:3])

    # TensorFlow's gradient of each slice would be a map with zeros around it.
    @tf.custom_gradient
    def add(y, first_row, last_row, first_column, last_column):
        y = tf.concat([y[:, :before] + first_row, y[:, before:last_rows], y[:, last_rows:] + last_row], axis=1)
        parts = y[:, :, :before] + first_column, y[:, :, before:last_columns], y[:, :, last_columns:] + last_column

        def gradients(of):
            return of, of[:, :before], of[:, last_rows:], of[:, :, :before], of[:, :, last_columns:]

        return tf.concat(parts, axis=2), gradients

    return add(inside, *border)
