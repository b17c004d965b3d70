"""Flow as colour: direction is hue, length is saturation, on the colour wheel of the Middlebury benchmark."""

import numpy as np

# Steps between the six corners of the wheel (Baker et al., 2011): red-yellow, yellow-green, ... magenta-red.
_SEGMENTS = (
    (15, (1, 0, 0), (1, 1, 0)),
    (6, (1, 1, 0), (0, 1, 0)),
    (4, (0, 1, 0), (0, 1, 1)),
    (11, (0, 1, 1), (0, 0, 1)),
    (13, (0, 0, 1), (1, 0, 1)),
    (6, (1, 0, 1), (1, 0, 0)),
)


def _wheel() -> np.ndarray:
    pieces = [np.linspace(begin, end, steps, endpoint=False) for steps, begin, end in _SEGMENTS]
    return np.concatenate(pieces)


def flow_to_colour(flow: np.ndarray, longest: float) -> np.ndarray:
    """uint8 RGB [h, w, 3] of flow [h, w, 2]: white is no motion, full colour is `longest` pixels; longer is darker."""
    wheel = _wheel()
    u, v = flow[..., 0] / longest, flow[..., 1] / longest
    length = np.hypot(u, v)
    place = (np.arctan2(-v, -u) / np.pi + 1.0) / 2.0 * (len(wheel) - 1)
    low = np.floor(place).astype(int)
    part = (place - low)[..., None]
    colour = (1.0 - part) * wheel[low] + part * wheel[(low + 1) % len(wheel)]
    inside = (length <= 1.0)[..., None]
    colour = np.where(inside, 1.0 - length[..., None] * (1.0 - colour), 0.75 * colour)
    return np.rint(255 * colour).astype(np.uint8)


def colour_wheel(size: int) -> np.ndarray:
    """The legend: uint8 RGB [size, size, 3] of all directions up to full length, white outside the circle."""
    v, u = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    picture = flow_to_colour(np.stack([u, v], axis=-1), 1.0)
    picture[np.hypot(u, v) > 1.0] = 255
    return picture
