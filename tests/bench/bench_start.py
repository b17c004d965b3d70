"""Where the time goes until the first step of the quickstart has run: each part in seconds, median of some processes."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 5
PARTS = ("importing TensorFlow", "checking the plan", "input pipeline", "weights", "fair step", "first values",
         "first step")  # fmt: skip


def measure(data: str) -> list:
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")
    times = [time.perf_counter()]

    def done() -> None:
        times.append(time.perf_counter())

    from efnas.backend import open_session, tf

    done()
    from efnas.config_files import load_config
    from efnas.core.costs import supernet_variables
    from efnas.core.weights import Weights
    from efnas.data.batches import BatchReader
    from efnas.data.sampling_plan import training_plan
    from efnas.training.plan import prepare

    tf.logging.set_verbosity(tf.logging.ERROR)
    settings = ["data.dataset=flying_chairs2", "data.synthetic=null", f"data.base_path={data}"]
    plan = prepare(load_config(Path("configs/quickstart.yaml"), assignments=settings))
    config, train = plan.config, plan.config.train
    done()
    size = (config.data.input_height, config.data.input_width)
    reader = BatchReader(plan.sets.train, *size, train.batch_size, None, config.data.flow_clip, plan.device.threads)
    done()
    weights = Weights(supernet_variables(plan.supernet, config.network.base_width), config.runtime.seed)
    done()
    plan.step.connect(reader.batch, weights, gradients_as_convolutions=True)
    done()
    with open_session(plan.device) as session:
        session.run(tf.global_variables_initializer())
        done()
        reader.start(session, training_plan(1, len(plan.sets.train), 0, train.batch_size))
        plan.step.run(session, plan.step.draw(0), train.lr, [train.batch_size])
        done()
    return [after - before for before, after in zip(times, times[1:])]


def main() -> None:
    from efnas.data.synthesis import SceneStyle, write_dataset

    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "chairs"
        write_dataset(data, 8, 2, 1, SceneStyle(112, 144))
        words = [sys.executable, __file__, str(data)]
        runs = [json.loads(subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout) for _ in range(ROUNDS)]
    print(f"From the start of a training to the end of its first step (quickstart), median of {ROUNDS} processes")
    for part, seconds in zip(PARTS, zip(*runs)):
        print(f"  {part:<24} {statistics.median(seconds):5.2f} s")
    print(f"  all of it                {statistics.median(map(sum, runs)):5.2f} s")


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1]))) if len(sys.argv) > 1 else main()
