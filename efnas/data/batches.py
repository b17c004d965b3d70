"""Batches for TensorFlow: files are decoded, and cropped or scaled, by tf.data, in parallel and ahead of the step.

What was packed is cropped where it lies, and goes the same way from there.
"""

from functools import partial
from typing import Callable, Iterator, List, NamedTuple, Optional, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from efnas.config_augmentation import Augmentation
from efnas.data.augmentation import LENGTH, split
from efnas.data.augmented import fields_of, noise_table, relit, warped
from efnas.data.check import check_sample, of_another_size
from efnas.data.flow_files import HEADER_BYTES, MAGIC, UNKNOWN
from efnas.data.flying_chairs import DataSet, Sample, backward, paths_of
from efnas.data.packed import PackedFile
from efnas.data.sampling_plan import SamplePlan
from efnas.data.scaling import smaller, smaller_flow
from efnas.errors import EfnasError, reason_of


class Batch(NamedTuple):
    """`images` float32 [n, h, w, 6] in [-1, 1] (two RGB frames); `flow` float32 [n, h, w, 2] in pixels, or of unscaled
    truth [n, H, W, 2] in pixels of a frame of that size."""

    images: tf.Tensor
    flow: tf.Tensor


# Functions of graph code alone; TensorFlow would translate them, which takes a second and leaves files behind.
plain = tf.autograph.experimental.do_not_convert


class BatchReader:
    """Reads a plan of samples, in order, as batches of at most `batch_size`, each cut into pieces of `micro_size`.

    `start(session, plan)` begins to read; `batch` holds the tensors of the next piece of `iterator` each time they are
    fetched.
    Samples are crops of height x width, or with `whole` the frames scaled down to that, with their flow; with
    `unscaled_truth` that stays as it is, which takes frames of one size in a batch. With `augmentation` they are
    changed as their plan says; whole frames once they are scaled.
    """

    def __init__(
        self,
        dataset: DataSet,
        height: int,
        width: int,
        batch_size: int,
        micro_size: Optional[int] = None,
        flow_clip: Optional[float] = None,
        threads: int = 2,
        whole: bool = False,
        unscaled_truth: bool = False,
        augmentation: Optional[Augmentation] = None,
    ):
        self.dataset = dataset
        self.height, self.width = height, width
        self._one_size = whole and unscaled_truth
        framing = _cropped if not whole else _scaled_images if unscaled_truth else _scaled
        self._crops = tf.placeholder(tf.int64, [None, 2])
        if dataset.packed:
            self._places = tf.placeholder(tf.int64, [None, 2])
            frames = _unpacking(dataset, height, width, whole or bool(augmentation and augmentation.warps))
        else:
            self._places, frames = tf.placeholder(tf.string, [None, 3]), lambda paths, crop: decoded_frames(paths)

        augmenting = _augmenting(augmentation, height, width, framing) if augmentation else None

        @plain
        def read(place, crop, *change):
            images, flow = _framed(
                *frames(place, crop), crop, height, width, augmenting(*change) if change else framing
            )
            return images, flow if flow_clip is None else tf.clip_by_value(flow, -flow_clip, flow_clip)

        @plain
        def pieces(*batch):
            return tf.data.Dataset.from_tensor_slices(batch).batch(micro_size)

        self._changes = (tf.placeholder(tf.float32, [None, LENGTH]),) if augmentation else ()
        samples = tf.data.Dataset.from_tensor_slices((self._places, self._crops, *self._changes))
        batches = samples.map(read, num_parallel_calls=threads).batch(batch_size)
        if micro_size and micro_size < batch_size:
            batches = batches.flat_map(pieces)
        self.iterator = tf.data.make_initializable_iterator(batches.prefetch(2))
        self.batch = Batch(*self.iterator.get_next())

    def start(self, session, plan: SamplePlan) -> None:
        if self.dataset.packed:
            places = np.stack([plan.indices, self._reversed(plan)], axis=1)
        else:
            places = paths_of(self._samples(plan))
        changes = dict.fromkeys(self._changes, plan.changes)
        session.run(self.iterator.initializer, {self._places: places, self._crops: plan.crops, **changes})

    def arrays(self, session, plan: SamplePlan) -> Iterator[Tuple[np.ndarray, np.ndarray]]:
        """The batches of a plan as arrays (images, flow). Raises EfnasError, naming the file, for a broken sample."""
        self.start(session, plan)
        while True:
            try:
                yield session.run(tuple(self.batch))
            except tf.errors.OutOfRangeError:
                return
            except tf.errors.OpError as error:
                raise self.explain(plan, error) from error

    def _samples(self, plan: SamplePlan) -> List[Sample]:
        samples = [self.dataset.samples[index] for index in plan.indices]
        if self.dataset.packed:
            return samples
        return [backward(sample) if back else sample for sample, back in zip(samples, self._reversed(plan))]

    def _reversed(self, plan: SamplePlan) -> np.ndarray:
        """Which samples are read from the second frame to the first, [n]."""
        return split(plan.changes).reversed[:, 0] > 0 if self._changes else np.zeros(len(plan), bool)

    def explain(self, plan: SamplePlan, error: Exception) -> EfnasError:
        """What went wrong while samples of `plan` were read or computed, as one sentence that names a broken file."""
        samples = list(dict.fromkeys(self._samples(plan)))
        for sample in samples:
            finding = check_sample(sample, self.height, self.width)
            if finding:
                return EfnasError(f"Cannot read a sample: {finding}")
        finding = of_another_size(samples) if self._one_size else None
        if finding:
            return EfnasError(f"{finding} With data.geometry: whole the frames that are scored together have one size.")
        return EfnasError(f"TensorFlow failed on a batch of {self.dataset.source}: {reason_of(error)}")


