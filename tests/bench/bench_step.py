"""Real size, batch 4: the lanes step against three stand-alone subnets one after the other, what the faster gradients
and the small maps save, and where the time of a step goes, against what the machine multiplies at most.

All graphs stand in one process and take their steps in turns; memory and the time to the first step are those of
processes of their own.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections import Counter

from turns import in_turns, interval, ratio

HEIGHT, WIDTH, BATCH, BASE_WIDTH = 180, 240, 4, 32
LANES, ALONE, OTHER = "lanes", "three stand-alone subnets", "lanes, the slower gradients"
UPSAMPLED = "lanes, maps upsampled first"
STAGES = ("E0", "E1", "EB0", "Down1", "EB1", "Down2", "DB0", "Up1", "DB1", "Up2", "H0Out", "H1", "H1Out", "H2", "H2Out")
MULTIPLY = 2048


def quiet() -> None:
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")
    from efnas.backend import tf

    tf.logging.set_verbosity(tf.logging.ERROR)


def build(kind: str, own: bool, weights, images, truth, codes, cycle) -> list:
    """The training operators of a round of one kind: one, or one a subnet. The faster gradients are efnas' `own`."""
    import tensorflow.compat.v1 as tf

    from efnas.core.layers import Layers
    from efnas.core.routing import Fixed, Lanes
    from efnas.core.space import ArchCode
    from efnas.core.supernet import EDGEFLOW
    from efnas.training.loss import multiscale_loss

    space = EDGEFLOW.space
    walks = [Fixed(space, ArchCode(code)) for code in cycle] if kind == ALONE else [Lanes(space, codes)]
    trains = []
    for walk in walks:
        layers = Layers(weights, gradients_as_convolutions=(kind == OTHER) != own, small_maps=kind != UPSAMPLED)
        lanes = EDGEFLOW.network(layers, walk, images, BASE_WIDTH)
        with tf.name_scope("loss"):
            loss = tf.add_n([multiscale_loss(EDGEFLOW.heads, maps, truth) for maps in lanes]) / len(lanes)
        variables = list(layers.used.values())
        with tf.name_scope("gradients_of"):
            gradients = tf.gradients(loss, variables, name="gradients")
        with tf.name_scope("optimiser"):
            gradients, _ = tf.clip_by_global_norm(gradients, 5.0)
            with tf.variable_scope(None, default_name="own"):
                trains.append(tf.train.AdamOptimizer(1e-4).apply_gradients(zip(gradients, variables)))
    return trains


class Steps:
    """Graphs over the same weights and batch, in one session. One cycle for all: they compute the same subnets."""

    def __init__(self, kinds, own: bool):
        quiet()
        import tensorflow.compat.v1 as tf

        from efnas.backend import open_session, select_device
        from efnas.core.costs import supernet_variables
        from efnas.core.sampler import fair_cycle
        from efnas.core.supernet import EDGEFLOW
        from efnas.core.weights import Weights

        images = tf.random.stateless_normal([BATCH, HEIGHT, WIDTH, 6], [1, 2])
        truth = tf.random.stateless_normal([BATCH, HEIGHT, WIDTH, 2], [3, 4])
        self.cycle = fair_cycle(EDGEFLOW.space, 1, 0)
        self.codes = tf.placeholder(tf.int32, [3, 9])
        weights = Weights(supernet_variables(EDGEFLOW, BASE_WIDTH))
        self.trains = {kind: build(kind, own, weights, images, truth, self.codes, self.cycle) for kind in kinds}
        self.session = open_session(select_device(-1, 0))
        self.session.run(tf.global_variables_initializer())

    def run(self, kind: str, **how) -> None:
        for train in self.trains[kind]:
            self.session.run(train, {self.codes: self.cycle}, **how)


def own_are_faster() -> bool:
    """Which gradients a training takes here."""
    quiet()
    from efnas.backend import select_device
    from efnas.cache import Cache
    from efnas.training.gradients import as_convolutions

    return as_convolutions("auto", select_device(-1, 0), Cache(None))


