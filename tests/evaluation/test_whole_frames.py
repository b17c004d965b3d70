"""`data.geometry: whole`: frames are scaled down, flow is scaled back up and scored against what the files hold. The
same figure whoever asks: eval, the errors of all subnets, the exported file, inference."""

import json

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from conftest import events_of
from given_values import give
from small_supernet import SMALL, SPACE, run_of_small

from efnas.config import CROP, WHOLE
from efnas.config_files import load_config
from efnas.core import supernet
from efnas.core.costs import supernet_variables
from efnas.core.weights import Weights
from efnas.data.flow_files import read_flo
from efnas.data.scaling import scaled_flow
from efnas.data.sources import open_datasets
from efnas.errors import EfnasError
from efnas.evaluation.frames import read_pair, read_truth, score
from efnas.evaluation.inference import subnet_flow
from efnas.evaluation.ranking import rank_subnets, subnet_errors
from efnas.evaluation.subnets import PoolEvaluation, result_of
from efnas.evaluation.trained import open_trained
from efnas.export.flow import file_flow
from efnas.export.subnet import export_subnet
from efnas.runs.manifest import differences, manifest_of_config, read_manifest
from efnas.runs.resume import NotTheSameRun, Resume
from efnas.runs.run_files import arch_of
from efnas.search.compute import compute_errors

ARCH = SPACE.parse("01100")


@pytest.fixture(scope="module", autouse=True)
def _small_supernet():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(supernet.SUPERNETS, SMALL.name, SMALL)
        yield


@pytest.fixture(scope="module")
def config(small_chairs, tmp_path_factory):
    """That of a trained run. Frames are of 48x64 pixels: u and v are scaled by different factors."""
    made = load_config(assignments=run_of_small(
        small_chairs, tmp_path_factory.mktemp("run"), "data.input_height=32", "data.input_width=40",
        "data.geometry=whole", "train.num_epochs=2", "train.lr=0.005", "eval.bn_recal_batches=2",
        "eval.eval_every_epoch=2",
    ))  # fmt: skip
    events_of(made)
    return made


@pytest.fixture(scope="module")
def evaluated(config):
    return subnet_errors(config, "last", list(SPACE.codes()), lambda done, total: None)


@pytest.fixture(scope="module")
def exported(config, tmp_path_factory):
    """A file of one subnet by whether it is INT8, verified on all six pairs."""
    folder = tmp_path_factory.mktemp("files")
    return {int8: export_subnet(config, ARCH, folder / f"{int8}.tflite", "last", "two-scale", int8, verify=9)
            for int8 in (True, False)}  # fmt: skip


def samples(config):
    return open_datasets(config.data).val.samples


def test_zero_flow_scores_the_mean_length_of_the_unscaled_truth(config, evaluated):
    lengths = [np.linalg.norm(read_flo(sample.flow).astype(float), axis=-1).mean() for sample in samples(config)]
    assert evaluated.zero_epe == pytest.approx(np.mean(lengths), rel=1e-6)


def test_the_error_is_that_of_the_flow_scaled_up_in_size_and_in_value(config, evaluated):
    with open_trained(config, "last") as trained:
        evaluation, session = trained.evaluation(), trained.session
        (statistics,) = evaluation.statistics(session, [ARCH])
        batches = evaluation.validation_batches(session, evaluation.validation_plan())
        small = [evaluation.evaluator.predict(session, ARCH, statistics, images) for images, _ in batches]
    truths = [read_flo(sample.flow) for sample in samples(config)]
    assert np.concatenate(small).shape == (6, 32, 40, 2) and truths[0].shape == (48, 64, 2)
    found = [np.linalg.norm(scaled_flow(flow, 48, 64) - truth, axis=-1).mean()
             for flow, truth in zip(np.concatenate(small), truths)]  # fmt: skip
    own = evaluated.by_pair[list(evaluated.epe).index(ARCH)]
    np.testing.assert_allclose(own, found, atol=1e-5)
    assert np.ptp(own / [np.linalg.norm(truth, axis=-1).mean() for truth in truths]) > 1e-3  # it has learned something


def test_the_errors_of_all_subnets_are_those_of_eval(config, evaluated, tmp_path):
    table = compute_errors(config, "last", tmp_path / "errors")
    np.testing.assert_allclose(table.errors, evaluated.by_pair, atol=1e-4)
    assert table.geometry == WHOLE and np.mean(table.about["zero_epe"]) == pytest.approx(evaluated.zero_epe, rel=1e-6)
    assert len(np.unique(table.errors.mean(axis=1).round(5))) > 20


