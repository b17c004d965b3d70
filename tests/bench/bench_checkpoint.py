"""A checkpoint of the quickstart against the steps of one of its epochs, in turns: what saving takes of a training."""

import os
import tempfile
from pathlib import Path

from turns import in_turns, interval, ratio

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")

from efnas.backend import open_session, select_device, tf  # noqa: E402
from efnas.config_files import load_config  # noqa: E402
from efnas.core.costs import supernet_variables  # noqa: E402
from efnas.core.supernet import EDGEFLOW  # noqa: E402
from efnas.core.weights import Weights  # noqa: E402
from efnas.data.batches import Batch  # noqa: E402
from efnas.runs.checkpoints import Checkpointer  # noqa: E402
from efnas.training.fair_step import FairStep  # noqa: E402

QUICKSTART = Path(__file__).parents[2] / "configs" / "quickstart.yaml"
STEPS, EPOCH, ROUNDS = 5, 50, 10


def main() -> None:
    tf.logging.set_verbosity(tf.logging.ERROR)
    config = load_config(QUICKSTART)
    data, batch = config.data, config.train.batch_size
    size = [batch, data.input_height, data.input_width]
    weights = Weights(supernet_variables(EDGEFLOW, config.network.base_width))
    step = FairStep(EDGEFLOW, config)
    drawn = [tf.random.stateless_normal([*size, channels], [channels, 1]) for channels in (6, 2)]
    step.connect(Batch(*drawn), weights, gradients_as_convolutions=True)
    checkpointer = Checkpointer([*weights.saved, *step.optimiser_state])
    with tempfile.TemporaryDirectory() as folder, open_session(select_device(-1, 0)) as session:
        session.run(tf.global_variables_initializer())

        def steps() -> None:
            for number in range(STEPS):
                step.run(session, step.draw(number), 1e-4, [batch])

        cases = {"steps": steps, "save": lambda: checkpointer.save(session, Path(folder) / "last", {"epoch": 1})}
        seconds = in_turns(cases, ROUNDS)
        megabytes = sum(file.stat().st_size for file in Path(folder).iterdir()) / 1e6
    share = ratio(seconds["save"], [each * EPOCH / STEPS for each in seconds["steps"]])
    print(f"A checkpoint of the quickstart, {megabytes:.0f} MB (in turns, {ROUNDS} rounds)")
    print(f"  step {interval(seconds['steps']).median / STEPS:.2f} s, save {interval(seconds['save']).median:.3f} s; "
          f"save / an epoch of {EPOCH} steps: {share}  (goal <= 0.02)")  # fmt: skip


if __name__ == "__main__":
    main()
