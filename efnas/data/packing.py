"""Packing a data set (see `packed`): its files are decoded once, as training decodes them, so that what is read from
the packed file is what it would have been."""

import os
import shutil
from pathlib import Path
from typing import Callable, List, NamedTuple, Optional, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from efnas.backend import open_session, select_device
from efnas.cache import key_of
from efnas.data.batches import decoded_frames, plain
from efnas.data.check import check_sample
from efnas.data.flow_files import HEADER_BYTES
from efnas.data.flying_chairs import FLOAT16, FLOAT32, DataSet, backward, missing_flow_back, paths_of
from efnas.data.packed import (
    ALIGNED,
    FORMAT,
    INDEX,
    PACK,
    PARTS,
    bytes_of,
    content_hash,
    header_of,
    packed_parts,
)
from efnas.data.sources import find_dataset
from efnas.data.synthesis import DESCRIPTION
from efnas.errors import EfnasError
from efnas.files import existing_folder, sync, write_json

FLOW_TYPES = (FLOAT32, FLOAT16)


class Packed(NamedTuple):
    """What was written: pairs by set, bytes, and the largest rounding error of a flow in pixels."""

    pairs: dict
    bytes: int
    rounding_px: float


def write_packed(
    source: Path, out: Path, flow_type: str = FLOAT32, train_list: Optional[str] = None, val_list: Optional[str] = None,
    back: bool = False, progress: Callable[[int, int], None] = lambda done, total: None,
) -> Packed:  # fmt: skip
    """Pack the training and the validation set of a folder, or of lists in it, into the new folder `out`, which appears
    once whole, with `back` with the flow back of each pair, too. A set whose folder is not there is left out, but not
    both.

    Raises EfnasError, naming the file, for a broken or missing sample, for a flow that float16 cannot hold, and where
    the disk has no room.
    """
    if flow_type not in FLOW_TYPES:
        raise EfnasError(f"--flow is {' or '.join(FLOW_TYPES)}, not '{flow_type}'.")
    if out.exists():
        raise EfnasError(f"{out} exists already; give another folder, or remove it.")
    sets = _sets(source, {"train": train_list, "val": val_list})
    for dataset, _ in sets.values() if back else ():
        missing = missing_flow_back(dataset)
        if missing:
            raise EfnasError(f"There is no {missing}, the flow back that --back would pack.")
    _require_room(out, [dataset for dataset, _ in sets.values()], flow_type, back)
    workspace = out.with_name(f"{out.name}.partial-{os.getpid()}")
    shutil.rmtree(workspace, ignore_errors=True)
    total, done, roundings = sum(len(dataset) for dataset, _ in sets.values()), 0, []
    try:
        workspace.mkdir(parents=True)
        for part, (dataset, of) in sets.items():
            with _Writer(workspace, part, of, flow_type, back) as writer:
                for sample, frames in zip(dataset.samples, _decoded(dataset, back)):
                    roundings.append(writer.add(sample, os.path.relpath(sample.first, source), *frames))
                    done += 1
                    progress(done, total)
        if (source / DESCRIPTION).is_file():  # by which a configuration of synthetic data knows its own
            shutil.copy(source / DESCRIPTION, workspace)
        size = sum(path.stat().st_size for path in workspace.iterdir())
        os.replace(workspace, out)
    except OSError as error:
        raise EfnasError(f"Cannot write {out}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(workspace, ignore_errors=True)
    return Packed({part: len(dataset) for part, (dataset, _) in sets.items()}, size, max(roundings))


class _Writer:
    """Use it in a `with`: at its end the index stands beside the file, and both are on the disk."""

    def __init__(self, folder: Path, part: str, of: str, flow_type: str, back: bool):
        self._path, self._index_path, self._type = folder / f"{part}{PACK}", folder / f"{part}{INDEX}", flow_type
        self._index = {"format": FORMAT, "from": of, "flow": flow_type, **({"back": True} if back else {}),
                       "samples": []}  # fmt: skip

    def __enter__(self) -> "_Writer":
        self._file = open(self._path, "wb")
        self._file.write(bytes(ALIGNED))
        return self

    def add(self, sample, path: str, first: np.ndarray, second: np.ndarray, *flows: np.ndarray) -> float:
        """The largest rounding error of its flow, and of its flow back."""
        with np.errstate(over="ignore"):
            kept = [flow.astype(self._type) for flow in flows]
        for file, rounded, flow in zip((sample.flow, backward(sample).flow), kept, flows):
            if not np.isfinite(rounded).all():
                longest = np.abs(flow).max()
                raise EfnasError(f"{file} has motions of {longest:,.0f} pixels, too long for {FLOAT16}.")
        content = b"".join(each.tobytes() for each in (kept[0], first, second, *kept[1:]))
        self._file.write(bytes(-self._file.tell() % ALIGNED))
        place = [self._file.tell(), *flows[0].shape[:2], content_hash(content)]
        self._index["samples"].append([sample.name, path, *place])
        self._file.write(content)
        return max(float(np.abs(rounded - flow).max()) for rounded, flow in zip(kept, flows))

    def __exit__(self, kind, *_) -> None:
        with self._file:
            if kind is not None:
                return
            self._index["bytes"] = self._file.tell()
            sha256 = key_of(**self._index)
            self._file.seek(0)
            self._file.write(header_of(sha256))
        sync(self._path)
        write_json(self._index_path, {**self._index, "sha256": sha256})


def _sets(source: Path, lists: dict) -> dict:
    """The sets that there are, each with the folder or list that it is of."""
    if not source.is_dir():
        raise EfnasError(f"There is no folder {source}.")
    if packed_parts(source):
        raise EfnasError(f"{source} is packed already.")
    wanted = {part: lists[part] or part for part in PARTS if lists[part] or (source / part).is_dir()}
    found = {part: (find_dataset(source, part, lists[part]), str(Path(of))) for part, of in wanted.items()}
    if not found:
        raise EfnasError(f"{source} has neither a folder train/ nor val/; --train-list and --val-list name lists.")
    return found


def _require_room(out: Path, sets: List[DataSet], flow_type: str, back: bool) -> None:
    place = existing_folder(out.parent)
    free = shutil.disk_usage(place).free
    # The size of a flow file says how many pixels its frames have.
    pixels = [(os.stat(sample.flow).st_size - HEADER_BYTES) // 8 for each in sets for sample in each.samples]
    needed = sum(ALIGNED + bytes_of(1, count, flow_type, back) for count in pixels)
    if free < needed:
        raise EfnasError(f"The disk of {place} has {free / 1e6:,.0f} MB free; packed it takes {needed / 1e6:,.0f} MB.")


def _decoded(dataset: DataSet, back: bool):
    """Frames and flow (and flow back) of every sample, in order, decoded ahead on all cores."""
    device, files = select_device(-1, 0), paths_of(dataset.samples)
    if back:
        files = np.concatenate([files, paths_of([backward(each) for each in dataset.samples])[:, 2:]], axis=1)
    with tf.Graph().as_default(), open_session(device) as session:
        paths = tf.placeholder(tf.string, [None, files.shape[1]])
        samples = tf.data.Dataset.from_tensor_slices(paths).map(plain(decoded_frames), device.threads).prefetch(4)
        iterator = tf.data.make_initializable_iterator(samples)
        fetched = iterator.get_next()
        session.run(iterator.initializer, {paths: files})
        for sample in dataset.samples:
            try:
                frames: Tuple[np.ndarray, ...] = session.run(fetched)
            except tf.errors.OpError as error:
                finding = check_sample(sample) or back and check_sample(backward(sample))
                finding = finding or f"TensorFlow cannot decode {sample.name}."
                raise EfnasError(f"Cannot pack a sample: {finding}") from error
            yield frames
