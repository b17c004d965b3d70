"""The training step of one setting, timed in a process of its own: `benchmark` asks, a line of JSON each way."""

import json
import os
import resource
import subprocess
import sys
import time
from typing import List, Optional

import tensorflow.compat.v1 as tf

from efnas.backend import Device, open_session
from efnas.config import Config
from efnas.config_files import load_config
from efnas.core.costs import supernet_variables
from efnas.core.variables import first_values
from efnas.core.weights import Weights
from efnas.data.batches import Batch, BatchReader, micro_batch_sizes
from efnas.data.sampling_plan import training_plan
from efnas.errors import EfnasError, reason_of
from efnas.training.plan import Plan, prepare

WARM_UP = 3  # steps; the first ones build executors, compile, and find the scale of a mixed loss


def serve() -> None:
    """First the setting comes in, and what computes it goes out; then each number of steps, and their times.

    What goes wrong goes out as `error`, and is the end.
    """
    # What libraries print is no answer.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)

    def answer(content: dict) -> None:
        answers.write(json.dumps(content) + "\n")
        answers.flush()

    told = {}
    try:
        config = load_config(base=json.loads(sys.stdin.readline()))
        plan = prepare(config, write=False)
        told = {"device": plan.device.name, "gpu": plan.device.gpu, "own_gradients": plan.own_gradients,
                "packed": plan.sets.train.packed}  # fmt: skip
        with open_session(plan.device, config.train.xla) as session:
            timed = _Timed(plan, config, session)
            timed.seconds(WARM_UP, from_data=False)
            timed.seconds(1, from_data=True)
            answer({**told, "peak_mb": peak_mb(plan.device)})
            for line in sys.stdin:
                seconds = {name: timed.seconds(int(line), name == "data") for name in ("memory", "data")}
                answer({"seconds": seconds, "peak_mb": peak_mb(plan.device)})
    except tf.errors.ResourceExhaustedError:
        answer({**told, "error": "out of memory"})
    except (tf.errors.OpError, EfnasError, ValueError) as error:
        answer({**told, "error": reason_of(error)})


class _Timed:
    """A step whose batches come from the data set, or are one that is held in memory."""

    def __init__(self, plan: Plan, config: Config, session: tf.Session):
        data, train, width = config.data, config.train, config.network.base_width
        self._plan, self._session, self._config, self._number = plan, session, config, 0
        self._pieces = micro_batch_sizes(train.batch_size, train.batch_size, train.micro_batch_size)
        self._reader = BatchReader(
            plan.sets.train, data.input_height, data.input_width, train.batch_size, train.micro_batch_size,
            data.flow_clip, plan.device.threads, data.whole, augmentation=data.augmentation,
        )  # fmt: skip
        # Not by feeding the batch: what only looks at its shape would read the next one all the same.
        self._handle, iterator = tf.placeholder(tf.string, []), self._reader.iterator
        types, shapes = tf.data.get_output_types(iterator), tf.data.get_output_shapes(iterator)
        batch = Batch(*tf.data.Iterator.from_string_handle(self._handle, types, shapes).get_next())
        values = tuple(tf.placeholder(*each) for each in zip(types, shapes))
        held = tf.data.make_initializable_iterator(tf.data.Dataset.from_tensors(values).repeat())
        variables = first_values(supernet_variables(plan.supernet, width), train.first_values)
        plan.connect(batch, Weights(variables, config.runtime.seed))
        session.run(tf.global_variables_initializer())
        self._handles = dict(zip(("data", "memory"), session.run([iterator.string_handle(), held.string_handle()])))
        self._start(1)
        session.run(held.initializer, dict(zip(values, session.run(tuple(self._reader.batch)))))

    def seconds(self, steps: int, from_data: bool) -> List[float]:
        """Of each step, at a learning rate of zero."""
        found = []
        session = _Feeding(self._session, {self._handle: self._handles["data" if from_data else "memory"]})
        if from_data:
            self._start(steps + 1)
            self._step(session)  # the first one waits for a pipeline that is empty
        for _ in range(steps):
            began = time.perf_counter()
            self._step(session)
            found.append(time.perf_counter() - began)
        return found

    def _step(self, session) -> None:
        step = self._plan.step
        step.run(session, step.draw(self._number), 0.0, self._pieces)
        self._number += 1

    def _start(self, steps: int) -> None:
        config, train, size = self._config, self._config.train, len(self._plan.sets.train)
        begin = self._number * train.batch_size
        count = steps * train.batch_size
        plan = training_plan(config.runtime.seed, size, begin, count, augmentation=config.data.augmentation)
        self._reader.start(self._session, plan)


class _Feeding:
    """A session that is given the same values at every call."""

    def __init__(self, session: tf.Session, values: dict):
        self._session, self._values = session, values

    def run(self, fetches, feed_dict=None):
        return self._session.run(fetches, {**(feed_dict or {}), **self._values})


def peak_mb(device: Device) -> Optional[float]:
    """The most memory that this process has had: of the GPU, where it computes on one, as far as anybody says."""
    if not device.gpu:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    try:
        return tf.config.experimental.get_memory_info("GPU:0")["peak"] / 2**20
    except (AttributeError, ValueError):  # of TensorFlow 1.15
        return _driver_mb()


def _driver_mb() -> Optional[float]:
    """What the driver has given to this process. TensorFlow gives nothing back."""
    words = ["nvidia-smi", "--query-compute-apps=pid,used_memory", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=20)
        rows = [line.split(",") for line in done.stdout.splitlines()]
        return max((float(used) for pid, used in rows if int(pid) == os.getpid()), default=None)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
