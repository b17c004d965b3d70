"""Shapes as masks: how much of a pixel they cover, drawn finer than they are seen so that their edges are smooth."""

from typing import List

import numpy as np
from PIL import Image, ImageDraw

_FINER = 4


def blob(rng: np.random.Generator, radius: float) -> np.ndarray:
    """A closed shape, a waved ellipse or one with corners; some have a hole. uint8 [side, side]."""
    draw, image, side = _canvas(radius)
    if rng.random() < 0.5:
        angles = np.linspace(0, 2 * np.pi, 60, endpoint=False)
        waves, height = rng.integers(2, 7), rng.uniform(0.0, 0.4)
        reach = 1.0 + height * np.sin(waves * angles + rng.uniform(0, 2 * np.pi))
        reach /= 1.0 + height
    else:
        angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 9))))
        reach = rng.uniform(0.5, 1.0, len(angles))
    points = np.stack([np.cos(angles) * reach, np.sin(angles) * reach * rng.uniform(0.4, 1.0)], axis=1)
    _polygon(draw, rng, points, radius, side, 255)
    if rng.random() < 0.3:
        _polygon(draw, rng, points * rng.uniform(0.3, 0.7), radius, side, 0)
    return np.asarray(image.reduce(_FINER))


def limbs(rng: np.random.Generator, radius: float) -> np.ndarray:
    """Thin limbs that branch off one another, like the legs of a chair or twigs. uint8 [side, side]."""
    draw, image, side = _canvas(radius)
    thickness = max(_FINER * rng.uniform(1.5, 6.0), 1.0)
    joints: List[np.ndarray] = [np.full(2, side / 2)]
    for _ in range(int(rng.integers(3, 10))):
        begin = joints[int(rng.integers(len(joints)))]
        angle, length = rng.uniform(0, 2 * np.pi), _FINER * radius * rng.uniform(0.3, 1.0)
        end = np.clip(begin + length * np.array([np.cos(angle), np.sin(angle)]), thickness, side - thickness)
        draw.line([tuple(begin), tuple(end)], fill=255, width=int(thickness))
        joints.append(end)
    return np.asarray(image.reduce(_FINER))


def _canvas(radius: float):
    side = _FINER * (2 * int(np.ceil(radius)) + 3)
    image = Image.new("L", (side, side))
    return ImageDraw.Draw(image), image, side


def _polygon(draw, rng: np.random.Generator, points: np.ndarray, radius: float, side: int, fill: int) -> None:
    turn = rng.uniform(0, 2 * np.pi)
    turned = points @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    draw.polygon([tuple(point) for point in side / 2 + _FINER * radius * turned], fill=fill)
