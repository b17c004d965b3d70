"""Scenes like those of FlyingChairs: cut-outs with affine motions before a background (Dosovitskiy et al., 2015)."""

from functools import partial
from pathlib import Path
from typing import Callable, List

import numpy as np
from PIL import Image

from efnas.data.layered_scenes import Layer, everywhere, sampled
from efnas.data.scene_style import SceneStyle
from efnas.errors import EfnasError


def cutout_layers(style: SceneStyle, rng: np.random.Generator, photos: List[Path]) -> List[Layer]:
    size = max(style.height, style.width)
    centre = np.array([style.width / 2, style.height / 2])
    # Layers move apart: the background by a Gaussian motion, each shape by that and one of its own.
    spread = style.motion / 1.45
    camera = rng.normal(0.0, spread, 2)
    layers = []
    for number in range(1 + int(rng.integers(max(1, style.shapes // 2), style.shapes + 1)) if style.shapes else 1):
        texture, mode = photo_cut(style, rng, photos) if photos else _noise(style, rng)
        own = np.zeros(2) if number == 0 else rng.normal(0.0, spread, 2)
        middle = centre if number == 0 else rng.uniform([0, 0], [style.width, style.height])
        angle, zoom = rng.normal(0.0, style.motion / size / 2.0, 2)
        matrix = (1.0 + zoom) * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        shift = middle - matrix @ middle + camera + own
        covers = everywhere if number == 0 else _shape(rng, middle, size * rng.uniform(0.06, 0.22))
        there_and_back = partial(_moved, matrix, shift), partial(_moved_back, np.linalg.inv(matrix), shift)
        layers.append(Layer(partial(sampled, texture, mode), covers, *there_and_back))
    return layers


def _moved(matrix: np.ndarray, shift: np.ndarray, x: np.ndarray, y: np.ndarray):
    """p -> matrix @ p + shift."""
    return matrix[0, 0] * x + matrix[0, 1] * y + shift[0], matrix[1, 0] * x + matrix[1, 1] * y + shift[1]


def _moved_back(inverse: np.ndarray, shift: np.ndarray, x: np.ndarray, y: np.ndarray):
    dx, dy = x - shift[0], y - shift[1]
    return inverse[0, 0] * dx + inverse[0, 1] * dy, inverse[1, 0] * dx + inverse[1, 1] * dy


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


def photo_cut(style: SceneStyle, rng: np.random.Generator, photos: List[Path]):
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
