"""Where the time goes until the first step of the quickstart has run: each part in seconds, median of some processes."""

import json
import os
import statistics
import subprocess
import sys
import time

ROUNDS = 5
PARTS = ("importing TensorFlow", "weights and fair step", "initial values", "first step", "second step")


def measure() -> list:
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")
    times = [time.perf_counter()]

    def done() -> None:
        times.append(time.perf_counter())

    from efnas.backend import open_session, select_device, tf

    done()
    import numpy as np

    from efnas.config_files import load_config
    from efnas.core.costs import supernet_variables
    from efnas.core.supernet import EDGEFLOW
    from efnas.core.weights import Weights
    from efnas.data.batches import Batch
    from efnas.training.fair_step import FairStep

    tf.logging.set_verbosity(tf.logging.ERROR)
    config = load_config("configs/quickstart.yaml")
    size, width = (config.data.input_height, config.data.input_width), config.network.base_width
    batch = Batch(tf.placeholder(tf.float32, [None, *size, 6]), tf.placeholder(tf.float32, [None, *size, 2]))
    weights, step = Weights(supernet_variables(EDGEFLOW, width), 42), FairStep(EDGEFLOW, config)
    step.connect(batch, weights, gradients_as_convolutions=True)
    done()
    draw = np.random.RandomState(0)
    feed = {batch.images: draw.uniform(-1, 1, (8, *size, 6)), batch.flow: draw.randn(8, *size, 2)}
    with open_session(select_device(-1, 0)) as session:
        session.run(tf.global_variables_initializer())
        done()
        for number in range(2):
            fed = {**feed, step.codes: step.draw(number), step.update.rate: 1e-3, step.update.share: 1.0}
            session.run(step.update._apply, fed)
            done()
    return [after - before for before, after in zip(times, times[1:])]


def main() -> None:
    runs = [json.loads(subprocess.run([sys.executable, __file__, "one"], stdout=subprocess.PIPE, check=True).stdout)
            for _ in range(ROUNDS)]  # fmt: skip
    print(f"From the start of efnas train to its first step (quickstart), median of {ROUNDS} processes")
    for part, seconds in zip(PARTS, zip(*runs)):
        print(f"  {part:<24} {statistics.median(seconds):5.2f} s")
    print(f"  until the first step     {statistics.median(sum(run[:-1]) for run in runs):5.2f} s")


if __name__ == "__main__":
    print(json.dumps(measure())) if len(sys.argv) > 1 else main()
