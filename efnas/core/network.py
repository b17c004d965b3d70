"""The network, described once: a bilinear encoder-decoder with nine choice blocks (after EdgeFlowNet, 2024).

All subnets begin as one and the same function: residual blocks as the identity (Goyal et al., 2017), kernels of
different size with the same core, output heads with zero. Shared layers then learn one thing from all lanes from the
first step on; with independent first values a supernet stays on the zero-flow plateau several times as long.

The description is a function over `layers` (what a layer does: `layers.Layers` computes, `costs.CostLayers` counts)
and a `router` (which of a choice block's options run, and for whom: see `routing`). It imports neither.
"""

from typing import Any, List, NamedTuple

NETWORK_VERSION = 1
BASE_WIDTH = 32
EXPANSION = 2
OUTPUT_CHANNELS = 4  # 0..1 are flow (u, v), 2..3 its uncertainty
SCALES = (4, 2, 1)  # the heads predict at 1/4, 1/2 and 1/1 of the input


class First(NamedTuple):
    """The first values of a kernel: zero, or He-normal in its inner `core` x `core` pixels (0: all) and zero around.

    Kernels of the same `name` (empty: their own scope) and core begin with the same values.
    """

    zero: bool = False
    core: int = 0
    name: str = ""


HE = First()


class ScaleMaps(NamedTuple):
    """The maps of one lane at 1/4, 1/2 and 1/1, each [n, h, w, 4] on the decoder's canvas, in full-resolution pixels.

    `residual` is what the heads said; `accumulated` the sum over the scales so far, of which 0..1 are the flow.
    """

    residual: List[Any]
    accumulated: List[Any]


def optical_flow_network(
    layers, router, images, base_width: int = BASE_WIDTH, output_channels: int = OUTPUT_CHANNELS
) -> List[ScaleMaps]:
    """Predict flow from image pairs [n, height, width, 6]; one `ScaleMaps` a lane of the router.

    With 2 `output_channels` the heads predict flow alone: exact, since scales add up channel by channel.
    """
    w, e = base_width, EXPANSION

    def unit(scope, x, channels, kernel, stride=1):
        def conv_bn_relu(t):
            return layers.relu(
                layers.batch_norm(layers.conv(t, f"{scope}/conv", channels, kernel, stride), f"{scope}/bn")
            )

        with layers.scope(scope):
            return router.each(conv_bn_relu, x)

    def up(scope, x):
        with layers.scope(scope):
            return router.each(layers.upsample, x)

    def depth_choice(block, x, channels):
        def option(depth):
            return lambda t: residual_blocks(layers, f"{block}/depth{depth}", t, channels, depth)

        with layers.scope(block):
            return router.choose(block, x, option)

    def kernel_choice(block, x, channels, first):
        def option(kernel):
            return lambda t: layers.conv(t, f"{block}/kernel{kernel}x{kernel}", channels, kernel, first=first)

        with layers.scope(block):
            return router.choose(block, x, option)

    def bn_relu(scope, x):
        with layers.scope(scope):
            return router.each(lambda t: layers.relu(layers.batch_norm(t, f"{scope}/bn")), x)

    x = unit("E0", images, w, kernel=7, stride=2)
    x = unit("E1", x, w * e, kernel=5, stride=2)
    x = depth_choice("EB0", x, w * e)
    x = unit("Down1", x, w * e**2, kernel=3, stride=2)
    x = depth_choice("EB1", x, w * e**2)
    x = unit("Down2", x, w * e**3, kernel=3, stride=2)
    x = depth_choice("DB0", x, w * e**3)
    x = unit("Up1", up("Up1", x), w * e**2, kernel=3)
    x = depth_choice("DB1", x, w * e**2)
    quarter = unit("Up2", up("Up2", x), w * e, kernel=3)
    quarter_head = kernel_choice("H0Out", quarter, output_channels, First(zero=True))
    half = bn_relu("H1", kernel_choice("H1", up("H1", quarter), w, First(core=3, name="H1")))
    half_head = kernel_choice("H1Out", half, output_channels, First(zero=True))
    full = bn_relu("H2", kernel_choice("H2", up("H2", half), w // e, First(core=3, name="H2")))
    full_head = kernel_choice("H2Out", full, output_channels, First(zero=True))
    heads = [quarter_head, half_head, full_head]
    return [accumulate_scales(layers, list(lane)) for lane in zip(*map(router.lanes, heads))]


def residual_blocks(layers, scope, x, channels, depth):
    """`depth` blocks of conv-BN-ReLU-conv-BN, input added, ReLU (He et al., 2016)."""
    for number in range(1, depth + 1):
        block = f"{scope}/block{number}"
        y = layers.relu(layers.batch_norm(layers.conv(x, f"{block}/conv1", channels, 3), f"{block}/bn1"))
        y = layers.batch_norm(layers.conv(y, f"{block}/conv2", channels, 3), f"{block}/bn2", first_scale=0.0)
        with layers.scope(block):
            x = layers.relu(layers.add(x, y))
    return x


def accumulate_scales(layers, residual) -> ScaleMaps:
    """Add the heads' maps from coarse to fine; each map before is upsampled x2, its values stay pixels of full size."""
    accumulated = [residual[0]]
    for scale, head in zip(SCALES[1:], residual[1:]):
        with layers.scope(f"Sum{scale}"):
            accumulated.append(layers.add(layers.upsample(accumulated[-1]), head))
    return ScaleMaps(residual, accumulated)
