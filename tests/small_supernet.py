"""A second supernet, unlike the first: five other blocks with two options each, two scales, a quarter of its stride."""

from efnas.core.geometry import OUTPUT_CHANNELS, Head, accumulate_scales
from efnas.core.network import residual_blocks
from efnas.core.space import ArchCode, ChoiceBlock, Option, SearchSpace
from efnas.core.supernet import Supernet
from efnas.core.variables import ZERO, First

HEADS = (Head("Coarse", 2), Head("Fine", 1))
KERNELS = {name: (Option(small, f"{small}x{small}", f"{small}x{small}"), Option(large, f"{large}x{large}", f"{large}x{large}"))
           for name, (small, large) in {"Mix": (3, 5), "Coarse": (1, 3), "Fine": (1, 3)}.items()}  # fmt: skip
SPACE = SearchSpace(
    name="small",
    version=4,
    blocks=(
        ChoiceBlock("Body", (Option(1, "1", "one block"), Option(2, "2", "two blocks"))),
        ChoiceBlock("Mix", KERNELS["Mix"]),
        ChoiceBlock("Wide", (Option(1, "x1", "as wide"), Option(3, "x3", "three times as wide"))),
        ChoiceBlock("Coarse", KERNELS["Coarse"]),
        ChoiceBlock("Fine", KERNELS["Fine"]),
    ),
    baseline=ArchCode((0, 1, 0, 1, 1)),
)


def small_network(layers, router, images, base_width, output_channels=OUTPUT_CHANNELS):
    w = base_width

    def normalised(scope, x):
        with layers.scope(scope):
            return router.each(lambda t: layers.relu(layers.batch_norm(t, f"{scope}/bn")), x)

    def unit(scope, x, channels, stride=1):
        return normalised(scope, router.each(lambda t: layers.conv(t, f"{scope}/conv", channels, 3, stride), x))

    def up(scope, x):
        with layers.scope(scope):
            return router.each(layers.upsample, x)

    def choice(block, x, option):
        with layers.scope(block):
            return router.choose(block, x, option)

    def kernels(block, channels, first):
        return lambda k: lambda t: layers.conv(t, f"{block}/kernel{k}", channels, k, first=first)

    def bottleneck(factor):
        scope = f"Wide/times{factor}"

        def walk(t):
            wide = layers.relu(layers.batch_norm(layers.conv(t, f"{scope}/expand", factor * w, 1), f"{scope}/bn1"))
            return layers.add(t, layers.batch_norm(layers.conv(wide, f"{scope}/reduce", w, 1), f"{scope}/bn2", ZERO))

        return walk

    x = unit("Stem", images, w, stride=2)
    x = unit("Down", x, 2 * w, stride=2)
    x = choice("Body", x, lambda n: lambda t: residual_blocks(layers, f"Body/depth{n}", t, 2 * w, n))
    x = unit("Up", up("Up", x), w)
    x = normalised("Mix", choice("Mix", x, kernels("Mix", w, First(core=3, name="Mix"))))
    half = choice("Wide", x, bottleneck)
    full = unit("Detail", up("Detail", half), w // 2)
    coarse = choice("Coarse", half, kernels("Coarse", output_channels, ZERO))
    fine = choice("Fine", full, kernels("Fine", output_channels, ZERO))
    return [accumulate_scales(layers, HEADS, list(lane)) for lane in zip(router.lanes(coarse), router.lanes(fine))]


def small_baseline(layers, images, base_width, output_channels=OUTPUT_CHANNELS):
    w = base_width

    def unit(name, x, channels, kernel=3, stride=1):
        with layers.scope(name):
            return layers.relu(layers.batch_norm(layers.conv(x, name, channels, kernel, stride), f"{name}/bn"))

    def up(name, x):
        with layers.scope(name):
            return layers.upsample(x)

    x = unit("Down", unit("Stem", images, w, stride=2), 2 * w, stride=2)
    y = layers.batch_norm(layers.conv(unit("Body/one", x, 2 * w), "Body/two", 2 * w, 3), "Body/two/bn")
    with layers.scope("Body"):
        x = layers.relu(layers.add(x, y))
    x = unit("Mix", unit("Up", up("Up", x), w), w, kernel=5)
    y = layers.batch_norm(layers.conv(unit("Wide/one", x, w, 1), "Wide/two", w, 1), "Wide/two/bn")
    with layers.scope("Wide"):
        half = layers.add(x, y)
    full = unit("Detail", up("Detail", half), w // 2)
    coarse, fine = layers.conv(half, "Coarse", output_channels, 3), layers.conv(full, "Fine", output_channels, 3)
    return accumulate_scales(layers, HEADS, [coarse, fine])


SMALL = Supernet(SPACE, 7, HEADS, 4, small_network, small_baseline)


def run_of_small(chairs, root, *more) -> list:
    """The settings of a short run of it below `root`, on the pairs of a folder, and more of them."""
    return [
        f"data.base_path={chairs}", "network.name=small", "network.base_width=4", "train.batch_size=4",
        "eval.eval_pool_size=6", "eval.eval_batches_per_arch=all", "runtime.gpu_device=-1", "runtime.threads=1",
        f"runtime.output_root={root}", *more,
    ]  # fmt: skip
