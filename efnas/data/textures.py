"""Procedural textures with the statistics of photos: edges of all sizes, and detail at all of them.

A tile repeats seamlessly, and is drawn once for many scenes: each takes it turned, enlarged, and in colours of its own.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from efnas.core.sampler import TEXTURES, counter_stream

SIDE = 512
TILES = 96  # of a data set; those of the first half have edges
_FINER = 2  # edges are drawn so many times as large, and averaged


class Tile(NamedTuple):
    """uint8 [SIDE, SIDE, 3], and its mean colour [3]."""

    texture: np.ndarray
    mean: np.ndarray


@lru_cache(maxsize=TILES)
def tile(seed: int, number: int) -> Tile:
    """Tile `number` of the data set that `seed` names: a pure function of both."""
    rng = np.random.Generator(counter_stream(seed, TEXTURES, 2**40 + number))
    texture = _leaves(rng) if number < TILES // 2 else _octaves(rng)
    return Tile(texture, texture.mean((0, 1)))


def _leaves(rng: np.random.Generator) -> np.ndarray:
    """Dead leaves (Lee, Mumford and Huang, 2001): opaque pieces, as many of each size as scale invariance wants."""
    ground = _octaves(rng)
    side = _FINER * SIDE
    image = Image.fromarray(ground).resize((side, side), Image.BILINEAR)
    draw = ImageDraw.Draw(image)
    smallest, largest = rng.uniform(2.0, 6.0) * _FINER, rng.uniform(50.0, 130.0) * _FINER
    count = int(rng.integers(250, 1500))
    # The number of pieces falls with the cube of their size.
    sizes = (smallest**-2 - rng.random(count) * (smallest**-2 - largest**-2)) ** -0.5
    colours = _palette(rng, 12)
    straight = rng.random() < 0.5
    for size in np.sort(sizes)[::-1]:
        x, y = rng.uniform(0, side, 2)
        corners = int(rng.integers(3, 7)) if straight else 14
        angles = np.sort(rng.uniform(0, 2 * np.pi, corners)) if straight else np.linspace(0, 2 * np.pi, corners)
        reach = size * (rng.uniform(0.6, 1.0, corners) if straight else 1.0)
        stretch = rng.uniform(0.15, 1.0)
        turn = rng.uniform(0, 2 * np.pi)
        along, across = reach * np.cos(angles), stretch * reach * np.sin(angles)
        outline = np.stack([np.cos(turn) * along - np.sin(turn) * across, np.sin(turn) * along + np.cos(turn) * across])
        colour = tuple(int(each) for each in np.clip(colours[rng.integers(12)] + rng.normal(0, 12, 3), 0, 255))
        for dx in _beyond(x, size, side):
            for dy in _beyond(y, size, side):
                draw.polygon([tuple(point) for point in (outline.T + [x + dx, y + dy])], fill=colour)
    painted = np.asarray(image.reduce(_FINER), np.float32)
    share = rng.uniform(0.0, 0.5)
    return np.clip(painted + share * (ground.astype(np.float32) - ground.mean((0, 1))), 0, 255).astype(np.uint8)


def _beyond(place: float, size: float, side: int):
    """Where else a piece is to be drawn, so that the tile repeats."""
    return [0] + [side] * (place < size) + [-side] * (place > side - size)


def _octaves(rng: np.random.Generator) -> np.ndarray:
    """Noise of all octaves, coloured along a palette; in stripes where one direction has longer waves."""
    across, down = np.fft.rfftfreq(SIDE)[None], np.fft.fftfreq(SIDE)[:, None]
    turn, stretch = rng.uniform(0, np.pi), np.exp(abs(rng.normal(0, 0.6)))
    along = (np.cos(turn) * across + np.sin(turn) * down) * stretch
    frequency = np.hypot(along, (np.cos(turn) * down - np.sin(turn) * across) / stretch)
    frequency[0, 0] = np.inf
    amplitude = np.maximum(frequency, rng.uniform(1, 6) / SIDE) ** -rng.uniform(0.9, 1.8)
    amplitude *= np.exp(-((frequency * rng.uniform(0.8, 3.0)) ** 2))
    white = rng.standard_normal((2, SIDE, SIDE))
    noise = np.fft.irfft2(amplitude * np.fft.rfft2(white), s=(SIDE, SIDE))
    noise /= noise.std((1, 2), keepdims=True)
    # One wave says where on the palette, the other how bright.
    colours = _palette(rng, 5)
    place = np.clip(2.0 + noise[0], 0, 3.999)
    below = place.astype(int)
    mixed = colours[below] + (place - below)[..., None] * (colours[below + 1] - colours[below])
    return np.clip(mixed + rng.uniform(0, 25) * noise[1][..., None], 0, 255).astype(np.uint8)


def _palette(rng: np.random.Generator, count: int) -> np.ndarray:
    """Colours [count, 3] that go together: about one brightness and hue, as far apart as chance wills."""
    middle, apart = rng.uniform(50, 190, 3), rng.uniform(10, 60)
    grey = rng.normal(0, apart, (count, 1))
    return np.clip(middle + grey + rng.normal(0, 0.4 * apart, (count, 3)), 0, 255)
