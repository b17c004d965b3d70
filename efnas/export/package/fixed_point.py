"""What the package's C sources compute in integers, stated in NumPy: both give the same bits."""

from typing import Dict, NamedTuple

import numpy as np

from efnas.export.content import Port
from efnas.export.host import unpacked
from efnas.export.package.network import DeployedNetwork

FLOW_ONE = 64  # flow is in 1/64 pixel
MULTIPLIER_BITS = 24
COLOUR_ONE = 4096
# Of Middlebury's wheel: the steps of each segment, and the channel that rises or falls in it.
SEGMENTS = ((15, 1, 1), (6, 0, -1), (4, 2, 1), (11, 1, -1), (13, 0, 1), (6, 2, -1))


def multiplier(scale: float) -> int:
    return int(round(scale * 2**MULTIPLIER_BITS))


def input_values(network: DeployedNetwork) -> np.ndarray:
    """int8 [256]: what the network is given for a value of a frame, as `export.host` quantises it."""
    images = np.arange(256).astype(np.float32) / 127.5 - 1.0
    return np.clip(np.rint(images / network.given.scale + network.given.zero_point), -128, 127).astype(np.int8)


def scaling_weights(size: int, small: int) -> np.ndarray:
    """int64 [small, size]: how much a pixel weighs in a pixel of the scaled frame; rows sum to 32,768."""
    pixels, scaled = np.arange(size), np.arange(small)[:, None]
    triangle = np.maximum(0, 2 * size - np.abs((2 * pixels + 1) * small - (2 * scaled + 1) * size))
    until = (np.cumsum(triangle, axis=1) << 15) // triangle.sum(axis=1, keepdims=True)
    return np.diff(until, axis=1, prepend=0)


def frame_to_input(network: DeployedNetwork, frame: np.ndarray) -> np.ndarray:
    """int8 [height, width, 3] of a uint8 frame [h, w, 3] or [h, w, 1]: one half of the network's input."""
    rows, columns = min(frame.shape[0], network.height), min(frame.shape[1], network.width)
    lines = (np.einsum("yk,kxc->yxc", scaling_weights(frame.shape[0], rows), frame.astype(np.int64)) + 64) >> 7
    scaled = (np.einsum("xk,ykc->yxc", scaling_weights(frame.shape[1], columns), lines) + (1 << 22)) >> 23
    missing = [(0, network.height - rows), (0, network.width - columns), (0, 3 - scaled.shape[2])]
    return input_values(network)[np.pad(scaled, missing, mode="edge")]


class _Places(NamedTuple):
    """Between which two pixels the pixels of a frame lie, and where, of 16,384."""

    one: np.ndarray
    other: np.ndarray
    part: np.ndarray


def _places(size: int, small: int) -> _Places:
    twice = np.maximum(0, (2 * np.arange(size) + 1) * small - size)
    one = twice // (2 * size)
    return _Places(one, np.minimum(one + 1, small - 1), twice % (2 * size) * ((1 << 27) // size) >> 14)


def _between(one: np.ndarray, other: np.ndarray, part: np.ndarray) -> np.ndarray:
    return one + (((other - one) * part + 8192) >> 14)


def flow_of_outputs(network: DeployedNetwork, outputs: Dict[str, np.ndarray], height: int, width: int) -> np.ndarray:
    """int16 [height, width, 2] in 1/64 pixel of a frame, of the stored outputs [h, w, c] by their names."""
    rows, columns = min(height, network.height), min(width, network.width)

    def pixels(port: Port) -> np.ndarray:
        """Of the frame, with twenty-four bits after the point."""
        scaled = multiplier(port.scale) * np.array([width, height]) // np.array([columns, rows])
        return (unpacked(outputs[port.name]).astype(np.int64) - port.zero_point) * scaled

    # Twenty-six bits after the point, then sixteen, then six; fourteen where four values are then summed.
    canvas = 4 * pixels(network.flow)
    if network.residual:
        canvas = _upsampled(pixels(network.flow), 4 * pixels(network.residual))
    if network.packed:
        canvas = _upsampled((canvas + 2048) >> 12, (pixels(network.packed) + 128) >> 8)
    else:
        canvas = (canvas + 512) >> 10
    down, across = _places(height, rows), _places(width, columns)
    lines = _between(canvas[down.one], canvas[down.other], down.part[:, None, None])
    found = _between(lines[:, across.one], lines[:, across.other], across.part[:, None])
    return np.clip((found + 512) >> 10, -32768, 32767).astype(np.int16)


def _upsampled(flow: np.ndarray, added: np.ndarray) -> np.ndarray:
    """At each position of the map that is added: the sum of the four values of `flow` that it lies between, and it."""
    (above, below), (left, right) = [
        (place // 2, np.minimum((place + 1) // 2, small - 1))
        for place, small in zip(map(np.arange, added.shape[:2]), flow.shape)
    ]
    return sum((flow[rows][:, columns] for rows in (above, below) for columns in (left, right)), added)


def flow_to_rgb(flow: np.ndarray, longest: int) -> np.ndarray:
    """uint8 [h, w, 3] of flow and longest flow in 1/64 pixel."""
    u, v = flow[..., 0].astype(np.int64), flow[..., 1].astype(np.int64)
    part = np.sqrt((u * u + v * v).astype(np.float64)).astype(np.int64) * COLOUR_ONE // longest
    colour = _wheel(_direction(u, v))
    inside = COLOUR_ONE - part[..., None] * (COLOUR_ONE - colour) // COLOUR_ONE
    shown = np.where(part[..., None] <= COLOUR_ONE, inside, 3 * colour // 4)
    return ((shown * 255 + COLOUR_ONE // 2) // COLOUR_ONE).astype(np.uint8)


def _direction(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    longer, shorter = np.maximum(abs(u), abs(v)), np.minimum(abs(u), abs(v))
    ratio = shorter * COLOUR_ONE // np.maximum(longer, 1)
    bend = ratio * (COLOUR_ONE - ratio) // COLOUR_ONE
    angle = 27 * ratio // 4 + bend * (8614 + 2334 * ratio // COLOUR_ONE) // COLOUR_ONE
    angle = np.where(abs(v) > abs(u), 27 * COLOUR_ONE // 2 - angle, angle)
    angle = np.where(u < 0, 27 * COLOUR_ONE - angle, angle)
    return np.where(v < 0, 54 * COLOUR_ONE - angle, angle)


def _wheel(place: np.ndarray) -> np.ndarray:
    colour = np.zeros((*place.shape, 3), np.int64)
    colour[..., 0] = COLOUR_ONE
    for steps, channel, way in SEGMENTS:
        part = np.minimum(place, steps * COLOUR_ONE) // steps
        here = place > 0
        colour[..., channel] = np.where(here, part if way > 0 else COLOUR_ONE - part, colour[..., channel])
        place = place - steps * COLOUR_ONE
    return colour
