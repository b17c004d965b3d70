"""Subnets of a checkpoint, ranked by their error: what stands behind `efnas eval`."""

from contextlib import ExitStack
from pathlib import Path
from typing import Callable, List, NamedTuple, Optional

from efnas.config import Config
from efnas.core.alone import in_words
from efnas.core.space import ArchCode
from efnas.data.scaling import scaled, scaled_flow
from efnas.evaluation.panels import write_panel
from efnas.evaluation.subnets import PoolEvaluation, result_of
from efnas.evaluation.trained import Trained, open_trained
from efnas.files import make_folder, write_json
from efnas.ranks import ALONE, Ranks
from efnas.runs.run_files import ranking_file
from efnas.runs.subnet_errors import SubnetErrors


class Ranking(NamedTuple):
    errors: SubnetErrors
    checkpoint: Path
    epoch: int
    written: Path
    pictures: List[Path]
    doubt: Optional[str]
    as_dict: dict


def rank_subnets(
    config: Config,
    which: str,
    archs: List[ArchCode],
    pictures: Optional[Path] = None,
    picture_count: int = 4,
    progress: Callable[[int, int], None] = lambda done, total: None,
    ranks: Ranks = ALONE,
) -> Optional[Ranking]:
    """Evaluate archs with the weights of a checkpoint and write the ranking beside it, which `--arch best` reads. Ranks
    share out the archs, and the first alone has the ranking; None on the others.

    `pictures` is a folder for panels of the best arch's predictions. Raises EfnasError for a checkpoint that is
    missing, damaged or of another network, before any data is read.
    """
    with ExitStack() as held:
        trained = ranks.after_first(lambda: held.enter_context(open_trained(config, which, ranks)))
        evaluation = ranks.after_first(trained.evaluation)
        ranks.require_same({"checkpoint": trained.seal.data_sha256, **evaluation.sets.fingerprints()})
        errors = _errors(trained, evaluation, archs, progress)
        if not ranks.first:
            return None
        drawn = _draw(trained, evaluation, errors.ranking()[0], pictures, picture_count) if pictures else []
        sets, doubt = evaluation.sets, trained.doubt(evaluation.sets)
    path, state = trained.path, trained.seal.state
    content = {
        "checkpoint": str(path),
        "epoch": state["epoch"],
        "step": state["step"],
        "geometry": config.data.geometry,
        "bn_recal_batches": config.eval.bn_recal_batches,
        "val_samples": errors.samples,
        "val_fingerprint": sets.val.fingerprint(),
        "val_pairs_trained_on": sets.shared(),
        **errors.summary(trained.supernet.baseline_subnet),
        "ranking": [
            {
                "rank": errors.places[arch].rank,
                "arch": str(arch),
                "epe": errors.epe[arch],
                "worse_by": errors.places[arch].worse_by._asdict(),
            }
            for arch in errors.ranking()
        ],
    }
    written = ranking_file(path, which)
    write_json(written, content)
    return Ranking(errors, path, state["epoch"], written, drawn, doubt, content)


def subnet_errors(
    config: Config, which: str, archs: List[ArchCode], progress: Callable[[int, int], None]
) -> SubnetErrors:
    """The errors alone: nothing is written."""
    with open_trained(config, which) as trained:
        return _errors(trained, trained.evaluation(), archs, progress)


def _errors(
    trained: Trained, evaluation: PoolEvaluation, archs: List[ArchCode], progress: Callable[[int, int], None]
) -> SubnetErrors:
    total = evaluation.batches()
    return result_of(evaluation.errors(trained.session, archs), lambda done: progress(done, total))


def _draw(trained: Trained, evaluation: PoolEvaluation, arch: ArchCode, folder: Path, count: int) -> List[Path]:
    make_folder(folder)
    session = trained.session
    (statistics,) = evaluation.statistics(session, [arch])
    plan = evaluation.validation_plan()
    written: List[Path] = []
    for images, truth in evaluation.validation_batches(session, plan):
        flow = evaluation.evaluator.predict(session, arch, statistics, images)
        for number in range(len(images)):
            name = evaluation.sets.val.samples[plan.indices[len(written)]].name
            path = folder / f"{Path(name).name}_{arch.compact}.png"
            size = truth[number].shape[:2]
            panels = scaled(images[number], *size), scaled_flow(flow[number], *size), truth[number]
            write_panel(path, f"{name}, {in_words(arch)}", *panels)
            written.append(path)
            if len(written) == count:
                return written
    return written
