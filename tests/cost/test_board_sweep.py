"""What a sweep does with a run."""

from interruption import copied

from efnas.cache import Cache
from efnas.config_files import load_config
from efnas.core.supernet import EDGEFLOW
from efnas.cost.board_sweep import SweepRequest, sampled_errors
from efnas.evaluation.ranking import rank_subnets
from efnas.export.network_files import NetworkFiles
from efnas.runs.run_files import arch_of

FLOW_SPACE = EDGEFLOW.space
ARCHS = [FLOW_SPACE.parse(text) for text in ("000001000", "120210121", "222222222")]


def test_the_ranking_that_best_is_read_from_is_written_by_eval_alone(run_settings, straight_run, tmp_path):
    """A sweep evaluates subnets of a run, too: those that it draws, on its own account."""
    root = copied(straight_run[-1].folder, tmp_path)
    config = load_config(assignments=[*run_settings, f"runtime.output_root={root}"])
    ranking = rank_subnets(config, "best", ARCHS)
    assert arch_of(config, "best", "best") == ranking.errors.ranking()[0]
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    request = SweepRequest(NetworkFiles(config, Cache(None), "best"), None, None, None, "accumulated", "auto", 0.1, 2,
                           sample=2, dask=None)  # fmt: skip
    found = sampled_errors(request, lambda done, total: None)
    assert len(found) == 3 and FLOW_SPACE.baseline in found
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before
