"""Synthetic data sets: pairs with exact flow, written as FlyingChairs2 folders."""

import json
import os
import shutil
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Callable, List, Optional

import numpy as np
from PIL import Image

from efnas.core.sampler import TEXTURES, counter_stream
from efnas.data.cutouts import cutout_layers
from efnas.data.flow_files import write_flo
from efnas.data.layered_scenes import Pair, rendered
from efnas.data.natural_scenes import natural_layers, sensor_noise
from efnas.data.scene_style import SceneStyle
from efnas.errors import EfnasError

DESCRIPTION = "synthesis.json"
PHOTO_ENDINGS = (".png", ".jpg", ".jpeg", ".ppm", ".bmp")


def make_pair(style: SceneStyle, seed: int, index: int, photos: Optional[List[Path]] = None) -> Pair:
    """Pair `index` of the data set that `seed` names: a pure function of its arguments."""
    rng = np.random.Generator(counter_stream(seed, TEXTURES, index))
    if style.natural is None:
        return rendered(cutout_layers(style, rng, photos or []), style.height, style.width)
    layers = natural_layers(style, rng, photos or [], seed)
    return rendered(layers, style.height, style.width, sensor_noise(style.natural, rng, style.height, style.width))


def write_pair(folder: Path, style: SceneStyle, seed: int, photos: Optional[List[Path]], index: int) -> float:
    """Write one pair in FlyingChairs2's names, with its occlusions and the flow back; returns the mean length of its
    flow in pixels."""
    pair = make_pair(style, seed, index, photos)
    stem = f"{index:07d}"
    Image.fromarray(pair.first).save(folder / f"{stem}-img_0.png", compress_level=1)
    Image.fromarray(pair.second).save(folder / f"{stem}-img_1.png", compress_level=1)
    Image.fromarray((255 * pair.occluded).astype(np.uint8)).save(folder / f"{stem}-occ_01.png")
    write_flo(folder / f"{stem}-flow_01.flo", pair.flow)
    write_flo(folder / f"{stem}-flow_10.flo", pair.back)
    return float(np.linalg.norm(pair.flow, axis=-1).mean())


def write_dataset(
    out: Path,
    train_pairs: int,
    val_pairs: int,
    seed: int,
    style: SceneStyle,
    textures: Optional[Path] = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> float:
    """Write `out/train`, `out/val` and `out/synthesis.json`, which says what they are; the folder appears once whole.

    Returns the mean length of the flow in pixels. Raises EfnasError when `out` exists already or `textures` holds no
    photo.
    """
    out = Path(out)
    if out.exists():
        raise EfnasError(f"{out} exists already; give another folder, or remove it.")
    photos = _photos(textures) if textures else None
    workspace = out.with_name(f"{out.name}.partial-{os.getpid()}")
    shutil.rmtree(workspace, ignore_errors=True)
    total = train_pairs + val_pairs
    lengths = []
    try:
        with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
            for part, indices in (("train", range(train_pairs)), ("val", range(train_pairs, total))):
                folder = workspace / part
                folder.mkdir(parents=True)
                for length in pool.map(partial(write_pair, folder, style, seed, photos), indices, chunksize=4):
                    lengths.append(length)
                    progress(len(lengths), total)
        (workspace / DESCRIPTION).write_text(
            json.dumps(describe(train_pairs, val_pairs, seed, style, textures), indent=1)
        )
        os.replace(workspace, out)
    except OSError as error:
        raise EfnasError(f"Cannot write {out}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(workspace, ignore_errors=True)
    return float(np.mean(lengths))


def describe(train_pairs: int, val_pairs: int, seed: int, style: SceneStyle, textures: Optional[Path]) -> dict:
    """What decides the content of a synthetic data set."""
    return {
        "train_pairs": train_pairs,
        "val_pairs": val_pairs,
        "seed": seed,
        "textures": textures and str(textures),
        **style.told(),
    }


def _photos(folder: Path) -> List[Path]:
    photos = sorted(path for path in Path(folder).glob("*") if path.suffix.lower() in PHOTO_ENDINGS and path.is_file())
    if not photos:
        raise EfnasError(f"{folder} holds no photo ({', '.join(PHOTO_ENDINGS)}).")
    return photos