def micro_batch_sizes(samples: int, batch_size: int, micro_size: Optional[int]) -> list:
    """The pieces a batch of `samples` (at most `batch_size`) is read in."""
    if not micro_size or micro_size >= batch_size:
        return [samples]
    return [min(micro_size, samples - start) for start in range(0, samples, micro_size)]


def decoded_frames(paths):
    """Both frames of a pair uint8 [h, w, 3] and the flow float32 [h, w, 2], of one size, of its files' paths [3]; of
    four paths the flow back, too."""
    first, second, *others = tf.unstack(paths)
    images = [tf.image.decode_png(tf.read_file(path), channels=3) for path in (first, second)]
    flows = [_decode_flo(tf.read_file(path), path) for path in others]
    sizes = [tf.shape(each)[:2] for each in (*images, *flows)]
    agree = tf.reduce_all([tf.reduce_all(tf.equal(sizes[0], other)) for other in sizes[1:]])
    with tf.control_dependencies([tf.Assert(agree, ["sizes differ", paths])]):
        return (*images, *map(tf.identity, flows))


def _unpacking(dataset: DataSet, height: int, width: int, whole: bool) -> Callable:
    """As `decoded_frames`, of the number of a packed sample, and whether it is read backward; of frames that are
    cropped the crop alone."""
    file = PackedFile(dataset.source)

    def frames(read, crop):
        index, back = read
        place = dataset.samples[index].packed
        if whole:
            return tuple(file.cut(place, 0, 0, place.height, place.width, back))
        room = np.array([place.height - height, place.width - width])
        if (room < 0).any():
            raise ValueError("too small")
        return tuple(file.cut(place, *np.where(crop < 0, room // 2, crop % (room + 1)), height, width, back))

    flow_type = tf.as_dtype(dataset.samples[0].packed.flow_type)

    def unpacked(read, crop):
        first, second, flow = tf.numpy_function(frames, [read, crop], [tf.uint8, tf.uint8, flow_type])
        for tensor, channels in ((first, 3), (second, 3), (flow, 2)):
            tensor.set_shape([None, None, channels])
        return first, second, _known(tf.cast(flow, tf.float32), ["packed", read])

    return unpacked


def _framed(first, second, flow, crop, height: int, width: int, framing: Callable):
    size = tf.shape(first)[:2]
    with tf.control_dependencies([tf.Assert(tf.reduce_all(size >= [height, width]), ["too small", size])]):
        room, flow = tf.cast(size, tf.int64) - [height, width], tf.identity(flow)
    top_left = tf.cast(tf.where(crop < 0, room // 2, crop % (room + 1)), tf.int32)
    images, flow = framing([first, second], flow, top_left, height, width)
    return tf.cast(images, tf.float32) / 127.5 - 1.0, flow


def _augmenting(strength: Augmentation, height: int, width: int, framing: Callable) -> Callable:
    """Of what was drawn for a sample: a framing that changes it so."""
    noise = noise_table(height, width) if strength.noise else None

    def framed(pair, flow, top_left, height, width, drawn):
        if strength.warps and framing is _cropped:
            images, flow = warped(pair, flow, top_left, height, width, drawn, strength.moves)
        else:
            images, flow = framing(pair, flow, top_left, height, width)
            images = tf.cast(images, tf.float32)
            if strength.warps:
                images, flow = warped([images], flow, tf.zeros_like(top_left), height, width, drawn, strength.moves)
        return relit(images, drawn, strength, noise), flow

    return lambda change: partial(framed, drawn=fields_of(change))


def _cropped(pair, flow, top_left, height: int, width: int):
    begin = tf.concat([top_left, [0]], axis=0)

    def cut(image, channels):
        return tf.reshape(tf.slice(image, begin, [height, width, channels]), [height, width, channels])

    return tf.concat([cut(image, 3) for image in pair], axis=-1), cut(flow, 2)


def _scaled(pair, flow, top_left, height: int, width: int):
    images, flow = _scaled_images(pair, flow, top_left, height, width)
    return images, smaller_flow(flow, height, width)


def _scaled_images(pair, flow, top_left, height: int, width: int):
    return smaller(tf.concat(pair, axis=-1), height, width), flow


def _decode_flo(raw, path):
    """Flow [h, w, 2] of the bytes of a `.flo` file; a broken one is an error of the batch, explained by the reader."""

    def check(condition, sentence):
        return tf.control_dependencies([tf.Assert(condition, [sentence, path])])

    with check(tf.strings.length(raw) > HEADER_BYTES, "truncated .flo"):
        header = tf.strings.substr(raw, 0, HEADER_BYTES)
        magic, side = tf.decode_raw(header, tf.float32)[0], tf.decode_raw(header, tf.int32)[1:]
    with check(
        tf.logical_and(
            tf.equal(magic, np.float32(MAGIC)), tf.equal(tf.strings.length(raw), HEADER_BYTES + 8 * side[0] * side[1])
        ),
        "broken .flo",
    ):
        values = tf.decode_raw(raw, tf.float32)[HEADER_BYTES // 4 :]
    return tf.reshape(_known(values, [path]), [side[1], side[0], 2])


def _known(flow, told: list):
    known = tf.Assert(tf.reduce_all(tf.abs(flow) < UNKNOWN), ["flow is not finite, or not known", *told])
    with tf.control_dependencies([known]):
        return tf.identity(flow)
