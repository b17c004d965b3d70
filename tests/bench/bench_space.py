"""The errors of all subnets in passes of 729 against one by one, with the same weights, batches and recalibration.

Each size runs in a process of its own; both ways run there in turns. The weights are drawn, which costs the same.
"""

import json
import os
import resource
import subprocess
import sys
import time

import numpy as np

# Height, width, base width, pairs a batch, batches of recalibration and of validation, and bundles to measure.
SIZES = {"quickstart": (96, 128, 16, 8, 8, 4, 3), "real": (180, 240, 32, 4, 4, 4, 3)}
ONE_BY_ONE = 30
# What the projection is for: recalibration and validation pairs.
WHOLE = (1024, 640)


def measure(height, width, base_width, batch, recal, val, bundle_count) -> dict:
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")
    import tensorflow.compat.v1 as tf

    from efnas.backend import open_session, select_device
    from efnas.core.costs import supernet_variables
    from efnas.core.supernet import EDGEFLOW
    from efnas.core.weights import Weights
    from efnas.evaluation.opened import opened_blocks
    from efnas.evaluation.space_errors import SpaceEvaluator, bundles
    from efnas.evaluation.subnets import SubnetEvaluator, evaluate, result_of

    tf.logging.set_verbosity(tf.logging.ERROR)
    space, rng = EDGEFLOW.space, np.random.RandomState(0)
    weights = Weights(supernet_variables(EDGEFLOW, base_width))
    opened = opened_blocks(space)
    together = SpaceEvaluator(EDGEFLOW, weights, height, width, base_width, opened)
    alone = SubnetEvaluator(EDGEFLOW, weights, height, width, base_width)
    batches = [(rng.uniform(-1, 1, (batch, height, width, 6)).astype("f"),
                rng.normal(size=(batch, height, width, 2)).astype("f")) for _ in range(recal + val)]  # fmt: skip
    seconds = {"recalibration": 0.0, "validation": 0.0, "alone": 0.0}

    def add(name, began):
        seconds[name] += time.perf_counter() - began

    with open_session(select_device(-1, 0)) as session:
        session.run(tf.global_variables_initializer())
        for variable in weights.trained.values():
            variable.load(rng.normal(0.5, 0.1, variable.shape.as_list()).astype("f"), session)
        every = bundles(space, opened)
        chosen = [every[place] for place in rng.choice(len(every), bundle_count + 1, replace=False)]
        apart, subnets = ONE_BY_ONE // bundle_count, 0
        largest = 0.0
        for number, bundle in enumerate(chosen):  # the first of both is not counted: it prepares the graph
            if number == 1:
                seconds, subnets = dict.fromkeys(seconds, 0.0), 0
            began = time.perf_counter()
            statistics = together.recalibrate(session, bundle, [images for images, _ in batches[:recal]])
            add("recalibration", began)
            began = time.perf_counter()
            errors = np.concatenate(list(together.errors(session, bundle, statistics, batches[recal:])), axis=1)
            add("validation", began)
            places = rng.choice(bundle.count, apart if number else 1, replace=False)
            archs = [space.at(bundle.first + int(place)) for place in places]
            began = time.perf_counter()
            found = result_of(evaluate(alone, session, archs, batches[:recal], batches[recal:]))
            add("alone", began)
            subnets += len(archs)
            largest = max(
                [largest, *(abs(errors[place].mean() / found.epe[arch] - 1) for place, arch in zip(places, archs))]
            )
    return {**seconds, "bundles": bundle_count, "of": len(every), "subnets": subnets, "largest": largest, "recal": recal * batch,
            "val": val * batch, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}  # fmt: skip


def main() -> None:
    for name, size in SIZES.items():
        words = [sys.executable, __file__, name]
        found = json.loads(subprocess.run(words, stdout=subprocess.PIPE, check=True, text=True).stdout)
        bundle = (found["recalibration"] + found["validation"]) / found["bundles"]
        alone, each = found["alone"] / found["subnets"], 19_683 // found["of"]
        print(
            f"The error of all 19,683 subnets: {name}, {size[0]}x{size[1]}, width {size[2]}, {found['recal']} recalibration "
            f"and {found['val']} validation pairs"
        )
        print(
            f"  a pass of {each} subnets  {bundle:6.2f} s, all {found['of'] * bundle / 60:8.1f} min; peak memory {found['peak_mb']:,.0f} MB"
        )
        print(f"  one by one             {alone:6.2f} s, all {19_683 * alone / 3600:8.1f} h")
        print(
            f"  one by one / in passes: {each * alone / bundle:.0f} (goal >= 60); largest relative difference {found['largest']:.1e}"
        )
        recal, val = (
            found[kind] / found["bundles"] / found[pairs]
            for kind, pairs in (("recalibration", "recal"), ("validation", "val"))
        )
        hours = found["of"] * (recal * WHOLE[0] + val * WHOLE[1]) / 3600
        print(f"  with {WHOLE[0]:,} recalibration and {WHOLE[1]} validation pairs: {hours:.1f} h")


if __name__ == "__main__":
    print(json.dumps(measure(*SIZES[sys.argv[1]]))) if len(sys.argv) > 1 else main()
