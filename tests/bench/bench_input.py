"""Input pipeline at real size: the share of a training that is spent waiting for data (FlyingChairs2 files, batch 4)."""

import os
import tempfile
import time
from pathlib import Path

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")

import tensorflow.compat.v1 as tf  # noqa: E402

from efnas.config import Config, Train  # noqa: E402
from efnas.core.costs import supernet_variables  # noqa: E402
from efnas.core.supernet import EDGEFLOW  # noqa: E402
from efnas.core.weights import Weights  # noqa: E402
from efnas.data.batches import Batch, BatchReader  # noqa: E402
from efnas.data.flying_chairs import index_folder  # noqa: E402
from efnas.data.sampling_plan import training_plan  # noqa: E402
from efnas.data.synthesis import SceneStyle, write_dataset  # noqa: E402
from efnas.training.fair_step import FairStep  # noqa: E402

BATCH, STEPS = 4, 12


def main() -> None:
    tf.logging.set_verbosity(tf.logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        write_dataset(Path(folder) / "chairs", 24, 1, 1, SceneStyle())
        dataset = index_folder(Path(folder) / "chairs" / "train")
        reader = BatchReader(dataset, 180, 240, BATCH, flow_clip=50.0, threads=os.cpu_count())
        # The step reads its batch from variables; fetching the next one is a call of its own, whose time is the wait.
        held = Batch(*[tf.get_local_variable(str(n), t.shape[1:].as_list() and [BATCH] + t.shape[1:].as_list())
                       for n, t in enumerate(reader.batch)])  # fmt: skip
        fetch = tf.group(*[variable.assign(tensor) for variable, tensor in zip(held, reader.batch)])
        step = FairStep(EDGEFLOW, Config(train=Train(batch_size=BATCH)))
        weights = Weights(supernet_variables(EDGEFLOW, 32))
        step.connect(Batch(*[tf.identity(variable) for variable in held]), weights, gradients_as_convolutions=True)
        plan = training_plan(1, len(dataset), 0, (STEPS + 2) * BATCH)
        with tf.Session() as session:
            session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
            reader.start(session, plan)
            waiting = stepping = 0.0
            for number in range(STEPS + 2):
                began = time.perf_counter()
                session.run(fetch)
                fetched = time.perf_counter()
                step.run(session, step.draw(number), 1e-4, [BATCH])
                if number >= 2:  # the first calls build executors
                    waiting += fetched - began
                    stepping += time.perf_counter() - fetched
    print(f"Input pipeline, 384x512 PNG and .flo files, crops of 180x240, batch {BATCH}, {STEPS} steps")
    print(f"  step {stepping / STEPS:.2f} s, waiting for data {1000 * waiting / STEPS:.1f} ms a step: "
          f"{waiting / (waiting + stepping):.2%} of the time (goal < 2 %)")  # fmt: skip


if __name__ == "__main__":
    main()
