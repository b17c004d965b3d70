"""The loop knows a step by its protocol alone: another one, which trains one subnet, goes through it and its resume."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from interruption import StopAt, config_of, contents

from efnas.core.layers import Layers
from efnas.core.routing import Fixed
from efnas.core.supernet import EDGEFLOW
from efnas.runs.history import FAIRNESS
from efnas.runs.manifest import read_manifest
from efnas.runs.resume import Resume
from efnas.runs.run_files import BEST, LAST
from efnas.runs.seal import read_seal
from efnas.training.events import Finished, Stopped
from efnas.training.loop import run_training
from efnas.training.loss import multiscale_loss
from efnas.training.plan import prepare
from efnas.training.update import Update

ARCH = EDGEFLOW.space.parse("120210121")


class OneSubnet:
    """Trains one subnet, walked alone; see `step.Step`."""

    identity = {"train.arch": str(ARCH)}

    def __init__(self, config):
        self.config = config

    def draw(self, step):
        return np.array([ARCH], np.int32)

    def connect(self, batch, weights, gradients_as_convolutions):
        layers = Layers(weights, gradients_as_convolutions=gradients_as_convolutions)
        router = Fixed(EDGEFLOW.space, ARCH)
        (maps,) = EDGEFLOW.network(layers, router, batch.images, self.config.network.base_width)
        loss = multiscale_loss(EDGEFLOW.heads, maps, batch.flow)
        self.trained = set(layers.used)
        self.update = Update(self.config.train, weights, layers, loss, tf.zeros([]))

    def run(self, session, codes, rate, micro_batches):
        return self.update.run(session, {}, rate, micro_batches)

    @property
    def optimiser_state(self):
        return self.update.adam.state


def trained(config, resume=None, **stop):
    """The events of a training of one subnet, and its step."""
    plan = prepare(config, resume)
    step, stop = OneSubnet(config), StopAt(**stop)
    manifest = {**plan.manifest, "identity": {**plan.manifest["identity"], **step.identity}}
    events = []
    for event in run_training(plan._replace(step=step, manifest=manifest), False, resume, stop.wanted):
        stop.watch(event)
        events.append(event)
    return events, step


@pytest.fixture(scope="module")
def straight(run_settings, tmp_path_factory):
    config = config_of(run_settings, tmp_path_factory.mktemp("straight"), "train.num_epochs=2", "eval.full_every=0")
    return (config, *trained(config))


def test_only_the_variables_of_its_subnet_are_trained_and_have_slots(straight):
    config, events, step = straight
    assert isinstance(events[-1], Finished) and events[-1].steps == 6
    checkpoint = tf.train.load_checkpoint(str(read_seal(config.runtime.run_folder / LAST).prefix))
    names = set(checkpoint.get_variable_to_shape_map())
    assert {name[: -len("/Adam")] for name in names if name.endswith("/Adam")} == step.trained
    used = [name for name in step.trained if name.endswith("conv1/kernel")]
    assert len(used) == 2 + 3 + 1 + 3  # as many residual blocks as its depths say
    assert all(np.abs(checkpoint.get_tensor(f"{name}/Adam")).max() > 0 for name in used)
    assert "EB0/depth1/block1/conv1/kernel" in names - step.trained


def test_what_it_trains_is_counted_and_part_of_what_the_run_is(straight):
    config, _, _ = straight
    folder = config.runtime.run_folder
    assert read_manifest(folder)["identity"]["train.arch"] == str(ARCH)
    assert '"EB0": [\n' in (folder / FAIRNESS).read_text()
    counts = np.array(read_seal(folder / BEST).state["fairness_counts"])
    assert counts.sum(axis=1).max() <= 6 and (counts.argmax(axis=1) == ARCH).all()


def test_interrupted_it_ends_as_it_does_uninterrupted(straight, run_settings, tmp_path):
    config = config_of(run_settings, tmp_path, "train.num_epochs=2", "eval.full_every=0")
    events, _ = trained(config, step=4)
    assert isinstance(events[-1], Stopped)
    events, _ = trained(config, Resume())
    assert events[-1].steps == 6
    assert contents(config.runtime.run_folder) == contents(straight[0].runtime.run_folder)
