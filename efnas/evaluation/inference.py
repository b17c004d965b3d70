"""Flow of image pairs of any size, by a subnet of a checkpoint or what else predicts flow; as pictures and files."""

from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from efnas.config import Config
from efnas.core.space import ArchCode
from efnas.data.flow_files import write_flo
from efnas.data.scaling import scaled, scaled_flow
from efnas.errors import EfnasError
from efnas.evaluation.frames import Score, Truth, frame_pairs, padded_to, read_pair, read_truth, score
from efnas.evaluation.panels import write_panel
from efnas.figures import require_picture
from efnas.files import make_folder, require_folder_of
from efnas.machine import available_memory_gb

Flow = Callable[[np.ndarray], np.ndarray]  # image pair [h, w, 6] in [-1, 1] -> flow [h, w, 2] in pixels


# What a pair takes: its copies, and the maps of a network of so many channels at full size. Measured, 4 to 64 Mpixel.
BYTES_A_PIXEL, BYTES_A_CHANNEL = 85, 7


class Prediction(NamedTuple):
    """The flow of one pair: its mean length in pixels, where it was written, and how good it is where that is known."""

    first: Path
    second: Path
    height: int
    width: int
    mean_length: float
    written: Optional[Path]
    score: Optional[Score]

    def as_dict(self) -> dict:
        return {
            "first": str(self.first), "second": str(self.second), "height": self.height, "width": self.width,
            **(self.score._asdict() if self.score else {}),
            "mean_length": self.mean_length, "written": self.written and str(self.written),
        }  # fmt: skip


