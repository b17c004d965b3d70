"""The single-model bilinear network that subnets are compared with, described on its own and not through a router.

It has plain convolutions (no batch norm, no ReLU) at Down1, Down2, Up1 and Up2. Batch norm folds away and ReLU is free
on the NPU, so its cost must come out equal to that of the subnet `0,0,0,0,0,1,0,0,0`: a check of both descriptions.
"""


def bilinear_baseline(layers, images, base_width: int = 32):
    """Accumulated maps [n, h, w, 4] at 1/4, 1/2 and 1/1 of image pairs [n, height, width, 6]."""

    def normalised(x, name):
        return layers.relu(layers.batch_norm(x, f"{name}/bn"))

    def residual(x, name, channels):
        y = normalised(layers.conv(x, f"{name}/first", channels, 3), f"{name}/first")
        y = layers.batch_norm(layers.conv(y, f"{name}/second", channels, 3), f"{name}/second/bn")
        return layers.relu(layers.add(x, y))

    c32, c64, c128, c256 = base_width, 2 * base_width, 4 * base_width, 8 * base_width

    with layers.scope("Encoder"):
        x = normalised(layers.conv(images, "E0", c32, 7, 2), "E0")
        x = normalised(layers.conv(x, "E1", c64, 5, 2), "E1")
        x = residual(x, "EB0", c64)
        x = layers.conv(x, "Down1", c128, 3, 2)
        x = residual(x, "EB1", c128)
        x = layers.conv(x, "Down2", c256, 3, 2)
    with layers.scope("Decoder"):
        x = residual(x, "DB0", c256)
        x = layers.conv(layers.upsample(x), "Up1", c128, 3)
        x = residual(x, "DB1", c128)
        quarter_feature = layers.conv(layers.upsample(x), "Up2", c64, 3)
    with layers.scope("Heads"):
        half_feature = normalised(layers.conv(layers.upsample(quarter_feature), "H1", c32, 5), "H1")
        full_feature = normalised(layers.conv(layers.upsample(half_feature), "H2", c32 // 2, 7), "H2")
        quarter = layers.conv(quarter_feature, "H0Out", 4, 7)
        half = layers.add(layers.upsample(quarter), layers.conv(half_feature, "H1Out", 4, 7))
        full = layers.add(layers.upsample(half), layers.conv(full_feature, "H2Out", 4, 7))
    return [quarter, half, full]
