"""A scene is a stack of layers, each a texture with a mask and a motion; two frames of it, and the flow between them.

Every layer is a function on the plane, so the flow of a pixel is the motion of the topmost layer there, exactly, and a
pixel is occluded when another layer covers the place where it moves to.
"""

from typing import Callable, List, NamedTuple, Optional, Tuple

import numpy as np
from scipy import ndimage

from efnas.data.motions import Places


class Box(NamedTuple):
    """Where a layer has anything, in its coordinates."""

    left: float
    top: float
    right: float
    bottom: float


class Layer(NamedTuple):
    """A function on the plane, whose coordinates are the pixels of the first frame.

    paint: colours [..., 3] in 0..255 at places.
    covers: how much of a place it covers, from 0 to 1, or whether it does.
    forward, backward: where a place of the first frame lies in the second, and the other way.
    box: it covers nothing outside; None: it may be anywhere.
    shades: what is left of the light on what lies below it, from 0 to 1; None: all of it.
    """

    paint: Callable[[np.ndarray, np.ndarray], np.ndarray]
    covers: Callable[[np.ndarray, np.ndarray], np.ndarray]
    forward: Callable[[np.ndarray, np.ndarray], Places]
    backward: Callable[[np.ndarray, np.ndarray], Places]
    box: Optional[Box] = None
    shades: Optional[Callable[[np.ndarray, np.ndarray], np.ndarray]] = None


class Pair(NamedTuple):
    """Two uint8 images [h, w, 3], flow float32 [h, w, 2] from the first to the second, what of the first is occluded in
    the second (bool [h, w]), and the flow from the second to the first."""

    first: np.ndarray
    second: np.ndarray
    flow: np.ndarray
    occluded: np.ndarray
    back: np.ndarray


def everywhere(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """What a background covers."""
    return np.ones(x.shape, bool)


def sampled(texture: np.ndarray, mode: str, x: np.ndarray, y: np.ndarray, kind: type = np.float64) -> np.ndarray:
    """Colours [..., 3] of a texture [h, w, 3] at places, which is repeated over the plane as `mode` says
    (scipy.ndimage)."""
    channels = [
        ndimage.map_coordinates(texture[..., channel], [y, x], kind, order=1, mode=mode) for channel in range(3)
    ]
    return np.stack(channels, axis=-1)


class _Frame(NamedTuple):
    """The number of the topmost layer [h, w], and the image [h, w, 3] in 0..255."""

    top: np.ndarray
    image: np.ndarray


def rendered(layers: List[Layer], height: int, width: int, noise: Optional[Callable] = None) -> Pair:
    """Both frames; `noise()` is added to each, [h, w, 3]."""
    x, y = np.meshgrid(np.arange(width, dtype=np.float64), np.arange(height, dtype=np.float64))
    first, second = _painted(layers, x, y, moved=False), _painted(layers, x, y, moved=True)
    flow, back = (
        _flow(frame.top, [getattr(layer, way) for layer in layers], x, y)
        for frame, way in ((first, "forward"), (second, "backward"))
    )
    landing = [y + flow[..., 1], x + flow[..., 0]]
    landed_on = ndimage.map_coordinates(second.top, np.rint(landing).astype(int), order=0, mode="constant", cval=-1)
    images = [frame.image if noise is None else np.clip(frame.image + noise(), 0, 255) for frame in (first, second)]
    first_image, second_image = (np.rint(image).astype(np.uint8) for image in images)
    return Pair(first_image, second_image, flow.astype(np.float32), landed_on != first.top, back.astype(np.float32))


def _flow(top: np.ndarray, motions: List[Callable], x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """[h, w, 2], of the topmost layer each."""
    flow = np.zeros(x.shape + (2,))
    for number in np.unique(top):
        here = top == number
        landed = motions[number](x[here], y[here])
        flow[here, 0], flow[here, 1] = landed[0] - x[here], landed[1] - y[here]
    return flow


def _painted(layers: List[Layer], x: np.ndarray, y: np.ndarray, moved: bool) -> _Frame:
    """The layers from back to front, where they lie in the first frame, or `moved` to where they lie in the second."""
    top, image = np.zeros(x.shape, np.int64), np.zeros(x.shape + (3,))
    for number, layer in enumerate(layers):
        part = _reached(layer, x.shape, moved)
        places = layer.backward(x[part], y[part]) if moved else (x[part], y[part])
        below = image[part]
        if layer.shades is not None:
            below *= layer.shades(*places)[..., None]
        cover = layer.covers(*places)
        here = cover > 0
        share = cover[here].astype(float)[:, None]
        below[here] = (1.0 - share) * below[here] + share * layer.paint(places[0][here], places[1][here])
        top[part][cover > 0.5] = number
    return _Frame(top, image)


def _reached(layer: Layer, size: Tuple[int, int], moved: bool) -> Tuple[slice, slice]:
    """The part of a frame that the layer's box may lie in."""
    if layer.box is None:
        return slice(None), slice(None)
    along = np.linspace(0.0, 1.0, 9)
    left, top, right, bottom = layer.box
    across, down = left + along * (right - left), top + along * (bottom - top)
    x = np.concatenate([across, across, np.full(9, left), np.full(9, right)])
    y = np.concatenate([np.full(9, top), np.full(9, bottom), down, down])
    if moved:
        x, y = layer.forward(x, y)
    ends = [(max(0, int(each.min()) - 2), max(0, int(each.max()) + 3)) for each in (y, x)]
    return tuple(slice(min(first, side), min(end, side)) for (first, end), side in zip(ends, size))
