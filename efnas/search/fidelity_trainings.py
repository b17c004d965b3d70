"""What a fidelity is measured on: subnets of a search trained alone, some with other seeds too, and their errors.

Errors are those of the last weights on all validation pairs: a fidelity chooses nothing, so all of them are fair.
"""

from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Sequence, Tuple

import numpy as np

from efnas.config import Config
from efnas.core.space import ArchCode
from efnas.data.scenes import scenes_of
from efnas.errors import EfnasError
from efnas.files import as_json, make_folder, write_whole
from efnas.runs.run_files import LAST
from efnas.runs.seal import read_seal
from efnas.search.chosen import Chosen, drawn_for_fidelity, repeated
from efnas.search.fidelity import Measured, Trained
from efnas.search.folder import Search
from efnas.search.retraining import Alone, scratch_training
from efnas.strict_json import read_json


class FidelityPlan(NamedTuple):
    """The subnets to train, those of them that every seed trains, and all trainings."""

    chosen: Chosen
    twice: List[int]
    trainings: List[Alone]


def planned(
    search: Search, recipe: Config, folder: Path, subnets: int, twins: int, twice: int, seeds: int
) -> FidelityPlan:
    """Draw `subnets` of a search, `twins` couples among them; `twice` of them are trained with `seeds` seeds, from that
    of the recipe on, the others with the first. Raises EfnasError for more than the space has."""
    space, rows = search.table.space, search.table.rows
    latency, epe = (np.array([np.nan if getattr(row, name) is None else getattr(row, name) for row in rows])
                    for name in ("latency_ms", "epe"))  # fmt: skip
    seed, baseline = recipe.runtime.seed, space.index_of(space.baseline)
    try:
        chosen = drawn_for_fidelity(latency, epe, baseline, subnets, twins, seed)
        again = repeated(chosen.subnets, epe, twice, seed)
    except ValueError as error:
        raise EfnasError(f"{error}.".capitalize()) from error
    first = [scratch_training(recipe, space.at(place), seed, folder) for place in chosen.subnets]
    others = [scratch_training(recipe, space.at(place), seed + more, folder)
              for more in range(1, seeds) for place in again]  # fmt: skip
    return FidelityPlan(chosen, again, first + others)


def measured_alone(
    plan: FidelityPlan, search: Search, folder: Path, progress: Callable[[int, int], None]
) -> Tuple[Measured, List[ArchCode]]:
    """The errors of all trainings beside those in the supernet, and which subnets the rows are."""
    found: Dict[Tuple[ArchCode, int], np.ndarray] = {}
    for number, training in enumerate(plan.trainings):
        progress(number, len(plan.trainings))
        pairs, errors = alone_errors(training.config, folder / f"{training.name}.json")
        found[training.arch, training.config.runtime.seed] = errors
    progress(len(plan.trainings), len(plan.trainings))
    common = search.errors.in_common(pairs)
    if not common:
        raise EfnasError("The search is on another validation set than the trainings: take data.val_* as it was.")
    own, theirs = ([names.index(name) for name in common] for names in (pairs, search.errors.pairs))
    space, seeds = search.table.space, sorted({seed for _, seed in found})
    archs = [space.at(place) for place in plan.chosen.subnets]
    again = [space.at(place) for place in plan.twice] if len(seeds) > 1 else []
    found = {key: errors[own] for key, errors in found.items()}
    shifted = dict(found)
    # A seed is better or worse for all: without that, those trained twice would not stand among the others as they do.
    for seed in seeds[1:]:
        shift = np.mean([found[arch, seed] - found[arch, seeds[0]] for arch in again], axis=0)
        shifted.update({(arch, seed): found[arch, seed] - shift for arch in again})
    means = [np.mean([shifted[arch, seed] for seed in seeds if (arch, seed) in shifted], axis=0) for arch in archs]
    twice = Trained(
        np.array([archs.index(arch) for arch in again], int),
        *(np.array([found[arch, seed] for arch in again]).reshape(len(again), len(own)) for seed in seeds[:2]),
    ) if again else None  # fmt: skip
    supernet = np.asarray(search.errors.errors)[plan.chosen.subnets][:, theirs]
    latency = [search.table.row(arch).latency_ms for arch in archs]
    known = np.array([np.nan if each is None else each for each in latency], float)
    return Measured(supernet.astype(float), np.stack(means), known, scenes_of(common), twice), archs


def alone_errors(config: Config, known: Path) -> Tuple[Sequence[str], np.ndarray]:
    """Names of the validation pairs, and EPE on each, float64 [pairs], of a finished run; kept in a file."""
    checkpoint = read_seal(config.runtime.run_folder / LAST).data_sha256
    try:
        content = read_json(known.read_text())
        if content["checkpoint"] == checkpoint:
            return content["pairs"], np.array(content["epe"], np.float64)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    from efnas.evaluation.subnets import result_of
    from efnas.evaluation.trained import open_trained

    with open_trained(config, "last") as trained:
        evaluation = trained.evaluation()
        errors = result_of(evaluation.errors(trained.session, [trained.supernet.arch], whole=True))
        pairs = [sample.name for sample in evaluation.sets.val.samples]
    make_folder(known.parent)
    epe = errors.by_pair[0]
    write_whole(known, as_json({"checkpoint": checkpoint, "pairs": pairs, "epe": epe.tolist()}))
    return pairs, epe
