"""Batches for TensorFlow: files are decoded, and cropped or scaled, by tf.data, in parallel and ahead of the step."""

from typing import Callable, Iterator, NamedTuple, Optional, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from efnas.data.check import check_sample, of_another_size
from efnas.data.flow_files import HEADER_BYTES, MAGIC, UNKNOWN
from efnas.data.flying_chairs import DataSet
from efnas.data.sampling_plan import SamplePlan
from efnas.data.scaling import smaller, smaller_flow
from efnas.errors import EfnasError


class Batch(NamedTuple):
    """`images` float32 [n, h, w, 6] in [-1, 1] (two RGB frames); `flow` float32 [n, h, w, 2] in pixels, or of unscaled
    truth [n, H, W, 2] in pixels of a frame of that size."""

    images: tf.Tensor
    flow: tf.Tensor


# Functions of graph code alone; TensorFlow would translate them, which takes a second and leaves files behind.
plain = tf.autograph.experimental.do_not_convert


class BatchReader:
    """Reads a plan of samples, in order, as batches of at most `batch_size`, each cut into pieces of `micro_size`.

    `start(session, plan)` begins to read; `batch` holds the tensors of the next piece each time they are fetched.
    Samples are crops of height x width, or with `whole` the frames scaled down to that, with their flow; with
    `unscaled_truth` that stays as it is, which takes frames of one size in a batch.
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
    ):
        self.dataset = dataset
        self.height, self.width = height, width
        self._one_size = whole and unscaled_truth
        framing = _cropped if not whole else _scaled_images if unscaled_truth else _scaled
        self._paths = tf.placeholder(tf.string, [None, 3])
        self._crops = tf.placeholder(tf.int64, [None, 2])

        @plain
        def decode(paths, crop):
            images, flow = _decode(paths, crop, height, width, framing)
            return images, flow if flow_clip is None else tf.clip_by_value(flow, -flow_clip, flow_clip)

        @plain
        def pieces(*batch):
            return tf.data.Dataset.from_tensor_slices(batch).batch(micro_size)

        samples = tf.data.Dataset.from_tensor_slices((self._paths, self._crops))
        batches = samples.map(decode, num_parallel_calls=threads).batch(batch_size)
        if micro_size and micro_size < batch_size:
            batches = batches.flat_map(pieces)
        self._iterator = tf.data.make_initializable_iterator(batches.prefetch(2))
        self.batch = Batch(*self._iterator.get_next())

    def start(self, session, plan: SamplePlan) -> None:
        paths = self.dataset.paths(plan.indices)
        session.run(self._iterator.initializer, {self._paths: paths, self._crops: plan.crops})

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

    def explain(self, plan: SamplePlan, error: Exception) -> EfnasError:
        """What went wrong while samples of `plan` were read or computed, as one sentence that names a broken file."""
        samples = [self.dataset.samples[index] for index in dict.fromkeys(plan.indices.tolist())]
        for sample in samples:
            finding = check_sample(sample, self.height, self.width)
            if finding:
                return EfnasError(f"Cannot read a sample: {finding}")
        finding = of_another_size(samples) if self._one_size else None
        if finding:
            return EfnasError(f"{finding} With data.geometry: whole the frames that are scored together have one size.")
        return EfnasError(f"TensorFlow failed on a batch of {self.dataset.source}: {str(error).splitlines()[0]}")


def micro_batch_sizes(samples: int, batch_size: int, micro_size: Optional[int]) -> list:
    """The pieces a batch of `samples` (at most `batch_size`) is read in."""
    if not micro_size or micro_size >= batch_size:
        return [samples]
    return [min(micro_size, samples - start) for start in range(0, samples, micro_size)]


def _decode(paths, crop, height: int, width: int, framing: Callable):
    first = tf.image.decode_png(tf.read_file(paths[0]), channels=3)
    second = tf.image.decode_png(tf.read_file(paths[1]), channels=3)
    flow = _decode_flo(tf.read_file(paths[2]), paths[2])
    size = tf.shape(first)[:2]
    sizes_agree = tf.reduce_all(
        [
            tf.reduce_all(tf.equal(size, tf.shape(second)[:2])),
            tf.reduce_all(tf.equal(size, tf.shape(flow)[:2])),
            tf.reduce_all(size >= [height, width]),
        ]
    )
    with tf.control_dependencies([tf.Assert(sizes_agree, ["sizes differ or are too small", paths])]):
        room = tf.cast(size, tf.int64) - [height, width]
        flow = tf.identity(flow)
    top_left = tf.cast(tf.where(crop < 0, room // 2, crop % (room + 1)), tf.int32)
    images, flow = framing([first, second], flow, top_left, height, width)
    return tf.cast(images, tf.float32) / 127.5 - 1.0, flow


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
    with check(tf.reduce_all(tf.abs(values) < UNKNOWN), "flow is not finite, or not known"):
        return tf.reshape(values, [side[1], side[0], 2])