@pytest.mark.parametrize("int8", [True, False])
def test_a_file_is_verified_on_the_frames_and_against_the_figure_of_eval(evaluated, exported, int8):
    done = exported[int8]
    found = done.verification
    assert found.pairs == 6 and found.float_epe == pytest.approx(evaluated.epe[ARCH], abs=1e-4)
    assert found.zero_epe == pytest.approx(evaluated.zero_epe, rel=1e-6)
    assert found.file_epe == pytest.approx(found.float_epe, abs=0.05 if int8 else 1e-4)
    told = json.loads(done.path.with_name(f"{done.path.name}.json").read_text())
    assert told["verification"]["geometry"] == told["source"]["geometry"] == WHOLE


def test_inference_on_the_frames_scores_the_same(config, evaluated, exported):
    with subnet_flow(config, "last", ARCH) as flow:
        networks = {"checkpoint": flow, "file": file_flow(exported[False].path)}
        found = {name: [] for name in networks}
        for sample in samples(config):
            images, truth = read_pair(sample.first, sample.second), read_truth(sample.flow, 48, 64)
            for name, network in networks.items():
                found[name].append(score(network(images), truth).epe)
        assert flow(images[:20, :30]).shape == (20, 30, 2)
    own = evaluated.by_pair[list(evaluated.epe).index(ARCH)]
    np.testing.assert_allclose(found["checkpoint"], own, atol=1e-4)
    np.testing.assert_allclose(found["file"], own, atol=1e-4)


def test_a_run_does_not_go_on_with_other_frames_whatever_is_allowed(config):
    for allow in ((), ("data.geometry",)):
        more = config.changed("data", geometry=CROP).changed("train", num_epochs=3)
        with pytest.raises(NotTheSameRun, match="are of data.geometry: whole, which cannot change"):
            events_of(more, Resume("last", allow, "keep"))


def test_older_manifests_are_of_crops(config):
    crop = manifest_of_config(config.changed("data", geometry=CROP))
    assert "data.geometry" not in crop["identity"]  # as before there was another
    (found,) = (each for each in differences(crop, read_manifest(config.runtime.run_folder)) if "geometry" in each.key)
    assert (found.group, found.left, found.right) == ("identity", CROP, WHOLE)


def test_a_checkpoint_is_measured_on_other_frames_when_asked_and_it_is_said(config, evaluated, tmp_path):
    whole = rank_subnets(config, "last", [ARCH, SPACE.baseline], tmp_path / "pictures", 1)
    assert whole.doubt is None and whole.as_dict["geometry"] == WHOLE and whole.pictures[0].stat().st_size > 5000
    assert arch_of(config, "best", "last") in (ARCH, SPACE.baseline)
    cropped = config.changed("data", geometry=CROP)
    with pytest.raises(EfnasError, match="is of data.geometry: 'whole': run efnas eval"):
        arch_of(cropped, "best", "last")
    crop = rank_subnets(cropped, "last", [ARCH, SPACE.baseline])
    assert crop.doubt == "Trained with data.geometry: whole, measured with crop."
    assert json.loads(crop.written.read_text())["geometry"] == CROP
    assert crop.errors.epe[ARCH] != pytest.approx(evaluated.epe[ARCH], abs=1e-3)


def test_real_frames_are_scored_at_their_size(real_chairs, graph):
    """Random weights: what is predicted is nothing, but neither zero nor the same everywhere."""
    config = load_config(assignments=[
        f"data.base_path={real_chairs}", "data.input_height=96", "data.input_width=128", "data.geometry=whole",
        "network.name=small", "network.base_width=4", "train.batch_size=2", "eval.bn_recal_batches=2",
    ])  # fmt: skip
    weights, rng = Weights(supernet_variables(SMALL, 4)), np.random.RandomState(5)
    evaluation = PoolEvaluation(SMALL, weights, config, open_datasets(config.data), threads=1)
    with tf.Session() as session:
        evaluator = evaluation.evaluator
        session.run(tf.global_variables_initializer())
        give(session, {variable: rng.normal(name.endswith("gamma"), 0.2, variable.shape.as_list())
                       for name, variable in weights.trained.items()})  # fmt: skip
        found = result_of(evaluation.errors(session, [ARCH]))
        (statistics,) = evaluation.statistics(session, [ARCH])
        ((images, truth),) = evaluation.validation_batches(session, evaluation.validation_plan())
        small = evaluator.predict(session, ARCH, statistics, images)
    assert small.shape == (2, 96, 128, 2) and truth.shape == (2, 384, 512, 2) and small.std() > 0.1
    flow = np.stack([scaled_flow(each, 384, 512) for each in small])
    np.testing.assert_allclose(found.by_pair[0], np.linalg.norm(flow - truth, axis=-1).mean(axis=(1, 2)), atol=1e-4)
    assert flow.mean() == pytest.approx(4 * small.mean(), rel=0.02)
    assert found.zero_epe == pytest.approx(np.linalg.norm(truth, axis=-1).mean(), rel=1e-5)
