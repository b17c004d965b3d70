"""Options of the commands that train subnets of a search alone."""

from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional

import typer
from typing_extensions import Annotated

from efnas.cli.options import scheduler

SearchFolder = Annotated[
    Optional[Path],
    typer.Option("--search", metavar="DIR", show_default="outputs/search/...", help="The search of the run."),
]


@dataclass(frozen=True)
class TrainingOptions:
    """How several trainings are done."""

    jobs: Annotated[int, typer.Option(min=1, max=1024, help="Trainings at a time; they share the cores.")] = 1
    dask: scheduler("Train on the workers of a Dask scheduler; they must see the same folders.") = None
    part: Annotated[
        Optional[str],
        typer.Option(metavar="I/N", show_default=False, help="Only this share of the trainings, as in 2/8."),
    ] = None

    def share(self):
        """The `Part` that is asked for. Raises EfnasError for what is none."""
        from efnas.search.trainings import Part

        return Part.of_text(self.part) if self.part else Part(1, 1)

    def train(self, configs: List, what: str) -> List[str]:
        """Train this share of the runs, under a progress bar that counts `what`; the names of those still to do."""
        from efnas.cli.screen.console import print_note
        from efnas.cli.screen.progress import progress_bar
        from efnas.search.trainings import is_finished, train_all

        with progress_bar("Training", what) as progress:
            train_all(self.share().of(configs), self.jobs, self.dask, progress, print_note)
        return [config.runtime.experiment_name for config in configs if not is_finished(config)]
