"""The single-model bilinear network that subnets are compared with, described on its own and not through a router.

It has plain convolutions (no batch norm, no ReLU) at Down1, Down2, Up1 and Up2. Batch norm folds away and ReLU is free
on the NPU, so its cost must come out equal to that of the subnet `0,0,0,0,0,1,0,0,0`: a check of both descriptions.
Where it is trained it begins as all subnets do (see `network`), or it would be behind them for a reason that is not its
architecture.
"""

from efnas.core.geometry import OUTPUT_CHANNELS, ScaleMaps
from efnas.core.variables import ZERO, First


def bilinear_baseline(layers, images, base_width: int, output_channels: int = OUTPUT_CHANNELS) -> ScaleMaps:
    """The maps of image pairs [n, height, width, 6] at 1/4, 1/2 and 1/1."""

    def normalised(name, x):
        with layers.scope(name):
            return layers.relu(layers.batch_norm(x, f"{name}/bn"))

    def residual(name, x, channels):
        y = normalised(f"{name}/first", layers.conv(x, f"{name}/first", channels, 3))
        y = layers.batch_norm(layers.conv(y, f"{name}/second", channels, 3), f"{name}/second/bn", first_scale=ZERO)
        with layers.scope(name):
            return layers.relu(layers.add(x, y))

    def up(name, x):
        with layers.scope(name):
            return layers.upsample(x)

    def summed(name, coarse, head):
        with layers.scope(name):
            return layers.add(layers.upsample(coarse), head)

    c32, c64, c128, c256 = base_width, 2 * base_width, 4 * base_width, 8 * base_width

    x = normalised("E0", layers.conv(images, "E0", c32, 7, 2))
    x = normalised("E1", layers.conv(x, "E1", c64, 5, 2))
    x = residual("EB0", x, c64)
    x = layers.conv(x, "Down1", c128, 3, 2)
    x = residual("EB1", x, c128)
    x = layers.conv(x, "Down2", c256, 3, 2)
    x = residual("DB0", x, c256)
    x = layers.conv(up("Up1", x), "Up1", c128, 3)
    x = residual("DB1", x, c128)
    quarter_feature = layers.conv(up("Up2", x), "Up2", c64, 3)
    half_feature = normalised("H1", layers.conv(up("H1", quarter_feature), "H1", c32, 5, first=First(core=3)))
    full_feature = normalised("H2", layers.conv(up("H2", half_feature), "H2", c32 // 2, 7, first=First(core=3)))
    quarter = layers.conv(quarter_feature, "H0Out", output_channels, 7, first=ZERO)
    half = layers.conv(half_feature, "H1Out", output_channels, 7, first=ZERO)
    full = layers.conv(full_feature, "H2Out", output_channels, 7, first=ZERO)
    half_sum = summed("Sum2", quarter, half)
    return ScaleMaps([quarter, half, full], [quarter, half_sum, summed("Sum1", half_sum, full)])
