"""What two ranks do in `test_ranks`, in one launch: horovodrun starts it, each rank writes down what it found."""

import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from conftest import use_plain_graphs  # noqa: E402
from small_supernet import SMALL, run_of_small  # noqa: E402

from efnas.config import Config, Network, Train  # noqa: E402
from efnas.config_files import load_config  # noqa: E402
from efnas.core import supernet  # noqa: E402
from efnas.core.costs import supernet_variables  # noqa: E402
from efnas.core.layers import Layers  # noqa: E402
from efnas.core.variables import first_values  # noqa: E402
from efnas.core.weights import Weights  # noqa: E402
from efnas.data.batches import Batch  # noqa: E402
from efnas.errors import EfnasError  # noqa: E402
from efnas.evaluation.ranking import rank_subnets  # noqa: E402
from efnas.ranks import ALONE, join  # noqa: E402
from efnas.runs.resume import Resume  # noqa: E402
from efnas.search import compute  # noqa: E402
from efnas.search.compute import compute_errors  # noqa: E402
from efnas.search.pass_engines import among  # noqa: E402
from efnas.training import fair_step, mixed  # noqa: E402
from efnas.training.events import Evaluating, Stepped  # noqa: E402
from efnas.training.loop import run_training  # noqa: E402
from efnas.training.plan import prepare  # noqa: E402
from efnas.training.stopping import StopRequest  # noqa: E402

SAMPLES = 5


def settings(chairs, root, *more):
    return run_of_small(chairs, root, "data.input_height=32", "data.input_width=48", "train.num_epochs=2",
                        "train.lr=0.002", "eval.bn_recal_batches=2", *more)  # fmt: skip


def gradient(ranks, samples):
    """The gradient of a fair step on some samples, as Adam's first mean holds a tenth of it, and the loss; batch norms
    infer, so that no sample matters to another."""
    import tensorflow.compat.v1 as tf

    rng = np.random.RandomState(2)
    images = rng.uniform(-1, 1, (SAMPLES, 32, 48, 6)).astype("f")[samples]
    flow = rng.randn(SAMPLES, 32, 48, 2).astype("f")[samples]
    part = ranks.part(0, len(images))
    with tf.Graph().as_default(), tf.Session() as session:
        train = Train(batch_size=SAMPLES, grad_clip_global_norm=0.0, weight_decay=0.01)
        weights = Weights(first_values(supernet_variables(SMALL, 4), "independent"), 3)
        step = fair_step.FairStep(SMALL, Config(network=Network(base_width=4), train=train), ranks)
        step.connect(Batch(tf.constant(images[part.where]), tf.constant(flow[part.where])), weights, True)
        session.run(tf.global_variables_initializer())
        result = step.run(session, step.draw(0), 0.001, [part.samples], part.share)
        means = session.run([mean for mean, _ in step.update.adam.slots])
    return np.concatenate([each.ravel() for each in means]), result


def gradients(ranks):
    mixed.Layers = lambda weights, **how: Layers(weights, weights.moving, **how)
    whole, of_whole = gradient(ALONE, slice(SAMPLES))
    shared, of_shared = gradient(ranks, slice(SAMPLES))
    own, _ = gradient(ALONE, ranks.part(0, SAMPLES).where)
    mixed.Layers = Layers
    apart = [float(np.abs(each - whole).max() / np.abs(whole).max()) for each in (shared, own)]
    return {"apart": apart, "losses": [of_whole.loss, of_shared.loss]}


def train(ranks, config, resume=None, wanted=lambda: None, watch=lambda event: None):
    plan = ranks.after_first(lambda: prepare(config, resume, ranks=ranks))
    for event in run_training(plan, False, resume, wanted):
        watch(event)
    return event


def stopped(ranks, config, resume, when):
    """Train until rank 1, and it alone, is sent a signal."""
    with StopRequest() as request:

        def watch(event):
            if ranks.rank == 1 and when(event) and request.number is None:
                os.kill(os.getpid(), signal.SIGTERM)
                while request.number is None:
                    time.sleep(0.001)

        return train(ranks, config, resume, request.wanted, watch)


def opened_within(*size):
    return [block.name for block in SMALL.space.blocks[-3:]]


def measured(config, out, ranks=ALONE):
    """The ranking of some subnets; the errors of all are written, in four passes where the last blocks are opened."""
    archs = [SMALL.space.baseline, *map(SMALL.space.at, range(6))]
    ranking = rank_subnets(config, "last", archs, ranks=ranks)
    compute_errors(config, "last", out / "errors", engine=among(ranks), ranks=ranks)
    return ranking and ranking.as_dict["ranking"]


def refused(work):
    try:
        work()
    except EfnasError as error:
        return [str(error), error.exit_code]


def main(chairs, out):
    use_plain_graphs()
    supernet.SUPERNETS[SMALL.name] = SMALL
    ranks = join()
    found = {"gradient": gradients(ranks)}
    # Each rank is given a folder of its own, and only the first makes it.
    own = load_config(assignments=settings(chairs, out / f"straight{ranks.rank}"))
    found["straight"] = train(ranks, own).steps

    config = load_config(assignments=settings(chairs, out / "stopped"))
    first = stopped(ranks, config, None, lambda event: isinstance(event, Stepped) and event.step == 2)
    if ranks.first:
        shutil.copytree(out / "stopped", out / "left")
    second = stopped(ranks, config, Resume(), lambda event: isinstance(event, Evaluating) and event.epoch == 2)
    found["stops"] = [(type(each).__name__, each.number, each.step) for each in (first, second)]
    found["end"] = type(train(ranks, config, Resume())).__name__

    compute.opened_within = opened_within
    found["ranking"] = measured(config, out, ranks)

    other = config.changed("runtime", seed=ranks.rank, experiment_name="other")
    found["another run"] = refused(lambda: train(ranks, other))

    def on_one():
        with ranks.together():
            if ranks.rank == 1:
                raise EfnasError("It is not here.")

    found["on one"] = refused(on_one)
    (out / f"found{ranks.rank}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
