"""Flying-chairs-like pairs with exact flow, for a first run on any machine.

A scene is a stack of layers, each a texture with a mask and an affine motion: a background that fills the frame, and
shapes that fly before it. Every layer is a function on the plane, so the flow of a pixel is the motion of the
topmost layer there, exactly, and a pixel is occluded when another layer covers the place where it moves to.
"""

import json
import os
import shutil
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Callable, List, NamedTuple, Optional

import numpy as np
from PIL import Image
from scipy import ndimage

from efnas.core.sampler import TEXTURES, counter_stream
from efnas.data.flow_files import write_flo
from efnas.errors import EfnasError

DESCRIPTION = "synthesis.json"
PHOTO_ENDINGS = (".png", ".jpg", ".jpeg", ".ppm", ".bmp")


@dataclass(frozen=True)
class SceneStyle:
    """How the scenes of a data set look and move.

    motion: mean length of the flow in pixels (on average over many pairs).
    detail, structure: length in pixels of the finest and the coarsest waves of a texture.
    shapes: how many shapes fly before the background, at most.
    """

    height: int = 384
    width: int = 512
    motion: float = 10.0
    detail: float = 1.5
    structure: float = 150.0
    shapes: int = 12


class Layer(NamedTuple):
    """A texture [h, w, 3] in 0..255, repeated over the plane as `mode` says (scipy.ndimage), a mask over layer
    coordinates (x, y), and the layer's motion: p -> matrix @ p + shift."""

    texture: np.ndarray
    mode: str
    covers: Callable
    matrix: np.ndarray
    shift: np.ndarray


class Pair(NamedTuple):
    """Two uint8 images [h, w, 3], flow float32 [h, w, 2] from the first to the second, and what of the first is
    occluded in the second (bool [h, w])."""

    first: np.ndarray
    second: np.ndarray
    flow: np.ndarray
    occluded: np.ndarray


def make_pair(style: SceneStyle, seed: int, index: int, photos: Optional[List[Path]] = None) -> Pair:
    """Pair `index` of the data set that `seed` names: a pure function of its arguments."""
    rng = np.random.Generator(counter_stream(seed, TEXTURES, index))
    layers = _draw_layers(style, rng, photos or [])
    x, y = np.meshgrid(np.arange(style.width, dtype=np.float64), np.arange(style.height, dtype=np.float64))

    top, first = _render(layers, [(x, y)] * len(layers))
    back = []
    for layer in layers:
        inverse = np.linalg.inv(layer.matrix)
        dx, dy = x - layer.shift[0], y - layer.shift[1]
        back.append((inverse[0, 0] * dx + inverse[0, 1] * dy, inverse[1, 0] * dx + inverse[1, 1] * dy))
    top_second, second = _render(layers, back)

    flow = np.zeros((style.height, style.width, 2))
    for number, layer in enumerate(layers):
        here = top == number
        matrix, shift = layer.matrix, layer.shift
        flow[here, 0] = (matrix[0, 0] * x + matrix[0, 1] * y + shift[0] - x)[here]
        flow[here, 1] = (matrix[1, 0] * x + matrix[1, 1] * y + shift[1] - y)[here]
    landing = [y + flow[..., 1], x + flow[..., 0]]
    landed_on = ndimage.map_coordinates(top_second, np.rint(landing).astype(int), order=0, mode="constant", cval=-1)
    return Pair(first, second, flow.astype(np.float32), landed_on != top)


