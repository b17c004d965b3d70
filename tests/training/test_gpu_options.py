"""What is for GPUs: XLA, memory that grows, TensorFlow's own gradients of convolutions. What can be seen without one is
seen here; what cannot is skipped where there is none."""

import json
import os
import signal
import subprocess
import sys
from functools import lru_cache
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import PROJECT, events_of
from interruption import config_of

from efnas.backend import Device, tf
from efnas.cache import Cache
from efnas.runs.manifest import read_manifest
from efnas.runs.resume import Resume
from efnas.training.gradients import as_convolutions
from efnas.training.loop import run_training
from efnas.training.plan import allowed, prepare

# Losses of some steps with XLA and without it, and how many compiled parts ran. XLA on a CPU is for a process whose
# first session asks for it.
PROGRAM = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
import conftest
conftest.use_plain_graphs()
import numpy as np
from efnas.backend import open_session, select_device, tf
from efnas.config import Config, Network, Train
from efnas.core.alone import alone
from efnas.core.costs import supernet_variables
from efnas.core.weights import Weights
from efnas.data.batches import Batch
from efnas.training.single_step import SingleStep
from small_supernet import SMALL, SPACE

network, device = alone(SMALL, SPACE.parse("00000")), select_device(json.loads(sys.argv[2]), 1)
step = SingleStep(network, Config(network=Network(base_width=2), train=Train(batch_size=2, precision=sys.argv[3])))
weights, rng = Weights(supernet_variables(network, 2)), np.random.RandomState(0)
pair = [tf.constant(rng.uniform(-1, 1, (2, 16, 24, channels)).astype("f")) for channels in (6, 2)]
step.connect(Batch(*pair), weights, gradients_as_convolutions=False, small_maps=not device.gpu)
found = []
for xla in (True, False):
    with open_session(device, xla) as session:
        session.run(tf.global_variables_initializer())
        losses = [step.run(session, step.draw(number), 0.01, [2]).loss for number in range(3)]
        ran = tf.RunMetadata()
        session.run(step.update.terms[-1], options=tf.RunOptions(output_partition_graphs=True), run_metadata=ran)
        found.append([losses, sum(node.op == "_XlaRun" for graph in ran.partition_graphs for node in graph.node)])
print(json.dumps(found))
"""


def with_xla_and_without(gpu, precision="float32"):
    words = [sys.executable, "-c", PROGRAM, str(PROJECT / "tests"), json.dumps(gpu), precision]
    done = subprocess.run(words, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


@lru_cache(maxsize=None)
def gpus():
    program = "from efnas.backend import tf; print(len(tf.config.experimental.list_physical_devices('GPU')))"
    free = {name: value for name, value in os.environ.items() if name != "CUDA_VISIBLE_DEVICES"}
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, check=True, text=True, env=free)
    return int(done.stdout)


def test_a_training_compiled_by_xla_has_the_same_losses_to_rounding():
    (compiled, parts), (plain, none) = with_xla_and_without(-1)
    if not parts:
        pytest.skip("this build of TensorFlow has no XLA for CPUs")
    assert none == 0 and compiled != plain
    np.testing.assert_allclose(compiled, plain, rtol=1e-4)


@pytest.mark.parametrize("precision", ["float32", "mixed"])
def test_on_a_gpu_too(precision):
    if not gpus():
        pytest.skip("TensorFlow sees no GPU here")
    (compiled, _), (plain, _) = with_xla_and_without(0, precision)
    np.testing.assert_allclose(compiled, plain, rtol=1e-2)


@pytest.fixture
def asked(monkeypatch):
    """The configurations of the sessions that are opened."""
    opened, honest = [], tf.Session

    def session(target="", graph=None, config=None):
        opened.append(config)
        return honest(target, graph, config)

    monkeypatch.setattr(tf, "Session", session)
    monkeypatch.setenv("TF_XLA_FLAGS", "--tf_xla_clustering_debug=false")
    return opened


@pytest.mark.parametrize("xla", [False, True])
def test_a_training_asks_for_memory_as_it_needs_it_and_for_xla_where_it_is_wanted(
    quick_settings, second_space, tmp_path, asked, xla
):
    gradients = "runtime.convolution_gradients=own"  # which are faster would be measured, in a session of its own
    config = config_of(quick_settings, tmp_path, f"train.xla={xla}", "train.arch='00000'", gradients)
    events_of(config, stop_wanted=lambda: signal.SIGTERM)
    (session,) = asked
    assert session.gpu_options.allow_growth
    wanted = tf.OptimizerOptions.ON_1 if xla else tf.OptimizerOptions.DEFAULT
    assert session.graph_options.optimizer_options.global_jit_level == wanted
    assert os.environ["TF_XLA_FLAGS"].startswith("--tf_xla_clustering_debug=false")  # the user's own
    assert ("--tf_xla_cpu_global_jit" in os.environ["TF_XLA_FLAGS"]) == xla
    assert read_manifest(tmp_path / "supernet")["tuning"].get("train.xla", False) == xla
    other = prepare(config.changed("train", xla=not xla))
    assert [each.key for each in allowed(other, False, Resume()).found] == ["train.xla"]  # shown, and no more


@pytest.mark.parametrize("gpu", [False, True])
def test_convolutions_have_tensorflows_own_gradients_on_a_gpu(quick_settings, second_space, tmp_path, gpu):
    plan = prepare(config_of(quick_settings, tmp_path, "train.arch='00000'"))
    own = gpu is False and as_convolutions("own", plan.device, Cache(None))
    assert own or not as_convolutions("auto", Device("GPU 0", gpu, 1), Cache(None))
    plan = plan._replace(own_gradients=own)
    kinds = []
    for _ in run_training(plan, stop_wanted=lambda: signal.SIGTERM):
        # At the border of a small map a row and a column have TensorFlow's: nothing to speed up.
        kinds = [op.type for op in tf.get_default_graph().get_operations() if "/border/" not in op.name]
    strided = 2
    assert kinds.count("Conv2DBackpropFilter") > 2 * strided if gpu else kinds.count("Conv2DBackpropFilter") == strided


def test_a_plan_asks_for_small_maps_on_a_cpu_alone_and_for_the_gradients_that_were_found(
    quick_settings, second_space, tmp_path
):
    plan, asked = prepare(config_of(quick_settings, tmp_path, "train.arch='00000'")), []
    step = SimpleNamespace(connect=lambda *ways, small_maps: asked.append((*ways, small_maps)))
    for gpu, own in ((False, True), (True, False)):
        plan._replace(step=step, device=Device("", gpu, 1), own_gradients=own).connect("batch", "weights")
    assert asked == [("batch", "weights", True, True), ("batch", "weights", False, False)]
