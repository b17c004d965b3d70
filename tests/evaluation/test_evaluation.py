"""Recalibration and evaluation: what they change, what they leave alone, and what an EPE is taken of."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from efnas.config import Config, Network, Runtime, Train
from efnas.core.costs import supernet_variables
from efnas.core.supernet import EDGEFLOW
from efnas.core.weights import Weights
from efnas.data.batches import Batch
from efnas.evaluation.recalibration import TotalVariance
from efnas.evaluation.subnets import SubnetEvaluator, evaluate, result_of
from efnas.training.fair_step import FairStep

FLOW_SPACE = EDGEFLOW.space
ARCHS = [FLOW_SPACE.parse(text) for text in ("000000000", "120210121", "222222222")]
STEPS = 12


class Trained:
    """A small supernet after some steps on a problem it can learn: the second image is brighter by the flow."""

    def __init__(self):
        images, truth = tf.placeholder(tf.float32, [None, 32, 48, 6]), tf.placeholder(tf.float32, [None, 32, 48, 2])
        self.weights = Weights(supernet_variables(EDGEFLOW, 4), seed=1)
        config = Config(runtime=Runtime(seed=1), network=Network(base_width=4), train=Train(batch_size=4))
        step = FairStep(EDGEFLOW, config)
        step.connect(Batch(images, truth), self.weights, gradients_as_convolutions=True)
        self.evaluator = SubnetEvaluator(EDGEFLOW, self.weights, 32, 48, base_width=4)
        self.variables = [*self.weights.saved, *step.optimiser_state]
        self.session = tf.Session()
        self.session.run(tf.global_variables_initializer())
        self.batches = [self.batch(seed) for seed in range(8)]
        feed = {step.update.share: 1.0, step.update.rate: 0.01}
        for number in range(STEPS):
            data = self.batches[number % len(self.batches)]
            self.session.run(
                step.update._apply, {**feed, step.codes: step.draw(number), images: data[0], truth: data[1]}
            )

    @staticmethod
    def batch(seed):
        rng = np.random.RandomState(seed)
        flow = rng.uniform(-2, 2, (4, 1, 1, 2)) + np.zeros((4, 32, 48, 2))
        first = rng.uniform(-0.5, 0.5, (4, 32, 48, 3))
        second = first + 0.5 * np.concatenate([flow, flow[..., :1]], axis=-1)
        return np.concatenate([first, second], axis=-1).astype("f"), flow.astype("f")

    def evaluate(self, archs):
        return result_of(evaluate(self.evaluator, self.session, archs, self.batches[:4], self.batches[4:]))

    def statistics(self, archs, batches):
        return result_of(self.evaluator.statistics(self.session, archs, batches))


@pytest.fixture(scope="module")
def trained():
    with tf.Graph().as_default():
        yield Trained()


def test_zero_prediction_scores_the_mean_flow_length(trained):
    truth = np.concatenate([flow for _, flow in trained.batches[4:]])
    assert trained.evaluate(ARCHS[:1]).zero_epe == pytest.approx(np.linalg.norm(truth, axis=-1).mean(), rel=1e-6)


def test_a_network_that_predicts_zero_scores_the_zero_epe():
    with tf.Graph().as_default(), tf.Session() as session:
        weights = Weights(supernet_variables(EDGEFLOW, 4))
        evaluator = SubnetEvaluator(EDGEFLOW, weights, 32, 48, base_width=4)
        session.run(tf.global_variables_initializer())  # all heads begin at zero
        batches = [Trained.batch(seed) for seed in (1, 2)]
        evaluation = result_of(evaluate(evaluator, session, ARCHS[1:2], batches, batches))
        assert evaluation.epe[ARCHS[1]] == pytest.approx(evaluation.zero_epe, rel=1e-6)


def test_epe_is_that_of_the_accumulated_flow_and_not_of_the_last_heads_residual(trained):
    evaluator, (images, truth) = trained.evaluator, trained.batches[5]
    (statistics,) = trained.statistics(ARCHS[1:2], trained.batches[:4])
    evaluator._loaded.load(trained.session, statistics)
    maps = trained.session.run(evaluator.maps, {evaluator.code: ARCHS[1], evaluator.images: images})
    epe = {name: np.linalg.norm(m[-1][:, :32, :48, :2] - truth, axis=-1).mean()
           for name, m in (("residual", maps.residual), ("accumulated", maps.accumulated))}  # fmt: skip
    scored = result_of(evaluate(evaluator, trained.session, ARCHS[1:2], trained.batches[:4], [(images, truth)]))
    assert scored.epe[ARCHS[1]] == pytest.approx(epe["accumulated"], rel=1e-4)
    assert abs(epe["residual"] - epe["accumulated"]) > 0.05 * epe["accumulated"]


def test_recalibration_leaves_every_trained_variable_bit_identical(trained):
    before = trained.session.run(trained.variables)
    trained.evaluate(ARCHS)
    for variable, one, other in zip(trained.variables, before, trained.session.run(trained.variables)):
        np.testing.assert_array_equal(one, other, err_msg=variable.op.name)


def test_recalibration_gives_the_population_statistics_of_the_subnet(trained):
    """Against NumPy at the first batch norm, and over one batch of all samples: the law of total variance."""
    evaluator = trained.evaluator
    (statistics,) = trained.statistics(ARCHS[:1], trained.batches[:4])
    everything = np.concatenate([images for images, _ in trained.batches[:4]])
    whole = evaluator.batch_moments.run(trained.session, ARCHS[0], everything)
    np.testing.assert_allclose(statistics["E0/bn"], whole["E0/bn"], rtol=1e-3, atol=1e-4)
    # Exactly the batch norms of this subnet, and no other's.
    own = {"EB0/depth1/block1/bn1", "EB0/depth1/block1/bn2"}
    assert {name for name in statistics if name.startswith("EB0")} == own


def test_the_result_of_an_arch_does_not_depend_on_what_was_evaluated_before(trained):
    forwards, backwards = trained.evaluate(ARCHS), trained.evaluate(ARCHS[::-1])
    alone = trained.evaluate(ARCHS[1:2])
    assert forwards.epe == backwards.epe
    assert forwards.epe[ARCHS[1]] == alone.epe[ARCHS[1]]


@pytest.mark.parametrize("arch", ARCHS)
def test_recalibrated_inference_is_close_to_batch_statistics_and_moving_averages_are_not(trained, arch):
    evaluator, session = trained.evaluator, trained.session
    (recalibrated,) = trained.statistics([arch], trained.batches)
    (moving,) = trained.statistics([arch], None)
    away = {"recalibrated": [], "moving": []}
    for images, _ in trained.batches[4:]:
        feed = {evaluator.code: arch, evaluator.images: images}
        by_batch = session.run(evaluator.batch_moments.maps.accumulated[-1], feed)[:, :32, :48, :2]
        for name, statistics in (("recalibrated", recalibrated), ("moving", moving)):
            flow = evaluator.predict(session, arch, statistics, images)
            away[name].append(np.linalg.norm(flow - by_batch, axis=-1).mean())
    assert np.mean(away["recalibrated"]) < 0.4 * np.mean(away["moving"])


def test_without_recalibration_the_moving_averages_of_training_are_used(trained):
    (statistics,) = trained.statistics(ARCHS[:1], None)
    np.testing.assert_allclose(statistics["H1/bn"], trained.session.run(trained.weights.moving["H1/bn"]))


def test_statistics_that_were_not_set_give_nan_and_not_a_plausible_figure(trained):
    evaluator = trained.evaluator
    (of_another,) = trained.statistics(ARCHS[:1], trained.batches[:1])
    flow = evaluator.predict(trained.session, ARCHS[2], of_another, trained.batches[0][0])
    assert np.isnan(flow).any()


def test_total_variance_is_that_of_all_samples(rng):
    data = rng.randn(5, 40, 3) * [1, 5, 0.1] + [0, 100, -3]
    total = TotalVariance()
    for batch in data:
        total.add(batch.mean(0), batch.var(0))
    np.testing.assert_allclose(total.statistics, [data.reshape(-1, 3).mean(0), data.reshape(-1, 3).var(0)])


def test_the_summary_and_the_ranking_are_those_of_the_figures(trained):
    evaluation = trained.evaluate(ARCHS + [FLOW_SPACE.baseline])
    values = list(evaluation.epe.values())
    summary = evaluation.summary(FLOW_SPACE.baseline)
    assert summary["mean"] == pytest.approx(np.mean(values))
    assert summary["baseline"] == values[-1]
    assert [evaluation.epe[arch] for arch in evaluation.ranking()] == sorted(values)
