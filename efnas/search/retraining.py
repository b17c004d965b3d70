"""The chosen subnets of a search trained alone, beside the baseline: one budget, one recipe, one order of the data.

What is reported comes from pairs that chose nothing: the subnets are taken from the front of one half of the
validation pairs and measured on the other, with the last weights of each run and not with the best.
"""

from pathlib import Path
from typing import List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from efnas.config import Config
from efnas.core.alone import BASELINE, network_named
from efnas.core.space import ArchCode
from efnas.core.supernet import supernet_named
from efnas.errors import EfnasError
from efnas.evaluation.confidence import halves
from efnas.runs.run_files import checkpoint_path
from efnas.runs.seal import read_whole
from efnas.runs.supernet import supernet_of
from efnas.search.answer import Limits, answer_of, with_errors
from efnas.search.chosen import drawn_from_front
from efnas.search.folder import Search, read_search

KEYS_OF_INPUT = ("input_height", "input_width", "geometry")
SCRATCH, SUPERNET, BOTH = "scratch", "supernet", "both"
BEGINNINGS = {SCRATCH: (SCRATCH,), SUPERNET: (SUPERNET,), BOTH: (SCRATCH, SUPERNET)}


class Alone(NamedTuple):
    """One training: of which network, begun from what, and its whole configuration."""

    arch: ArchCode
    beginning: str
    config: Config

    @property
    def name(self) -> str:
        return self.config.runtime.experiment_name

    @property
    def seed(self) -> int:
        return self.config.runtime.seed

    @property
    def epochs(self) -> int:
        return self.config.train.num_epochs


def search_of_run(settings: Config, folder: Path) -> Tuple[Search, Path]:
    """The search in a folder, and the best checkpoint of the run, which it must be of."""
    source = checkpoint_path(settings, "best").absolute()
    sealed = read_whole(source, supernet_of(settings).identity(settings.network.base_width))
    search = read_search(folder)
    if search.errors.about["of"]["checkpoint"] != sealed.data_sha256:
        raise EfnasError(f"The search in {folder} is not of {source}: run efnas search for it.")
    data = settings.data
    of_search = [*search.errors.about["of"]["input"], search.errors.geometry]
    if of_search != [data.input_height, data.input_width, data.geometry]:
        names = ", ".join(f"data.{key}: {value}" for key, value in zip(KEYS_OF_INPUT, of_search))
        raise EfnasError(
            f"The search in {folder} is of {names}, and the trainings would not be: take these with --set, or another "
            "search with --search."
        )
    return search, source


def unseen_half(pairs: Sequence[str]) -> np.ndarray:
    """The pairs that choose nothing: bool [pairs]. Raises EfnasError where all are in one half."""
    half = halves(pairs)
    if half.all() or not half.any():
        raise EfnasError(
            f"{len(pairs)} validation pairs are too few to choose on one half of them and measure on the other."
        )
    return ~half


def chosen_archs(search: Search, limits: Limits, top: int) -> List[ArchCode]:
    """A spread of `top` over the front within limits, as the half of the pairs that chooses sees it."""
    errors, space = search.errors, search.table.space
    seen = ~unseen_half(errors.pairs)
    of = {**errors.about["of"], "pairs": [name for name, taken in zip(errors.pairs, seen) if taken]}
    on_half = errors._replace(errors=np.asarray(errors.errors)[:, seen], about={**errors.about, "of": of})
    answer = answer_of(with_errors(search.table, on_half), on_half, limits)
    return [space.parse(row.arch) for row in drawn_from_front(answer.front, top)]


def trainings_of(recipe: Config, archs: Sequence[ArchCode], beginning: str, source: Path, folder: Path) -> List[Alone]:
    """The trainings of subnets and, first, of the baseline, whose runs lie below `folder`.

    `recipe` is the configuration of the supernet's run, `source` its checkpoint. The baseline is no subnet: it begins
    from scratch alone.
    """
    baseline = network_named(supernet_named(recipe.network.name).space, BASELINE)
    found = []
    for arch in [baseline, *archs]:
        for begins in (SCRATCH,) if arch == baseline else BEGINNINGS[beginning]:
            config = _alone(recipe, arch, source if begins == SUPERNET else None, recipe.runtime.seed)
            found.append(_named(Alone(arch, begins, config), f"{arch.compact}-{begins}", folder))
    return found


def scratch_training(recipe: Config, arch: ArchCode, seed: int, folder: Path) -> Alone:
    """One of a subnet from scratch, with another seed for weights and data."""
    return _named(Alone(arch, SCRATCH, _alone(recipe, arch, None, seed)), f"{arch.compact}-{seed}", folder)


def _named(training: Alone, name: str, folder: Path) -> Alone:
    return training._replace(config=training.config.changed("runtime", experiment_name=name, output_root=folder))


def _alone(recipe: Config, arch: ArchCode, source: Optional[Path], seed: int) -> Config:
    trained = recipe.changed("train", arch=str(arch), init_from=source, lane_batches="same")
    one_budget = trained.changed("eval", early_stop_patience=0, best_metric="mean").changed("checkpoint", keep_every=0)
    return one_budget.changed("runtime", seed=seed)
