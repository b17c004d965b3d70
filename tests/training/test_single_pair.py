"""A data set of one pair for training and one for validation, far fewer than a batch holds: all goes on as ever."""

import shutil

import numpy as np
from conftest import events_of

from efnas.config_files import load_config
from efnas.data.check import check_data
from efnas.evaluation.ranking import rank_subnets
from efnas.export.subnet import export_subnet
from efnas.runs.supernet import supernet_of


def test_one_pair_is_checked_trained_on_ranked_and_verified(small_chairs, small_settings, second_space, tmp_path):
    for part, name in (("train", "0000000"), ("val", "0000012")):
        (tmp_path / "one" / part).mkdir(parents=True)
        for path in (small_chairs / part).glob(f"{name}-*"):
            shutil.copy(path, tmp_path / "one" / part)
    for part in check_data(tmp_path / "one", None, 1, 1, lambda *done: None):
        assert (part.pairs, part.problems) == (1, [])
    config = load_config(
        assignments=[*small_settings, f"data.base_path={tmp_path / 'one'}", "network.name=small", "train.num_epochs=1"]
    )
    baseline = supernet_of(config).space.baseline
    assert events_of(config)[-1].steps == 1
    ranked = rank_subnets(config, "best", [baseline], tmp_path / "pictures", picture_count=9)
    assert ranked.errors.samples == 1 and len(ranked.pictures) == 1
    made = export_subnet(config, baseline, tmp_path / "one.tflite", "best", "accumulated", True, verify=5)
    assert made.verification.pairs == 1 and np.isfinite(made.verification.gap.mean)
