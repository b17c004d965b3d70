"""The network and its search space: a bilinear encoder-decoder with nine choice blocks (after EdgeFlowNet, 2024).

All subnets begin as one and the same function: residual blocks as the identity (Goyal et al., 2017), kernels of
different size with the same core, output heads with zero. Shared layers then learn one thing from all lanes from the
first step on; with independent first values a supernet stays on the zero-flow plateau several times as long.

The network is a function over `layers` (what a layer does: `layers.Layers` computes, `costs.CostLayers` counts) and a
`router` (which of a choice block's options run, and for whom: see `routing`). It imports neither.
"""

from typing import List, Tuple

from efnas.core.geometry import OUTPUT_CHANNELS, Head, ScaleMaps, accumulate_scales
from efnas.core.space import ArchCode, ChoiceBlock, Option, SearchSpace
from efnas.core.variables import ZERO, First

NETWORK_VERSION = 1
EXPANSION = 2
HEADS = (Head("H0Out", 4), Head("H1Out", 2), Head("H2Out", 1))
STRIDE = 16  # of the deepest maps


def _depths(*names: str) -> Tuple[ChoiceBlock, ...]:
    options = tuple(Option(n, str(n), f"{n} residual block{'s' if n > 1 else ''}") for n in (1, 2, 3))
    return tuple(ChoiceBlock(name, options) for name in names)


def _kernels(*names: str) -> Tuple[ChoiceBlock, ...]:
    options = tuple(Option(size, f"{size}x{size}", f"{size}x{size}") for size in (7, 5, 3))
    return tuple(ChoiceBlock(name, options) for name in names)


# 3^9 = 19,683 subnets. The other public order counts heads from light to heavy.
FLOW_SPACE = SearchSpace(
    name="edgeflow-bilinear",
    version=1,
    blocks=_depths("EB0", "EB1", "DB0", "DB1") + _kernels("H0Out", "H1", "H1Out", "H2", "H2Out"),
    baseline=ArchCode((0, 0, 0, 0, 0, 1, 0, 0, 0)),
    counted_down=("H0Out", "H1", "H1Out", "H2", "H2Out"),
)


def optical_flow_network(
    layers, router, images, base_width: int, output_channels: int = OUTPUT_CHANNELS
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
    quarter_head = kernel_choice("H0Out", quarter, output_channels, ZERO)
    half = bn_relu("H1", kernel_choice("H1", up("H1", quarter), w, First(core=3, name="H1")))
    half_head = kernel_choice("H1Out", half, output_channels, ZERO)
    full = bn_relu("H2", kernel_choice("H2", up("H2", half), w // e, First(core=3, name="H2")))
    full_head = kernel_choice("H2Out", full, output_channels, ZERO)
    lanes = zip(*map(router.lanes, (quarter_head, half_head, full_head)))
    return [accumulate_scales(layers, HEADS, list(lane)) for lane in lanes]


def residual_blocks(layers, scope, x, channels, depth):
    """`depth` blocks of conv-BN-ReLU-conv-BN, input added, ReLU (He et al., 2016)."""
    for number in range(1, depth + 1):
        block = f"{scope}/block{number}"
        y = layers.relu(layers.batch_norm(layers.conv(x, f"{block}/conv1", channels, 3), f"{block}/bn1"))
        y = layers.batch_norm(layers.conv(y, f"{block}/conv2", channels, 3), f"{block}/bn2", first_scale=ZERO)
        with layers.scope(block):
            x = layers.relu(layers.add(x, y))
    return x
