"""Files of trained subnets: the checkpoint is opened, and its data are read, once for all of them."""

import pytest

from efnas.cache import Cache
from efnas.config_files import load_config
from efnas.core.supernet import EDGEFLOW
from efnas.errors import EfnasError
from efnas.evaluation import trained
from efnas.evaluation.subnets import PoolEvaluation
from efnas.export.content import read_content
from efnas.export.network_files import NetworkFiles

ARCHS = [EDGEFLOW.space.parse(code) for code in ("000001000", "120210120", "222222222")]


@pytest.fixture
def files(run_settings, straight_run):
    config = load_config(assignments=[*run_settings, f"runtime.output_root={straight_run[-1].folder.parent}"])
    return NetworkFiles(config, Cache(None), "best")


def test_a_checkpoint_is_opened_once_for_many_subnets_and_forms(files, monkeypatch):
    opened, read = [], []
    honest_open, honest_read = trained.open_trained, PoolEvaluation.training_batches

    def counting_open(config, which):
        opened.append(which)
        return honest_open(config, which)

    def counting_read(self, session, samples, start=0):
        read.append(samples)
        return honest_read(self, session, samples, start)

    monkeypatch.setattr(trained, "open_trained", counting_open)
    monkeypatch.setattr(PoolEvaluation, "training_batches", counting_read)
    made = list(files.subnets(ARCHS, ["accumulated", "two-scale"]))
    assert [sorted(each) for each in made] == [["accumulated", "two-scale"]] * 3
    assert len({each["accumulated"] for each in made}) == 3
    assert opened == ["best"]
    assert len(read) == 2  # for recalibration, and for calibration
    together = [read_content(each["accumulated"]) for each in made]
    alone = [read_content(files.subnet(arch, "accumulated")) for arch in ARCHS]
    assert together == alone


def test_a_checkpoint_that_is_not_there_is_found_before_any_work(files, tmp_path):
    with pytest.raises(EfnasError, match="no checkpoint"):
        files._replace(checkpoint=str(tmp_path / "absent.ckpt")).require_checkpoint()
