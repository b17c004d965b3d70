"""Real size, batch 4: the lanes step against three stand-alone subnets one after the other, and the gradients' share.

Each graph runs in a process of its own, in turns, so that a change of the machine's speed meets all of them.
"""

import json
import os
import resource
import subprocess
import sys
import time

HEIGHT, WIDTH, BATCH, ROUNDS, STEPS = 180, 240, 4, 3, 4


def measure(kind: str, as_convolutions: bool) -> dict:
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")
    import tensorflow.compat.v1 as tf

    from efnas.core.costs import supernet_variables
    from efnas.core.layers import Layers
    from efnas.core.routing import Fixed, Lanes
    from efnas.core.sampler import fair_cycle
    from efnas.core.space import ArchCode
    from efnas.core.supernet import EDGEFLOW
    from efnas.core.weights import Weights
    from efnas.training.loss import multiscale_loss

    tf.logging.set_verbosity(tf.logging.ERROR)
    images = tf.random.stateless_normal([BATCH, HEIGHT, WIDTH, 6], [1, 2])
    truth = tf.random.stateless_normal([BATCH, HEIGHT, WIDTH, 2], [3, 4])
    # A single cycle for both, so that both compute the same three subnets.
    space = EDGEFLOW.space
    cycle = fair_cycle(space, 1, 0)
    codes = tf.placeholder(tf.int32, [3, 9])
    walks = [Lanes(space, codes)] if kind == "lanes" else [Fixed(space, ArchCode(code)) for code in cycle]
    weights = Weights(supernet_variables(EDGEFLOW, 32))
    trains = []
    for walk in walks:
        layers = Layers(weights, gradients_as_convolutions=as_convolutions)
        lanes = EDGEFLOW.network(layers, walk, images, 32)
        loss = tf.add_n([multiscale_loss(EDGEFLOW.heads, maps, truth) for maps in lanes]) / len(lanes)
        variables = list(layers.used.values())
        gradients, _ = tf.clip_by_global_norm(tf.gradients(loss, variables), 5.0)
        trains.append(tf.train.AdamOptimizer(1e-4).apply_gradients(zip(gradients, variables)))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        seconds = []
        for _ in range(STEPS + 1):
            began = time.perf_counter()
            for train in trains:
                session.run(train, {codes: cycle})
            seconds.append(time.perf_counter() - began)
    return {"seconds": min(seconds[1:]), "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def main() -> None:
    cases = {"lanes": ("lanes", True), "three stand-alone subnets": ("fixed", True),
             "lanes, TensorFlow's own gradients": ("lanes", False)}  # fmt: skip
    found = {name: [] for name in cases}
    for number in range(ROUNDS):
        for name, (kind, as_convolutions) in cases.items():
            if number and not as_convolutions:
                continue  # slow, and a ratio of two is plain from one round
            call = [sys.executable, __file__, kind, str(int(as_convolutions))]
            found[name].append(json.loads(subprocess.run(call, stdout=subprocess.PIPE, check=True).stdout))
    best = {name: min(result["seconds"] for result in results) for name, results in found.items()}
    print(f"A training step at {HEIGHT}x{WIDTH}, batch {BATCH} (fastest of {ROUNDS} processes x {STEPS} steps)")
    for name, seconds in best.items():
        peak = max(result["peak_mb"] for result in found[name])
        print(f"  {name:<36} {seconds:6.2f} s   peak memory {peak:,.0f} MB")
    print(
        f"  lanes / three stand-alone subnets:   {best['lanes'] / best['three stand-alone subnets']:.3f}  (goal <= 0.95)"
    )
    print(
        f"  lanes / with TensorFlow's gradients: {best['lanes'] / best['lanes, TensorFlow' + chr(39) + 's own gradients']:.3f}"
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1], bool(int(sys.argv[2])))))
    else:
        main()
