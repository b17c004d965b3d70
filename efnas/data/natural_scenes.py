"""Scenes like those that a camera sees, of procedural textures; `config_synthetic.Natural` says what they have."""

from pathlib import Path
from typing import List, NamedTuple

import numpy as np
from scipy import ndimage

from efnas.config_synthetic import Natural
from efnas.data.cutouts import photo_cut
from efnas.data.layered_scenes import Box, Layer, everywhere, sampled
from efnas.data.motions import Motion, drawn_bend, drawn_matrix
from efnas.data.outlines import blob, limbs
from efnas.data.scene_style import SceneStyle
from efnas.data.textures import SIDE, TILES, tile


class _Paint(NamedTuple):
    """A tile, turned and enlarged by `pose` [2, 3], in colours of its own (`mix` [3, 3], `base` [3]), unevenly lit."""

    texture: np.ndarray
    mode: str  # how it goes on beyond its edges (scipy.ndimage)
    pose: np.ndarray
    mix: np.ndarray
    base: np.ndarray
    light: np.ndarray  # of two waves: radians a pixel in x and y, phase, height

    def __call__(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        across, down = (row[0] * x + row[1] * y + row[2] for row in self.pose)
        found = sampled(self.texture, self.mode, across, down, np.float32)
        lit = 1.0 + sum(height * np.sin(along * x + down * y + phase) for along, down, phase, height in self.light)
        mixed = np.einsum("...c,cd->...d", found, self.mix)
        return np.clip((mixed + self.base) * lit[..., None], 0, 255)


class _Mask(NamedTuple):
    """A mask uint8 [side, side] whose middle lies at `middle`."""

    mask: np.ndarray
    middle: np.ndarray

    def __call__(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        half = (len(self.mask) - 1) / 2
        where = [y - self.middle[1] + half, x - self.middle[0] + half]
        return ndimage.map_coordinates(self.mask, where, np.float32, order=1, mode="constant") / 255.0


class _Shadow(NamedTuple):
    mask: _Mask
    darkness: float

    def __call__(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return 1.0 - self.darkness * self.mask(x, y)


def natural_layers(style: SceneStyle, rng: np.random.Generator, photos: List[Path], seed: int) -> List[Layer]:
    """A background and shapes before it; `seed` says which tiles there are, where there are no photos."""
    natural = style.natural
    size = max(style.height, style.width)
    # Layers move apart: the background by a Gaussian motion, each shape by that and one of its own; from pair to pair
    # their length is log-normal about the same mean.
    pair = np.exp(natural.spread * rng.normal() - natural.spread**2 / 2)
    length = style.motion / 1.45 * pair
    middle = np.array([style.width / 2, style.height / 2])
    camera = _drawn_motion(natural, rng, rng.normal(0.0, length, 2), middle, size / 2, length)
    layers = [Layer(_drawn_paint(style, rng, photos, seed), everywhere, camera.forward, camera.backward)]
    for _ in range(int(rng.integers(max(1, style.shapes // 2), style.shapes + 1)) if style.shapes else 0):
        plane, thin = rng.random() < natural.planes, rng.random() < natural.thin
        radius = size * (rng.uniform(0.25, 0.6) if plane else np.exp(rng.uniform(np.log(0.03), np.log(0.22))))
        middle = rng.uniform([0, 0], [style.width, style.height])
        mask = _Mask(limbs(rng, radius) if thin and not plane else blob(rng, radius), middle)
        own = _drawn_motion(natural, rng, rng.normal(0.0, length, 2), middle, radius, length)
        motion = camera if rng.random() < natural.attached else Motion(camera.matrix @ own.matrix, own.bend)
        box, shades = Box(*(middle - radius - 2), *(middle + radius + 2)), None
        if natural.shadow:
            away = rng.normal(0.0, 0.12 * radius, 2)
            soft = ndimage.uniform_filter(mask.mask, max(3, int(0.2 * radius)), mode="constant")
            shades = _Shadow(_Mask(soft, middle + away), natural.shadow * rng.random())
            low, high = np.minimum(0, away), np.maximum(0, away)
            box = Box(box.left + low[0], box.top + low[1], box.right + high[0], box.bottom + high[1])
        layers.append(Layer(_drawn_paint(style, rng, photos, seed), mask, motion.forward, motion.backward, box, shades))
    return layers


def sensor_noise(natural: Natural, rng: np.random.Generator, height: int, width: int):
    """What is added to a frame each time it is called; a pair has one strength."""
    strength = natural.noise * rng.random()
    return lambda: strength * rng.standard_normal((height, width, 3), np.float32)


def _drawn_motion(
    natural: Natural, rng: np.random.Generator, shift: np.ndarray, middle: np.ndarray, reach: float, length: float
) -> Motion:
    edge = min(length, 0.3 * reach)  # what turns or nears faster than that is no longer the same thing
    matrix = drawn_matrix(rng, shift, middle, reach, natural.turn * edge, natural.zoom * edge, natural.tilt * edge)
    bends = natural.bend > 0 and rng.random() < 0.5
    return Motion(matrix, drawn_bend(rng, natural.bend * length, reach) if bends else None)


def _drawn_paint(style: SceneStyle, rng: np.random.Generator, photos: List[Path], seed: int) -> _Paint:
    if photos:
        texture, mode = photo_cut(style, rng, photos)
        mean = texture.mean((0, 1))
    else:
        edges = rng.random() < style.natural.leaves
        (texture, mean), mode = tile(seed, int(rng.integers(TILES // 2)) + (0 if edges else TILES // 2)), "grid-wrap"
    angle, finer = rng.uniform(0, 2 * np.pi), np.exp(-rng.uniform(0, 1.4))
    turned = finer * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    pose = np.concatenate([turned, rng.uniform(0, SIDE, (2, 1))], axis=1)
    # Any turn and mirror of the colours, with a contrast of its own.
    colours = np.linalg.qr(rng.normal(size=(3, 3)) + 1.0)[0] if rng.random() < 0.3 else np.eye(3)[rng.permutation(3)]
    mix = colours * np.exp(rng.normal(-0.2, 0.5)) * rng.choice([-1.0, 1.0])
    base = rng.uniform(50, 200) - mean @ mix + rng.normal(0, 15, 3)
    reach = 2 * np.pi / rng.uniform(100, 400, 2)
    direction = rng.uniform(0, 2 * np.pi, 2)
    height = style.natural.light * rng.random(2)
    light = np.stack([reach * np.cos(direction), reach * np.sin(direction), rng.uniform(0, 6.3, 2), height], axis=1)
    return _Paint(texture, mode, pose, mix, base, light)
