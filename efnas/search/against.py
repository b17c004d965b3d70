"""Another supernet compared with trainings that are there: the same subnets and errors alone, its own errors.

Only arch codes and names of pairs need agree, so the two networks may differ in width. The trainings were drawn by the
errors of the supernet that they were made for, and its twins for being far apart there: that helps its own tau rather
than the other's.
"""

from typing import Callable, NamedTuple

import numpy as np

from efnas.config import Config
from efnas.errors import EfnasError
from efnas.evaluation.places import LEVEL, RESAMPLES
from efnas.search.agreement import Estimate, agreement, measured_and_resampled, rank_estimate
from efnas.search.fidelity_errors import FidelityErrors


class Against(NamedTuple):
    """The supernet `of` that experiment, by the same errors alone: its `tau`, and how far this one's lies above it."""

    of: str
    tau: Estimate
    gain: Estimate


def of_another(
    known: FidelityErrors, config: Config, which: str, progress: Callable[[int, int], None] = lambda done, total: None
) -> FidelityErrors:
    """What is known, with the errors that the same subnets have in a checkpoint (best, last or a path) of another run,
    and the name of that. Raises EfnasError where nothing can be compared."""
    from efnas.evaluation.subnets import result_of
    from efnas.evaluation.trained import open_trained

    name, geometry = config.runtime.experiment_name, config.data.geometry
    if known.geometry != geometry:
        raise EfnasError(
            f"The trainings of {known.name} were measured with data.geometry: {known.geometry}, {name} would be with "
            f"{geometry}: errors of the two are not compared."
        )
    with open_trained(config, which) as trained:
        space, evaluation = trained.supernet.space, trained.evaluation()
        if known.space != [space.name, space.version]:
            raise EfnasError(
                f"The trainings of {known.name} are of search space {known.space[0]} of version {known.space[1]}, "
                f"{name} of {space.name} of version {space.version}."
            )
        if known.val_sha256 != evaluation.sets.val.fingerprint()["names_sha256"]:
            raise EfnasError(f"The trainings of {known.name} were measured on other validation pairs than {name} has.")
        archs, total = [space.parse(text) for text in known.archs], evaluation.batches(whole=True)
        work = evaluation.errors(trained.session, archs, whole=True)
        errors = result_of(work, lambda done: progress(done, total))
    names = [sample.name for sample in evaluation.sets.val.samples]
    supernet = errors.by_pair[:, [names.index(pair) for pair in known.pairs]]
    return known._replace(name=name, measured=known.measured._replace(supernet=supernet))


def compared(
    own: FidelityErrors, known: FidelityErrors, resamples: int = RESAMPLES, level: float = LEVEL, seed: int = 0
) -> Against:
    """A paired bootstrap: both taus share each resample of subnets and pairs."""
    supernet, alone, _, scenes, twice = own.measured
    subnets, apart = len(alone), np.arange(0) if twice is None else twice.rows
    weights, times = measured_and_resampled(scenes, subnets, apart, resamples, seed)
    of_alone = weights @ alone.T
    tau, other = (agreement(weights @ errors.T, of_alone, times)[0] for errors in (supernet, known.measured.supernet))
    return Against(known.name, rank_estimate(other, subnets, level), rank_estimate(tau - other, subnets, level))