def alone(kind: str, own: bool) -> dict:
    """Of a process that does nothing else: seconds to the end of its first step, and memory."""
    began = time.perf_counter()
    Steps([kind], own).run(kind)
    first = time.perf_counter() - began
    return {"first": first, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def stage_of(name: str, kind: str) -> str:
    if kind.startswith("FusedBatchNorm"):
        return "batch norm"
    if name.startswith(("optimiser", "beta", "Adam")):
        return "optimiser, clip"
    inside = name.split("/gradients/")[-1]
    stage = inside.split("/")[0]
    if stage in STAGES:
        return stage
    return "loss" if inside.startswith("loss") else "other"


def shares(steps: Steps) -> Counter:
    """Processor seconds of a step's operators, by where they stand, over three steps."""
    import tensorflow.compat.v1 as tf

    kinds = {op.name: op.type for op in tf.get_default_graph().get_operations()}
    found: Counter = Counter()
    for _ in range(3):
        told = tf.RunMetadata()
        steps.run(LANES, options=tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE), run_metadata=told)
        for device in told.step_stats.dev_stats:
            for node in device.node_stats:
                name = node.node_name.split(":")[0]
                found[stage_of(name, kinds.get(name, ""))] += (node.op_end_rel_micros - node.op_start_rel_micros) / 3e6
    return found


def multiplied_a_second() -> float:
    """The most multiply-accumulates a second of one matrix product, as this TensorFlow does it."""
    import tensorflow.compat.v1 as tf

    with tf.Graph().as_default():
        from efnas.backend import open_session, select_device

        square = tf.Variable(tf.ones([MULTIPLY, MULTIPLY]))
        product = tf.linalg.matmul(square, square).op
        with open_session(select_device(-1, 0)) as session:
            session.run(tf.global_variables_initializer())
            return MULTIPLY**3 / min(in_turns({"product": lambda: session.run(product)}, 8)["product"])


def macs_of_a_step(cycle) -> float:
    """Forward, and twice that for the two gradients; the stem, which the lanes share, once."""
    from efnas.core.costs import subnet_costs
    from efnas.core.space import ArchCode
    from efnas.core.supernet import EDGEFLOW

    costs = [subnet_costs(EDGEFLOW, ArchCode(code), HEIGHT, WIDTH, BASE_WIDTH) for code in cycle]
    stem = sum(costs[0].by_stage()[stage].macs for stage in ("E0", "E1"))
    return 3 * BATCH * (sum(cost.total.macs for cost in costs) - 2 * stem)


def answer(*words: str):
    """Of a process of its own."""
    done = subprocess.run([sys.executable, __file__, *words], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def main() -> None:
    # First: a process counts the memory of the one that it was forked from as its own peak.
    own = answer("gradients")
    alone_of = {kind: answer(kind, json.dumps(own)) for kind in (LANES, ALONE, UPSAMPLED, OTHER)}
    steps = Steps(list(alone_of), own)
    kinds = {kind: lambda kind=kind: steps.run(kind) for kind in (LANES, ALONE, UPSAMPLED)}
    seconds = in_turns(kinds)
    few = in_turns({kind: lambda kind=kind: steps.run(kind) for kind in (LANES, OTHER)}, 5)
    of_alone, of_other = ratio(seconds[LANES], seconds[ALONE]), ratio(few[LANES], few[OTHER])
    whose = "efnas' own" if own else "TensorFlow's"
    print(f"A training step at {HEIGHT}x{WIDTH}, batch {BATCH} (steps in turns, {len(seconds[LANES])} rounds; {whose} "
          "gradients of convolutions are the faster ones)")  # fmt: skip
    for kind, values in {**seconds, OTHER: few[OTHER]}.items():
        print(f"  {kind:<36} {interval(values).median:6.2f} s   first step after {alone_of[kind]['first']:5.1f} s   "
              f"peak memory {alone_of[kind]['peak_mb']:,.0f} MB")  # fmt: skip
    print(f"  lanes / three stand-alone subnets:   {of_alone}  (goal <= 0.85, all of it below 0.90)")
    print(f"  lanes / with maps upsampled first:   {ratio(seconds[LANES], seconds[UPSAMPLED])}")
    print(f"  lanes / with the slower gradients:   {of_other}")
    found = shares(steps)
    total, step = sum(found.values()), interval(seconds[LANES]).median
    print(f"  where {total:.2f} s of the operators of a step go")
    for name, part in found.most_common():
        print(f"    {name:<16} {part:6.2f} s  {part / total:6.1%}")
    peak, wanted = multiplied_a_second(), macs_of_a_step(steps.cycle)
    print(f"  {wanted / 1e9:.0f} G multiply-accumulates a step with maps upsampled first; at the {peak / 1e9:.0f} G a "
          f"second of a matrix product {wanted / peak:.2f} s: {wanted / peak / step:.0%} of a step")  # fmt: skip


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        print(
            json.dumps(own_are_faster() if sys.argv[1] == "gradients" else alone(sys.argv[1], json.loads(sys.argv[2])))
        )
