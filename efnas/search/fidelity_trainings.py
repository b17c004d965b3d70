"""What a fidelity is measured on: subnets of a search trained alone, some with other seeds too, and their errors.

Errors are those of the last weights on all validation pairs: a fidelity chooses nothing, so all of them are fair.
"""

from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from efnas.config import CROP, Config
from efnas.core.space import ArchCode
from efnas.data.flying_chairs import fingerprint_of
from efnas.data.scenes import scenes_of
from efnas.errors import EfnasError
from efnas.files import as_json, make_folder, write_whole
from efnas.runs.run_files import LAST
from efnas.runs.seal import read_seal
from efnas.search.budgets import Schedule, TrainedFor
from efnas.search.chosen import Chosen, drawn_for_fidelity, repeated
from efnas.search.fidelity import Measured, Trained
from efnas.search.fidelity_errors import FidelityErrors
from efnas.search.folder import Search
from efnas.search.retraining import Alone, scratch_training
from efnas.strict_json import read_json

RUNS, SCHEDULE, ERRORS = "runs", "schedule", "errors"  # folders: of the trainings, of those of other budgets


class FidelityPlan(NamedTuple):
    """The subnets to train, those of them that every seed trains (`twice`), their `trainings`, and by epochs those of
    `twice` at each budget of a schedule, shortest first; where that is the main one, they are among `trainings`."""

    chosen: Chosen
    twice: List[int]
    trainings: List[Alone]
    schedule: Dict[int, List[Alone]]

    @property
    def every(self) -> List[Alone]:
        """All trainings, each once."""
        main = self.trainings[0].epochs
        return [*self.trainings, *(each for epochs, own in self.schedule.items() if epochs != main for each in own)]


def planned(
    search: Search,
    recipe: Config,
    folder: Path,
    subnets: int,
    twins: int,
    twice: int,
    seeds: int,
    schedule: Sequence[int] = (),
) -> FidelityPlan:
    """Draw `subnets` of a search, `twins` couples among them; `twice` of them are trained with `seeds` seeds, from that
    of the recipe on, the others with the first. With a `schedule`, epochs, these `twice` are trained with all seeds for
    so long too. Runs lie below `folder`. Raises EfnasError for more than the space has."""
    space, rows = search.table.space, search.table.rows
    latency, epe = (np.array([np.nan if getattr(row, name) is None else getattr(row, name) for row in rows])
                    for name in ("latency_ms", "epe"))  # fmt: skip
    seed, baseline, main = recipe.runtime.seed, space.index_of(space.baseline), recipe.train.num_epochs
    try:
        chosen = drawn_for_fidelity(latency, epe, baseline, subnets, twins, seed)
        again = repeated(chosen.subnets, epe, twice, seed)
    except ValueError as error:
        raise EfnasError(f"{error}.".capitalize()) from error
    if schedule and not again:
        raise EfnasError("--schedule trains what is trained twice: --twice must be 1 or more with it.")

    def trainings(epochs: int, of: Sequence[int], seeds: Sequence[int]) -> List[Alone]:
        own = recipe.changed("train", num_epochs=epochs)
        runs = folder / RUNS if epochs == main else folder / SCHEDULE / str(epochs)
        return [scratch_training(own, space.at(place), each, runs) for each in seeds for place in of]

    every_seed = range(seed, seed + seeds)
    budgets = sorted({main, *schedule}) if schedule else []
    return FidelityPlan(
        chosen,
        again,
        trainings(main, chosen.subnets, every_seed[:1]) + trainings(main, again, every_seed[1:]),
        {epochs: trainings(epochs, again, every_seed) for epochs in budgets},
    )


def measured_alone(
    plan: FidelityPlan, search: Search, name: str, folder: Path, progress: Callable[[int, int], None]
) -> Tuple[FidelityErrors, Optional[Schedule]]:
    """The errors of all trainings beside those in the supernet of experiment `name`, and those of the schedule, if
    there is one; each training's are kept below `folder`."""
    found: Dict[Tuple[int, ArchCode, int], np.ndarray] = {}
    train = plan.trainings[0].config.train
    for number, training in enumerate(plan.every):
        progress(number, len(plan.every))
        below = "" if training.epochs == train.num_epochs else str(training.epochs)
        pairs, errors = alone_errors(training.config, folder / ERRORS / below / f"{training.name}.json")
        found[training.epochs, training.arch, training.seed] = errors
    progress(len(plan.every), len(plan.every))
    common = search.errors.in_common(pairs)
    if not common:
        raise EfnasError("The search is on another validation set than the trainings: take data.val_* as it was.")
    own, theirs = ([names.index(pair) for pair in common] for names in (pairs, search.errors.pairs))
    space, seeds = search.table.space, sorted({training.seed for training in plan.trainings})
    archs, again = ([space.at(place) for place in places] for places in (plan.chosen.subnets, plan.twice))

    def with_every_seed(epochs: int) -> np.ndarray:
        """[seeds, subnets, pairs]"""
        return np.array([[found[epochs, arch, seed][own] for arch in again] for seed in seeds])

    alone = np.stack([found[train.num_epochs, arch, seeds[0]][own] for arch in archs])
    twice = None
    if again and len(seeds) > 1:
        by_seed, rows = with_every_seed(train.num_epochs), np.array([archs.index(arch) for arch in again])
        twice = Trained(rows, *by_seed[:2])
        # A seed is better or worse for all: with that, those trained twice would not stand among the others as they do.
        alone[rows] = np.mean(by_seed - (by_seed - by_seed[0]).mean(axis=1, keepdims=True), axis=0)
    supernet = np.asarray(search.errors.errors)[plan.chosen.subnets][:, theirs]
    latency = [search.table.row(arch).latency_ms for arch in archs]
    known, scenes = np.array([np.nan if each is None else each for each in latency], float), scenes_of(common)
    errors = FidelityErrors(
        name,
        search.errors.space_id,
        [str(arch) for arch in archs],
        [plan.chosen.drawn_as(place) for place in plan.chosen.subnets],
        common,
        fingerprint_of(pairs)["names_sha256"],
        search.errors.geometry,
        {"epochs": train.num_epochs, "batch_size": train.batch_size},
        Measured(supernet.astype(float), alone, known, scenes, twice),
    )
    trained = [
        TrainedFor(epochs, read_seal(one.config.runtime.run_folder / LAST).state["step"], with_every_seed(epochs))
        for epochs, (one, *_) in plan.schedule.items()
    ]
    return errors, Schedule([str(arch) for arch in again], seeds, scenes, trained) if trained else None


def alone_errors(config: Config, known: Path) -> Tuple[Sequence[str], np.ndarray]:
    """Names of the validation pairs, and EPE on each, float64 [pairs], of a finished run; kept in a file."""
    of = read_seal(config.runtime.run_folder / LAST).data_sha256, config.data.geometry
    try:
        content = read_json(known.read_text())
        if (content["checkpoint"], content.get("geometry", CROP)) == of:
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
    write_whole(known, as_json({"checkpoint": of[0], "geometry": of[1], "pairs": pairs, "epe": epe.tolist()}))
    return pairs, epe
