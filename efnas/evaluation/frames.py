"""Image pairs and ground truth as users have them: files of any size, folders of frames, unknown pixels."""

from pathlib import Path
from typing import List, NamedTuple, Optional, Tuple

import numpy as np

from efnas.data.flow_files import UNKNOWN, read_flo
from efnas.data.images import read_image
from efnas.errors import EfnasError

IMAGES = (".png", ".ppm", ".jpg", ".jpeg", ".bmp")


class Score(NamedTuple):
    """EPE in pixels of a flow and of predicting zero, over the known pixels."""

    epe: float
    zero_epe: float
    known: float


def frame_pairs(first: Path, second: Optional[Path]) -> List[Tuple[Path, Path]]:
    """Two images; two folders, image by image in the order of their names; or the frames of one folder, each with the
    next. Raises EfnasError where no pair comes of it."""
    if second is None:
        if not first.is_dir():
            raise EfnasError(f"{first} alone is no pair: give a second image, or a folder of frames.")
        frames = _images_in(first)
        pairs = list(zip(frames, frames[1:]))
    elif first.is_dir() and second.is_dir():
        one, other = _images_in(first), _images_in(second)
        if len(one) != len(other):
            raise EfnasError(f"{first} has {len(one)} images and {second} has {len(other)}: they are no pairs.")
        pairs = list(zip(one, other))
    elif first.is_dir() or second.is_dir():
        raise EfnasError(f"{first} and {second} are an image and a folder: give two of a kind.")
    else:
        return [(first, second)]
    if not pairs:
        raise EfnasError(f"There are no two images in {first} (looked for {', '.join(IMAGES)}).")
    return pairs


def _images_in(folder: Path) -> List[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGES)


def read_pair(first: Path, second: Path) -> np.ndarray:
    """[h, w, 6] in [-1, 1]. Raises EfnasError when the images differ in size."""
    images = [read_image(path).astype(np.float32) / 127.5 - 1.0 for path in (first, second)]
    if images[0].shape != images[1].shape:
        sizes = [f"{image.shape[1]}x{image.shape[0]}" for image in images]
        raise EfnasError(f"{first} and {second} differ in size: {sizes[0]} and {sizes[1]} pixels.")
    return np.concatenate(images, axis=-1)


def padded_to(images: np.ndarray, height: int, width: int) -> np.ndarray:
    """The last row and column repeated: what lies beyond the image does not move, and has its colours."""
    missing = [(0, height - images.shape[0]), (0, width - images.shape[1]), (0, 0)]
    return np.pad(images, missing, mode="edge")


class Truth(NamedTuple):
    """Flow [h, w, 2] in pixels, and where it is known [h, w]."""

    flow: np.ndarray
    known: np.ndarray


def read_truth(path: Path, height: int, width: int) -> Truth:
    """Ground truth for images of this size. Raises EfnasError when it is of another, or knows no pixel."""
    flow = read_flo(path, require_known=False)
    if flow.shape[:2] != (height, width):
        raise EfnasError(f"{path} is of {flow.shape[1]}x{flow.shape[0]} pixels, the images are of {width}x{height}.")
    known = (np.abs(np.nan_to_num(flow, nan=UNKNOWN)) < UNKNOWN).all(axis=-1)
    if not known.any():
        raise EfnasError(f"{path} knows the flow of no pixel.")
    return Truth(flow, known)


def score(flow: np.ndarray, truth: Truth) -> Score:
    true = truth.flow[truth.known].astype(np.float64)
    errors = np.linalg.norm(flow[truth.known] - true, axis=-1)
    return Score(float(errors.mean()), float(np.linalg.norm(true, axis=-1).mean()), float(truth.known.mean()))