class Inference:
    """Pairs whose flow is wanted, and where it goes; what is wrong with them is told before a network is opened.

    `first` and `second` are images or folders (see `frames.frame_pairs`), `out` a picture or `.flo` file, or of many
    pairs a folder. Raises EfnasError for what cannot be read or written.
    """

    def __init__(self, first: Path, second: Optional[Path], out: Optional[Path], truth: Optional[Path]):
        self.pairs = frame_pairs(first, second)
        self.out, self.many = out, first.is_dir()
        if self.many and (truth or out is None or out.is_file()):
            raise EfnasError("For many pairs --out names a folder, and --ground-truth is not for them.")
        seen: Dict[str, Path] = {}
        for image, _ in self.pairs if self.many else []:
            other = seen.setdefault(image.stem, image)
            if other != image:
                raise EfnasError(f"The flows of {other.name} and {image.name} would have one name: rename one.")
        if out and not self.many:
            require_folder_of(out) if out.suffix == ".flo" else require_picture(out)
        self._first_images = read_pair(*self.pairs[0])
        self.truth: Optional[Truth] = read_truth(truth, *self._first_images.shape[:2]) if truth else None

    def run(
        self,
        network: Flow,
        name: str,
        longest: Optional[float] = None,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> List[Prediction]:
        """Predict and write all flows; `longest` is the motion that is drawn in full colour.

        Raises EfnasError for flow that is not finite."""
        if self.many:
            make_folder(self.out)
        found = []
        for pair in self.pairs:
            images = read_pair(*pair) if found else self._first_images
            flow = network(images)
            require_finite(flow, *pair, name)
            found.append(self._one(pair, images, flow, name, longest))
            progress(len(found), len(self.pairs))
        return found

    def _one(
        self, pair: Tuple[Path, Path], images: np.ndarray, flow: np.ndarray, name: str, longest: Optional[float]
    ) -> Prediction:
        first, second = pair
        path = self.out / f"{first.stem}_flow.png" if self.many else self.out
        if path and path.suffix == ".flo":
            write_flo(path, flow)
        elif path:
            write_panel(
                path, f"{first.name}, {second.name}: {name}", images, flow, *(self.truth or ()), longest=longest
            )
        if self.many:
            write_flo(path.with_suffix(".flo"), flow)
        length = float(((flow**2).sum(-1) ** 0.5).mean())
        return Prediction(first, second, *flow.shape[:2], length, path, score(flow, self.truth) if self.truth else None)


def require_finite(flow: np.ndarray, first: Path, second: Path, name: str) -> None:
    if not np.isfinite(flow).all():
        raise EfnasError(f"The flow of {first} and {second} by {name} is not finite: its weights are broken.")


@contextmanager
def subnet_flow(config: Config, checkpoint: str, arch: ArchCode) -> Iterator[Flow]:
    """The float network of a subnet as in `subnet_flows`; with `data.geometry: whole` of the size that it was trained
    with, as a file has it (see `through_one_size`)."""
    data = config.data
    with subnet_flows(config, checkpoint, [arch]) as (flow,):
        yield through_one_size(flow, data.input_height, data.input_width) if data.whole else flow


@contextmanager
def subnet_flows(config: Config, checkpoint: str, archs: Sequence[ArchCode]) -> Iterator[List[Flow]]:
    """The float network of each subnet, recalibrated on training batches; a walk for each size of image.

    Raises EfnasError for a checkpoint that is missing or of another network, or a data set that is wanted (see
    `Trained.statistics`) and not there.
    """
    import tensorflow.compat.v1 as tf

    from efnas.core.geometry import FLOW_CHANNELS
    from efnas.core.layers import Layers
    from efnas.core.routing import Fixed
    from efnas.core.weights import constant_moments
    from efnas.evaluation.trained import open_trained

    with open_trained(config, checkpoint) as trained:
        supernet, session = trained.supernet, trained.session
        statistics = [constant_moments(own) for own in trained.statistics(list(archs))]
        walks: Dict[Tuple[int, int, int], tuple] = {}

        def walk(number: int, height: int, width: int) -> tuple:
            images = tf.placeholder(tf.float32, [1, height, width, 6])
            layers, router = Layers(trained.weights, statistics[number]), Fixed(supernet.space, archs[number])
            (maps,) = supernet.network(layers, router, images, config.network.base_width)
            return images, maps.accumulated[-1][0, ..., :FLOW_CHANNELS]

        def flow(number: int, images: np.ndarray) -> np.ndarray:
            height, width = images.shape[:2]
            size = (size_like(height, config.data.input_height, supernet.stride),
                    size_like(width, config.data.input_width, supernet.stride))  # fmt: skip
            if (number, *size) not in walks:
                require_memory(height, width, config.network.base_width)
                walks[(number, *size)] = walk(number, *size)
            taken, given = walks[(number, *size)]
            return session.run(given, {taken: padded_to(images, *size)[None]})[:height, :width]

        yield [partial(flow, number) for number in range(len(archs))]


def through_one_size(network: Flow, height: int, width: int) -> Flow:
    """Of images of any size by a network of one: smaller ones are padded, larger ones scaled down and their flow up."""

    def flow(images: np.ndarray) -> np.ndarray:
        size = images.shape[:2]
        small = (min(size[0], height), min(size[1], width))
        given = padded_to(scaled(images, *small), height, width)
        return scaled_flow(network(given)[: small[0], : small[1]], *size)

    return flow


def require_memory(height: int, width: int, base_width: int) -> None:
    """Raises EfnasError for a pair of images that the memory does not suffice for: the system would end the process."""
    needed, free = height * width * (BYTES_A_PIXEL + BYTES_A_CHANNEL * base_width) / 1e9, available_memory_gb()
    if free is not None and needed > free:
        raise EfnasError(
            f"A pair of {width}x{height} pixels takes about {needed:.1f} GB of memory, and {free:.1f} GB are free: "
            "give smaller images, or an exported file with --tflite, which scales them down."
        )


def size_like(size: int, trained: int, stride: int) -> int:
    """The smallest size from `size` on with the remainder of the trained one: strided convolutions with SAME padding
    place their outputs by it, and a network knows only the places that it was trained with."""
    return size + (trained - size) % stride
