"""The gradients of a convolution as convolutions: what makes training on a CPU bearable.

TensorFlow's CPU kernels for the two gradients write out every patch; for the wide kernels of the heads, which run at
full resolution, that takes five to ten times as long as the forward pass. Both gradients of a stride-1 SAME
convolution are forward convolutions themselves, and those are fast:

- to the input: the output's gradient, convolved with the kernel turned by 180 degrees, channels in and out swapped;
- to the kernel: the input as 'batch = channels in, channels = batch', convolved with the output's gradient as kernel.

The second has a kernel as large as the map, which GPU libraries do not run well: on a GPU TensorFlow's own gradients
are used. The values are the same up to rounding.
"""

from typing import List

import tensorflow.compat.v1 as tf

_NAME = "EfnasConv2D"


@tf.RegisterGradient(_NAME)
def _gradients(op, grad):
    x, kernel = op.inputs
    size = int(kernel.shape[0])
    if list(op.get_attr("strides")) != [1, 1, 1, 1]:
        arguments = {"strides": op.get_attr("strides"), "padding": op.get_attr("padding")}
        return (
            tf.nn.conv2d_backprop_input(tf.shape(x), kernel, grad, **arguments),
            tf.nn.conv2d_backprop_filter(x, tf.shape(kernel), grad, **arguments),
        )
    turned = tf.transpose(tf.reverse(kernel, [0, 1]), [0, 1, 3, 2])
    border = [(size - 1) // 2, size // 2]
    if size % 2:
        to_input = tf.nn.conv2d(grad, filter=turned, strides=1, padding="SAME")
    else:  # SAME has the greater border behind: turned, it is in front
        bordered = tf.pad(grad, [[0, 0], border[::-1], border[::-1], [0, 0]])
        to_input = tf.nn.conv2d(bordered, filter=turned, strides=1, padding="VALID")
    padded = tf.transpose(tf.pad(x, [[0, 0], border, border, [0, 0]]), [3, 1, 2, 0])
    to_kernel = tf.nn.conv2d(padded, filter=tf.transpose(grad, [1, 2, 0, 3]), strides=1, padding="VALID")
    return to_input, tf.transpose(to_kernel, [1, 2, 0, 3])


def conv2d(x, kernel, stride: int, gradients_as_convolutions: bool):
    """SAME convolution, NHWC, with a square kernel."""
    override = {"Conv2D": _NAME} if gradients_as_convolutions else {}
    with tf.get_default_graph().gradient_override_map(override):
        return tf.nn.conv2d(x, filter=kernel, strides=[1, stride, stride, 1], padding="SAME", name="conv")


def together(outputs: List[tf.Tensor], most_channels: int = 16) -> List[tf.Tensor]:
    """The same values, of one convolution, where all are stride-1 SAME convolutions of one tensor with few channels.

    Such a convolution spends its time on writing out patches: with the kernels padded to the largest and side by side
    they are written once. With more channels the products decide, and those with the padding are lost.
    """
    ops = [output.op for output in outputs]
    apart = any(op.type != "Conv2D" or list(op.get_attr("strides")) != [1, 1, 1, 1] for op in ops)
    if apart or len(ops) < 2 or any(op.inputs[0] is not ops[0].inputs[0] for op in ops):
        return outputs
    kernels = [op.inputs[1] for op in ops]
    channels = [int(kernel.shape[-1]) for kernel in kernels]
    if sum(channels) > most_channels:
        return outputs
    largest = max(int(kernel.shape[0]) for kernel in kernels)
    borders = [[(largest - int(kernel.shape[0])) // 2] * 2 for kernel in kernels]
    padded = [tf.pad(kernel, [border, border, [0, 0], [0, 0]]) for kernel, border in zip(kernels, borders)]
    joint = tf.nn.conv2d(ops[0].inputs[0], filter=tf.concat(padded, axis=3), strides=1, padding="SAME")
    return tf.split(joint, channels, axis=3)
