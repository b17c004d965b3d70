"""The weights and moving averages of a checkpoint in half precision, in one file, and a checkpoint of them again."""

import io
import os
import shutil
import zipfile
import zlib
from pathlib import Path
from types import MappingProxyType
from typing import Dict, Mapping, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from efnas.backend import Device, open_session, select_device
from efnas.cache import key_of
from efnas.config import Config
from efnas.core.costs import supernet_variables
from efnas.core.supernet import Supernet
from efnas.errors import EfnasError
from efnas.files import make_folder
from efnas.runs.checkpoints import Checkpointer
from efnas.runs.pretrained import WEIGHTS, Pretrained, own_cache
from efnas.runs.seal import read_whole


def saved_shapes(supernet: Supernet, base_width: int) -> Dict[str, Tuple[int, ...]]:
    """The shape of each variable that a checkpoint has of a network, by its name (see `Weights.saved`)."""
    shapes = {name: tuple(variable.shape) for name, variable in supernet_variables(supernet, base_width).items()}
    gammas = {name[: -len("gamma")]: shape for name, shape in shapes.items() if name.endswith("/gamma")}
    averages = {f"{scope}moving_{kind}": shape for scope, shape in gammas.items() for kind in ("mean", "variance")}
    return {**shapes, **averages}


def halved(
    checkpoint: Path, supernet: Supernet, base_width: int, statistics: Mapping[str, np.ndarray] = MappingProxyType({})
) -> bytes:
    """What a checkpoint holds of a network, as an `.npz` of float16; the same values give the same bytes. `statistics`
    of batch norms ([2, channels], mean and variance) take the place of the moving averages.

    Raises EfnasError for a checkpoint that is damaged or lacks a variable, and for a value that float16 cannot hold.
    """
    reader = tf.train.load_checkpoint(str(read_whole(checkpoint).prefix))
    stored, values = reader.get_variable_to_shape_map(), {}
    other = {f"{scope}/moving_{kind}": vector for scope, pair in statistics.items()
             for kind, vector in zip(("mean", "variance"), pair)}  # fmt: skip
    for name, shape in saved_shapes(supernet, base_width).items():
        if stored.get(name) != list(shape):
            raise EfnasError(f"The checkpoint {checkpoint} does not hold {name} {list(shape)}.")
        with np.errstate(over="ignore"):
            values[name] = other.get(name, reader.get_tensor(name)).astype(np.float16)
        if not np.isfinite(values[name]).all():
            raise EfnasError(f"{name} of {checkpoint} is too large for half precision.")
    content = io.BytesIO()
    np.savez_compressed(content, **values)
    return content.getvalue()


def unpacked(network: Pretrained, supernet: Supernet, config: Config) -> Path:
    """A checkpoint of a network of the package, in the cache; made once. `supernet` is the network that it is to be,
    `config` says how wide that is and on what it computes.

    Raises EfnasError for a damaged file, one of another network, or where the disk refuses.
    """
    base_width = config.network.base_width
    expected = supernet.identity(base_width)
    network.require(expected)
    if not network.in_float:
        raise EfnasError(
            f"The package has {network.told} as an INT8 file alone, of its own form and size: this needs its weights."
        )
    content = network.content(WEIGHTS)
    folder = own_cache() / f"{network.name}-{key_of(sha256=network.card['sha256'][WEIGHTS], **expected)[:16]}"
    path = folder / f"{network.name}.ckpt"
    try:
        read_whole(path, expected)
        return path
    except EfnasError:  # there is none yet, or a damaged one
        shutil.rmtree(folder, ignore_errors=True)
    values = _values(network, content, saved_shapes(supernet, base_width))
    workspace = folder.with_name(f"{folder.name}.partial-{os.getpid()}")
    make_folder(workspace)
    try:
        device = select_device(config.runtime.gpu_device, config.runtime.threads)
        _save(values, workspace / path.name, {**network.card["state"], "histories": {}, **expected}, device)
        os.rename(workspace, folder)
    except OSError as error:
        if not folder.is_dir():  # else another process was as fast
            raise EfnasError(f"Cannot write {folder}: {error.strerror}.") from error
    finally:
        shutil.rmtree(workspace, ignore_errors=True)
    read_whole(path, expected)
    return path


def _values(network: Pretrained, content: bytes, shapes: Dict[str, Tuple[int, ...]]) -> Dict[str, np.ndarray]:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            values = {name: stored[name].astype(np.float32) for name in shapes}
        if any(values[name].shape != shape for name, shape in shapes.items()):
            raise ValueError("another shape")
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise EfnasError(f"The weights of the {network.told} are not those of its network.") from error
    return values


def _save(values: Dict[str, np.ndarray], path: Path, state: dict, device: Device) -> None:
    with tf.Graph().as_default():
        variables = [tf.get_variable(name, initializer=value, use_resource=True) for name, value in values.items()]
        with open_session(device) as session:
            session.run(tf.global_variables_initializer())
            Checkpointer(variables).save(session, path, state)
