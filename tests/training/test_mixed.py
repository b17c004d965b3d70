"""Mixed precision: close to float32, its scale moves as it should, and a step that overflows changes nothing."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from conftest import events_of
from interruption import config_of, contents, stopped
from small_supernet import SMALL

from efnas.config import MIXED, Config, Network, Runtime, Train
from efnas.core.costs import supernet_variables
from efnas.core.half import HalfLayers
from efnas.core.routing import Fixed
from efnas.core.supernet import EDGEFLOW
from efnas.core.weights import Weights
from efnas.data.batches import Batch
from efnas.errors import EfnasError, TrainingDiverged
from efnas.evaluation.trained import open_trained
from efnas.runs.manifest import read_manifest
from efnas.runs.resume import Resume
from efnas.training import mixed, single_step
from efnas.training.events import NotFinite, Stepped
from efnas.training.fair_step import FairStep
from efnas.training.plan import allowed, prepare

RATE, WIDTH, SIZE = 0.003, 4, (32, 48)


class Training:
    """A step of `small_supernet` on a batch whose flow is fed; `values` are all that it may change."""

    def __init__(self, precision=MIXED, **settings):
        rng = np.random.RandomState(2)
        images = tf.constant(rng.uniform(-1, 1, (4, *SIZE, 6)).astype("f"))
        self.flow, self.usual = tf.placeholder(tf.float32, [None, *SIZE, 2]), rng.randn(4, *SIZE, 2).astype("f")
        config = Config(runtime=Runtime(seed=1), network=Network(base_width=WIDTH),
                        train=Train(batch_size=4, precision=precision, **settings))  # fmt: skip
        self.weights = Weights(supernet_variables(SMALL, WIDTH), seed=3)
        self.step = FairStep(SMALL, config)
        self.step.connect(Batch(images, self.flow), self.weights, gradients_as_convolutions=True)
        self.session = tf.Session()
        self.session.run(tf.global_variables_initializer())

    def feed(self, flow=None):
        return {self.step.codes: self.step.draw(0), self.flow: self.usual if flow is None else flow}

    def run(self, flow=None, pieces=(4,)):
        return self.step.update.run(self.session, self.feed(flow), RATE, list(pieces))

    def values(self):
        adam = self.step.update.adam.state
        return self.session.run([*self.weights.trained.values(), *sum(self.weights.moving.values(), ()), *adam])

    def scale(self):
        return tuple(float(value) for value in self.session.run(self.step.update.state[-2:]))

    def set_scale(self, scale):
        for variable, value in zip(self.step.update.state[-2:], (scale, 0)):
            variable.load(value, self.session)


@pytest.fixture(scope="module")
def training():
    with tf.Graph().as_default():
        return Training()


@pytest.fixture(scope="module")
def pieces():
    """In micro batches; the scale doubles after three steps."""
    with tf.Graph().as_default(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(mixed, "GOOD_STEPS", 3)
        return Training(micro_batch_size=2)


def test_gradients_are_close_to_those_of_float32():
    found = {}
    for precision in ("float32", MIXED):
        with tf.Graph().as_default():
            training = Training(precision)
            training.run()
            terms = training.session.run(training.step.update.terms, training.feed())
            assert all(term.dtype == np.float32 for term in terms)
            found[precision] = np.concatenate([term.ravel() for term in terms[:-2]]), terms[-1], training.values()
    one, other = found["float32"], found[MIXED]
    assert other[1] == pytest.approx(one[1], rel=1e-3)
    assert 0 < np.linalg.norm(other[0] - one[0]) < 0.02 * np.linalg.norm(one[0])
    assert len(other[2]) == len(one[2]) and all(a.shape == b.shape for a, b in zip(one[2], other[2]))


@pytest.mark.parametrize("supernet", [SMALL, EDGEFLOW], ids=["small", "edgeflow"])
def test_what_is_half_and_what_is_not(graph, supernet):
    layers = HalfLayers(Weights(supernet_variables(supernet, WIDTH)), supernet.heads)
    images = tf.zeros([1, *SIZE, 6])
    (maps,) = supernet.network(layers, Fixed(supernet.space, supernet.space.baseline), images, WIDTH)
    assert {each.dtype for each in (*maps.residual, *maps.accumulated)} == {tf.float32}
    heads = {head.block for head in supernet.heads}
    convolutions = [op for op in graph.get_operations() if op.type == "Conv2D"]
    assert len(convolutions) > 10
    for op in convolutions:
        assert op.outputs[0].dtype == (tf.float32 if op.name.split("/")[0] in heads else tf.float16), op.name
    assert {op.outputs[0].dtype for op in graph.get_operations() if op.type == "Relu"} == {tf.float16}
    assert {each.dtype for seen in layers.seen for each in (seen.mean, seen.variance)} == {tf.float32}


def test_a_step_whose_gradient_overflows_changes_nothing_and_halves_the_scale(training):
    assert training.scale() == (mixed.FIRST_SCALE, 0)
    training.run()
    assert training.scale() == (mixed.FIRST_SCALE, 1)
    before = training.values()
    training.set_scale(2.0**60)
    for halved in (2.0**59, 2.0**58):
        result = training.run()
        assert np.isfinite(result.loss) and result.gradient_norm == 0.0
        assert training.scale() == (halved, 0)
        for one, other in zip(before, training.values()):
            np.testing.assert_array_equal(one, other)
    training.set_scale(2.0**10)
    assert training.run().gradient_norm > 0 and training.scale() == (2.0**10, 1)
    assert any((one != other).any() for one, other in zip(before, training.values()))


def test_the_scale_doubles_after_so_many_good_steps(pieces):
    pieces.set_scale(2.0**10)
    seen = []
    for _ in range(4):
        pieces.run(pieces=(2, 2))
        seen.append(pieces.scale())
    assert seen == [(2.0**10, 1), (2.0**10, 2), (2.0**11, 0), (2.0**11, 1)]


def test_an_overflow_in_micro_batches_leaves_the_step_out_and_nothing_behind(pieces):
    pieces.run(pieces=(2, 2))  # the heads begin at zero, behind which no gradient is
    before = pieces.values()
    pieces.set_scale(2.0**60)
    assert pieces.run(pieces=(2, 2)).gradient_norm == 0.0
    for one, other in zip(before, pieces.values()):
        np.testing.assert_array_equal(one, other)
    pieces.set_scale(2.0**10)
    after = pieces.run(pieces=(2, 2))
    assert np.isfinite(after).all() and after.gradient_norm > 0  # of sums that began at zero


def test_what_no_scale_can_help_is_told(training):
    """A loss that is not finite, and a gradient that is not without any scale."""
    assert not np.isfinite(training.run(np.full_like(training.usual, np.inf)).loss)
    training.set_scale(1.0)
    (kernel,) = [each for name, each in training.weights.trained.items() if name == "Coarse/kernel3/kernel"]
    before = training.values()
    kernel.load(np.full(kernel.shape.as_list(), 1e30), training.session)
    result = training.run()
    assert not np.isfinite(result.gradient_norm) and training.scale()[0] == 1.0
    changed = [place for place, (one, other) in enumerate(zip(before, training.values())) if (one != other).any()]
    assert len(changed) == 1  # the kernel


class TestARun:
    @pytest.fixture(scope="class")
    def settings(self, quick_settings, second_space):
        return [*quick_settings, "train.precision=mixed", "train.num_epochs=2", "train.arch='00000'"]

    @pytest.fixture(scope="class")
    def straight(self, settings, tmp_path_factory):
        return events_of(config_of(settings, tmp_path_factory.mktemp("mixed")))[-1].folder

    def test_resumed_it_equals_one_that_was_never_stopped(self, straight, settings, tmp_path, monkeypatch):
        monkeypatch.setattr(mixed, "FIRST_SCALE", 7.0)  # of a training that begins; this one goes on
        config = config_of(settings, tmp_path)
        with monkeypatch.context() as at_first:
            at_first.setattr(mixed, "FIRST_SCALE", 2.0**15)
            stopped(config, step=4)
        assert contents(events_of(config, Resume())[-1].folder) == contents(straight)

    def test_it_is_another_run_than_one_in_float32(self, straight, settings):
        assert read_manifest(straight)["identity"]["train.precision"] == MIXED
        plain = prepare(config_of(settings, straight.parent, "train.precision=float32"))
        with pytest.raises(EfnasError, match="train.precision differs"):
            allowed(plain, False, Resume())
        allowed(plain, False, Resume(allow=["train.precision"]))

    def test_its_weights_are_evaluated_in_float32(self, straight, settings):
        with open_trained(config_of(settings, straight.parent), "last") as trained:
            evaluator = trained.evaluation().evaluator
            assert {tensor.dtype for tensor in evaluator.maps.residual} == {tf.float32}
            kinds = {each.dtype for op in tf.get_default_graph().get_operations() for each in op.outputs}
            assert tf.float16 not in kinds

    def test_one_in_float32_has_no_scale_to_go_on_with(self, quick_run, quick_settings):
        plan = prepare(config_of(quick_settings, quick_run[-1].folder.parent, "train.precision=mixed"))
        with pytest.raises(EfnasError, match="trained in float32: train.precision cannot change"):
            allowed(plan, False, Resume(allow=["train.precision"]))

    def test_a_loss_that_is_not_finite_ends_it(self, settings, tmp_path, monkeypatch):
        honest = single_step.multiscale_loss
        monkeypatch.setattr(single_step, "multiscale_loss", lambda *words: honest(*words) * np.nan)
        seen = []
        with pytest.raises(TrainingDiverged, match="not finite"):
            events_of(config_of(settings, tmp_path), watch=seen.append)
        assert isinstance(seen[-1], NotFinite) and not any(isinstance(each, Stepped) for each in seen)