def _draw_layers(style: SceneStyle, rng: np.random.Generator, photos: List[Path]) -> List[Layer]:
    size = max(style.height, style.width)
    centre = np.array([style.width / 2, style.height / 2])
    # Layers move apart: the background by a Gaussian motion, each shape by that and one of its own.
    spread = style.motion / 1.45
    camera = rng.normal(0.0, spread, 2)
    layers = []
    for number in range(1 + int(rng.integers(max(1, style.shapes // 2), style.shapes + 1)) if style.shapes else 1):
        texture, mode = _photo_cut(style, rng, photos) if photos else _noise(style, rng)
        own = np.zeros(2) if number == 0 else rng.normal(0.0, spread, 2)
        middle = centre if number == 0 else rng.uniform([0, 0], [style.width, style.height])
        angle, zoom = rng.normal(0.0, style.motion / size / 2.0, 2)
        matrix = (1.0 + zoom) * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        shift = middle - matrix @ middle + camera + own
        covers = _everywhere if number == 0 else _shape(rng, middle, size * rng.uniform(0.06, 0.22))
        layers.append(Layer(texture, mode, covers, matrix, shift))
    return layers


def _everywhere(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.ones(x.shape, bool)


def _shape(rng: np.random.Generator, middle: np.ndarray, radius: float) -> Callable:
    """A closed shape about `middle`: an ellipse whose outline is waved, or has corners like a cut-out."""
    stretch, turn = rng.uniform(0.5, 1.0), rng.uniform(0, np.pi)
    waves = rng.integers(2, 6)
    height, phase = rng.uniform(0.0, 0.35), rng.uniform(0, 2 * np.pi)

    def covers(x, y):
        dx, dy = x - middle[0], y - middle[1]
        inside = np.maximum(np.abs(dx), np.abs(dy)) < radius * (1.0 + height)
        along = np.cos(turn) * dx[inside] + np.sin(turn) * dy[inside]
        across = (np.cos(turn) * dy[inside] - np.sin(turn) * dx[inside]) / stretch
        outline = radius * (1.0 + height * np.sin(waves * np.arctan2(across, along) + phase))
        inside[inside] = along**2 + across**2 < outline**2
        return inside

    return covers


def _noise(style: SceneStyle, rng: np.random.Generator):
    """Coloured noise whose finest waves are `detail` pixels: spectral synthesis on a tile that repeats seamlessly."""
    side = int(2 ** np.ceil(np.log2(max(style.height, style.width))))
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    frequency[0, 0] = np.inf
    amplitude = frequency ** -rng.uniform(0.9, 1.6) * np.exp(-((frequency * style.detail) ** 2))
    amplitude *= frequency > 1.0 / style.structure
    spectrum = amplitude[..., None] * np.fft.rfft2(rng.normal(size=(side, side, 3)), axes=(0, 1))
    noise = np.fft.irfft2(spectrum, s=(side, side), axes=(0, 1))
    colour, contrast = rng.uniform(90, 165, 3), rng.uniform(30, 60)
    return np.clip(colour + contrast * noise / noise.std((0, 1)), 0, 255), "grid-wrap"


def _photo_cut(style: SceneStyle, rng: np.random.Generator, photos: List[Path]):
    """A cut of the frame's size from a photo (enlarged where it is smaller), mirrored beyond its edges."""
    path = photos[int(rng.integers(len(photos)))]
    try:
        photo = Image.open(path).convert("RGB")
        scale = max(style.height / photo.height, style.width / photo.width, 1.0)
        photo = photo.resize((int(np.ceil(photo.width * scale)), int(np.ceil(photo.height * scale))), Image.BICUBIC)
    except OSError as error:
        raise EfnasError(f"Cannot read the texture {path}: {error}.") from error
    top = int(rng.integers(photo.height - style.height + 1))
    left = int(rng.integers(photo.width - style.width + 1))
    return np.asarray(photo, np.float64)[top : top + style.height, left : left + style.width], "mirror"


def _render(layers: List[Layer], coordinates):
    """Paint the layers back to front at their layer coordinates: the topmost layer's number, and a uint8 image."""
    top = np.zeros(coordinates[0][0].shape, np.int64)
    image = np.zeros(top.shape + (3,))
    for number, (layer, (x, y)) in enumerate(zip(layers, coordinates)):
        here = layer.covers(x, y)
        top[here] = number
        where = np.stack([y[here], x[here]])
        for channel in range(3):
            image[here, channel] = ndimage.map_coordinates(layer.texture[..., channel], where, order=1, mode=layer.mode)
    return top, np.rint(image).astype(np.uint8)


def write_pair(folder: Path, style: SceneStyle, seed: int, photos: Optional[List[Path]], index: int) -> float:
    """Write one pair in FlyingChairs2's names, with its occlusions; returns the mean length of its flow in pixels."""
    pair = make_pair(style, seed, index, photos)
    stem = f"{index:07d}"
    Image.fromarray(pair.first).save(folder / f"{stem}-img_0.png")
    Image.fromarray(pair.second).save(folder / f"{stem}-img_1.png")
    Image.fromarray((255 * pair.occluded).astype(np.uint8)).save(folder / f"{stem}-occ_01.png")
    write_flo(folder / f"{stem}-flow_01.flo", pair.flow)
    return float(np.linalg.norm(pair.flow, axis=-1).mean())


def write_dataset(
    out: Path,
    train_pairs: int,
    val_pairs: int,
    seed: int,
    style: SceneStyle,
    textures: Optional[Path] = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> float:
    """Write `out/train`, `out/val` and `out/synthesis.json`, which says what they are; the folder appears once whole.

    Returns the mean length of the flow in pixels. Raises EfnasError when `out` exists already or `textures` holds no
    photo.
    """
    out = Path(out)
    if out.exists():
        raise EfnasError(f"{out} exists already; give another folder, or remove it.")
    photos = _photos(textures) if textures else None
    workspace = out.with_name(f"{out.name}.partial-{os.getpid()}")
    shutil.rmtree(workspace, ignore_errors=True)
    total = train_pairs + val_pairs
    lengths = []
    try:
        with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
            for part, indices in (("train", range(train_pairs)), ("val", range(train_pairs, total))):
                folder = workspace / part
                folder.mkdir(parents=True)
                for length in pool.map(partial(write_pair, folder, style, seed, photos), indices, chunksize=4):
                    lengths.append(length)
                    progress(len(lengths), total)
        (workspace / DESCRIPTION).write_text(
            json.dumps(describe(train_pairs, val_pairs, seed, style, textures), indent=1)
        )
        os.replace(workspace, out)
    except OSError as error:
        raise EfnasError(f"Cannot write {out}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(workspace, ignore_errors=True)
    return float(np.mean(lengths))


def describe(train_pairs: int, val_pairs: int, seed: int, style: SceneStyle, textures: Optional[Path]) -> dict:
    """What decides the content of a synthetic data set."""
    return {
        "train_pairs": train_pairs,
        "val_pairs": val_pairs,
        "seed": seed,
        "textures": textures and str(textures),
        **asdict(style),
    }


def _photos(folder: Path) -> List[Path]:
    photos = sorted(path for path in Path(folder).glob("*") if path.suffix.lower() in PHOTO_ENDINGS and path.is_file())
    if not photos:
        raise EfnasError(f"{folder} holds no photo ({', '.join(PHOTO_ENDINGS)}).")
    return photos
