"""Motions of the plane that can be undone: perspective ones, and bends of what is not rigid."""

from typing import NamedTuple, Optional, Tuple

import numpy as np

Places = Tuple[np.ndarray, np.ndarray]  # x and y of places on the plane
STEEPEST, ROUNDS = 0.15, 5  # a bend is undone by repetition: each round leaves at most this part of the error


class Bend(NamedTuple):
    """p -> p + a sum of waves [n], none so steep that the plane would fold: radians a pixel [n, 2], phase [n], and the
    height of a wave in x and y [n, 2]."""

    wave: np.ndarray
    phase: np.ndarray
    height: np.ndarray

    def offset(self, x: np.ndarray, y: np.ndarray) -> Places:
        dx, dy = np.zeros_like(x), np.zeros_like(y)
        for (along, down), phase, (across, below) in zip(self.wave, self.phase, self.height):
            wave = np.sin(along * x + down * y + phase)
            dx += across * wave
            dy += below * wave
        return dx, dy

    def undone(self, x: np.ndarray, y: np.ndarray) -> Places:
        found = x, y
        for _ in range(ROUNDS):
            dx, dy = self.offset(*found)
            found = x - dx, y - dy
        return found


class Motion(NamedTuple):
    """p -> matrix [3, 3] @ (p, 1), divided by its last; of what is bent first."""

    matrix: np.ndarray
    bend: Optional[Bend] = None

    def forward(self, x: np.ndarray, y: np.ndarray) -> Places:
        if self.bend is not None:
            dx, dy = self.bend.offset(x, y)
            x, y = x + dx, y + dy
        return _projected(self.matrix, x, y)

    def backward(self, x: np.ndarray, y: np.ndarray) -> Places:
        x, y = _projected(np.linalg.inv(self.matrix), x, y)
        return (x, y) if self.bend is None else self.bend.undone(x, y)


def drawn_matrix(
    rng: np.random.Generator, shift: np.ndarray, middle: np.ndarray, reach: float, turn: float, zoom: float, tilt: float
) -> np.ndarray:
    """A motion by `shift` of what reaches so far about its middle; `turn`, `zoom` and `tilt` are by how many pixels
    turning, nearing and tilting move its edge (standard deviations)."""
    angle, nearer, across, down = rng.normal(0.0, 1.0, 4) * [turn, zoom, tilt / reach, tilt / reach] / reach
    turned = np.array([[np.cos(angle), -np.sin(angle), 0.0], [np.sin(angle), np.cos(angle), 0.0], [across, down, 1.0]])
    return _shifted(middle + shift) @ turned @ np.diag([1.0 + nearer, 1.0 + nearer, 1.0]) @ _shifted(-middle)


def drawn_bend(rng: np.random.Generator, length: float, reach: float, waves: int = 3) -> Bend:
    """By about `length` pixels, or less, with waves as long as what reaches so far."""
    number = 2 * np.pi / (reach * rng.uniform(0.6, 3.0, waves))
    direction = rng.uniform(0, 2 * np.pi, waves)
    height = rng.normal(0.0, length / np.sqrt(waves), (waves, 2))
    steep = (np.linalg.norm(height, axis=1) * number).sum()
    height *= min(1.0, STEEPEST / max(steep, 1e-9))
    wave = number[:, None] * np.stack([np.cos(direction), np.sin(direction)], axis=1)
    return Bend(wave, rng.uniform(0, 2 * np.pi, waves), height)


def _shifted(by: np.ndarray) -> np.ndarray:
    matrix = np.eye(3)
    matrix[:2, 2] = by
    return matrix


def _projected(matrix: np.ndarray, x: np.ndarray, y: np.ndarray) -> Places:
    (a, b, c), (d, e, f), (g, h, i) = matrix
    depth = g * x + h * y + i
    return (a * x + b * y + c) / depth, (d * x + e * y + f) / depth
