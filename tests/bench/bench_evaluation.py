"""The evaluation of a pool, as a training does it again and again, against the bare forward passes of its subnets.

The quickstart's network, 12 subnets. A bare pass is a graph of one subnet with batch norms in inference mode, on batches
that are there already, one subnet after the other, for as many batches as recalibration and validation have; the
evaluation reads its batches from files. In turns, in one process.
"""

import os
import tempfile
from itertools import cycle, islice
from pathlib import Path

from turns import in_turns, interval, ratio

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")

from efnas.backend import open_session, select_device, tf  # noqa: E402
from efnas.config_files import load_config  # noqa: E402
from efnas.core.costs import supernet_variables  # noqa: E402
from efnas.core.geometry import FLOW_CHANNELS, endpoint_error, valid_part  # noqa: E402
from efnas.core.layers import Layers  # noqa: E402
from efnas.core.routing import Fixed  # noqa: E402
from efnas.core.sampler import evaluation_pool  # noqa: E402
from efnas.core.supernet import EDGEFLOW  # noqa: E402
from efnas.core.weights import Weights  # noqa: E402
from efnas.data.sources import open_datasets  # noqa: E402
from efnas.evaluation.subnets import PoolEvaluation, evaluate, result_of  # noqa: E402

QUICKSTART = Path(__file__).parents[2] / "configs" / "quickstart.yaml"
RECALIBRATION, ROUNDS, ROUNDS_ALONE = 32, 5, 1
POOL, BARE, ALONE = "evaluation of the pool", "bare passes", "evaluation, subnet by subnet"


def main() -> None:
    tf.logging.set_verbosity(tf.logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        settings = [f"data.base_path={folder}/pairs", f"eval.bn_recal_batches={RECALIBRATION}"]
        config = load_config(QUICKSTART, assignments=settings)
        sets = open_datasets(config.data)  # writes them
        data, width = config.data, config.network.base_width
        device, space = select_device(-1, 0), EDGEFLOW.space
        pool = evaluation_pool(space, config.runtime.seed, 12)
        weights = Weights(supernet_variables(EDGEFLOW, width))
        evaluation = PoolEvaluation(EDGEFLOW, weights, config, sets, device.threads)
        images = tf.placeholder(tf.float32, [None, data.input_height, data.input_width, 6])
        truth = tf.placeholder(tf.float32, [None, data.input_height, data.input_width, FLOW_CHANNELS])
        passes = []
        for arch in pool:
            (maps,) = EDGEFLOW.network(Layers(weights, weights.moving), Fixed(space, arch), images, width)
            flow = valid_part(maps.accumulated[-1], data.input_height, data.input_width)[..., :FLOW_CHANNELS]
            passes.append(tf.reduce_mean(endpoint_error(flow, truth), axis=[1, 2]))
        with open_session(device) as session:
            session.run(tf.global_variables_initializer())
            plan = evaluation.validation_plan()
            there = list(evaluation.validation_batches(session, plan))
            batches = list(islice(cycle(there), evaluation.batches()))

            def bare() -> None:
                for pair in batches:
                    for error in passes:
                        session.run(error, dict(zip((images, truth), pair)))

            def alone() -> None:
                recalibration = evaluation.recalibration_batches(session)
                validation = evaluation.validation_batches(session, plan)
                result_of(evaluate(evaluation.evaluator, session, pool, recalibration, validation))

            cases = {POOL: lambda: result_of(evaluation.errors(session, pool)), BARE: bare}
            seconds = in_turns(cases, ROUNDS)
            before = in_turns({ALONE: alone, BARE: bare}, ROUNDS_ALONE)
    print(f"The error of a pool of {len(pool)}: quickstart, {RECALIBRATION} recalibration and {len(there)} validation "
          f"batches of {config.train.batch_size} (in turns, {ROUNDS} rounds)")  # fmt: skip
    for name, values in {**before, **seconds}.items():
        print(f"  {name:<30} {interval(values).median:6.2f} s")
    print(f"  of the pool / bare passes:      {ratio(seconds[POOL], seconds[BARE])}  (goal <= 0.6)")
    print(f"  subnet by subnet / bare passes: {ratio(before[ALONE], before[BARE])}")


if __name__ == "__main__":
    main()
