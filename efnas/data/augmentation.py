"""What is drawn to change training pairs: pure functions of (seed, position in the training stream).

`augmented` applies it. Amounts are drawn evenly, so that each has a largest one.
"""

from typing import NamedTuple

import numpy as np

from efnas.config_augmentation import Augmentation
from efnas.core.sampler import AUGMENTATION, counter_stream

BLOCK = 1024  # positions whose numbers are drawn together
NUMBERS = 64  # of a position, more than are used: a change that comes later need not move the others
# Weights of red, green and blue in the brightness of a colour (ITU-R BT.601).
LUMA = np.array([0.299, 0.587, 0.114])
LEAST_BLUR = 0.25  # pixels; a smaller blur changes less than a grey level


class Drawn(NamedTuple):
    """The changes of one pair, or with [n] before each shape of n pairs; matrices are of (x, y).

    A pixel of the input at p from its centre shows what lies at `first` @ p from a place of the first frame, and at
    `first` @ (relative @ p + `shift`) of the second one: `second` is `first` @ relative. Values 0 .. 255 of the six
    channels of a pair become (values @ `mixing` + `offset`), then to the power `gamma`, of 0 .. 1.
    """

    first: np.ndarray  # [2, 2]
    first_inverse: np.ndarray  # [2, 2]
    second: np.ndarray  # [2, 2]
    relative_inverse: np.ndarray  # [2, 2]
    shift: np.ndarray  # [2]
    reversed: np.ndarray  # [1], 0 or 1
    mixing: np.ndarray  # [6, 6]
    offset: np.ndarray  # [6]
    gamma: np.ndarray  # [6]
    noise: np.ndarray  # [6], standard deviation in grey levels
    noise_begin: np.ndarray  # [1], which part of a table of noise, 0 .. 1
    blur: np.ndarray  # [3, 6]: what the middle, its neighbours and theirs weigh


SHAPES = Drawn((2, 2), (2, 2), (2, 2), (2, 2), (2,), (1,), (6, 6), (6,), (6,), (6,), (1,), (3, 6))
SIZES = [int(np.prod(shape)) for shape in SHAPES]
LENGTH = sum(SIZES)


def changes_at(augmentation: Augmentation, seed: int, positions: np.ndarray) -> np.ndarray:
    """What is drawn for positions of the training stream: float32 [n, LENGTH], the fields of `Drawn` in a row."""
    drawn = _drawn(augmentation, _uniform(seed, positions))
    return np.concatenate([field.reshape(len(positions), size) for field, size in zip(drawn, SIZES)], axis=1).astype(
        np.float32
    )


def split(rows) -> Drawn:
    """Rows of `changes_at` [n, LENGTH] by field."""
    ends = np.cumsum([0, *SIZES])
    return Drawn(*(rows[:, begin:end].reshape(-1, *shape) for begin, end, shape in zip(ends, ends[1:], SHAPES)))


def _uniform(seed: int, positions: np.ndarray) -> np.ndarray:
    """Numbers from 0 to below 1, [n, NUMBERS]."""
    raw = np.empty((len(positions), NUMBERS), np.uint64)
    for block in np.unique(positions // BLOCK):
        here = positions // BLOCK == block
        block_raw = counter_stream(seed, AUGMENTATION, int(block)).random_raw(BLOCK * NUMBERS)
        raw[here] = block_raw.reshape(BLOCK, NUMBERS)[positions[here] % BLOCK]
    return (raw >> np.uint64(11)) * 2.0**-53


def _drawn(strength: Augmentation, uniform: np.ndarray) -> Drawn:
    either = 2.0 * uniform - 1.0  # from -1 to below 1
    flip_x, flip_y, back_in_time, noise_begin = uniform[:, :4].T
    rotation, scale, aspect, relative_rotation, relative_scale = either[:, 4:9].T

    zoom, stretch = strength.scale * scale, 0.5 * strength.aspect * aspect
    sides = np.exp2(np.stack([zoom + stretch, zoom - stretch], axis=-1))
    sides *= np.where(np.stack([flip_x < strength.horizontal_flip, flip_y < strength.vertical_flip], axis=-1), -1, 1)
    first_inverse = _rotations(strength.rotation * rotation) * sides[:, None, :]
    relative = _rotations(strength.relative_rotation * relative_rotation)
    relative = relative * np.exp2(strength.relative_scale * relative_scale)[:, None, None]
    first = np.linalg.inv(first_inverse)

    # Of each frame: a part that both share, and one of its own.
    shared, own = either[:, 16:32], either[:, 32:64].reshape(-1, 2, 16)
    light = (1.0 - strength.own) * shared[:, None] + strength.own * own
    colour, (brightness, contrast, saturation, gamma, noise, blur) = light[..., :3], np.moveaxis(light[..., 3:9], -1, 0)
    kept = 1.0 + strength.saturation * saturation[..., None, None]
    mixing = (1.0 - kept) * LUMA[:, None] + kept * np.eye(3)
    factor = 1.0 + strength.contrast * contrast
    mixing = mixing * (1.0 + strength.colour * colour)[..., None, :] * factor[..., None, None]
    both = np.zeros((len(uniform), 6, 6))
    both[:, :3, :3], both[:, 3:, 3:] = mixing[:, 0], mixing[:, 1]
    offset = 127.5 * (1.0 - factor) + 255.0 * strength.brightness * brightness
    return Drawn(
        first=first,
        first_inverse=first_inverse,
        second=first @ relative,
        relative_inverse=np.linalg.inv(relative),
        shift=strength.relative_shift * either[:, 9:11],
        reversed=back_in_time < strength.time_reversal,
        mixing=both,
        offset=_channels(offset),
        gamma=_channels(np.exp2(strength.gamma * gamma)),
        noise=_channels(strength.noise * 0.5 * (1.0 + noise)),
        noise_begin=noise_begin,
        blur=np.stack([_channels(weight) for weight in _kernel(strength.blur * blur)], axis=1),
    )


def _rotations(degrees: np.ndarray) -> np.ndarray:
    """Matrices [n, 2, 2]."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.stack([np.stack([cosine, -sine], axis=-1), np.stack([sine, cosine], axis=-1)], axis=-2)


def _kernel(deviation: np.ndarray) -> tuple:
    """What of a Gaussian the middle, its neighbours and theirs weigh."""
    places = np.arange(3)
    spread = np.maximum(deviation, LEAST_BLUR)[..., None]
    weights = np.where(deviation[..., None] < LEAST_BLUR, places == 0, np.exp(-0.5 * (places / spread) ** 2))
    weights = weights / (weights @ [1.0, 2.0, 2.0])[..., None]
    return weights[..., 0], weights[..., 1], weights[..., 2]


def _channels(of_frames: np.ndarray) -> np.ndarray:
    """Values of both frames [n, 2], for each of the six channels of a pair."""
    return np.repeat(of_frames, 3, axis=-1)
