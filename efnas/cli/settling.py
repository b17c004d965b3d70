"""`efnas fidelity --settling`: how the ranking of the whole space settles along a supernet's training."""

from dataclasses import dataclass
from pathlib import Path
from typing import Optional

import typer
from typing_extensions import Annotated

from efnas.cli.options import pair_count
from efnas.errors import EfnasError


@dataclass(frozen=True)
class SettlingOptions:
    """Whether that is asked for, and on what."""

    settling: Annotated[
        bool, typer.Option("--settling", help="Train nothing: compare the checkpoints kept along the supernet's run.")
    ] = False
    pairs: Annotated[
        Optional[str], typer.Option(metavar="N|all", show_default="all", help="Validation pairs of --settling.")
    ] = None
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="With --settling: replace errors of something else.")
    ] = False

    def wanted(self) -> bool:
        """Raises EfnasError for options that only it has, without it."""
        if not self.settling and (self.pairs is not None or self.overwrite):
            raise EfnasError(f"{'--overwrite' if self.overwrite else '--pairs'} belongs to --settling.")
        return self.settling

    def show(self, settings, folder: Path, dask: Optional[str], as_json: bool) -> None:
        from efnas.cli.screen.console import print_json, print_note
        from efnas.cli.screen.progress import progress_bar
        from efnas.cli.screen.tables import show_told
        from efnas.cli.screen.tensorflow_messages import quiet_tensorflow
        from efnas.search.pass_engines import pass_engine
        from efnas.search.settling_folder import checkpoints_along, errors_along, write_settling

        pairs = pair_count("all" if self.pairs is None else self.pairs)
        found = checkpoints_along(settings)
        quiet_tensorflow()
        with pass_engine(dask, print_note) as engine, progress_bar("Errors", "subnets") as progress:
            along, names = errors_along(settings, found, folder, pairs, self.overwrite, progress, engine)
        written = write_settling(folder, along, names, settings.data.geometry)
        if as_json:
            print_json(written.content)
            return
        show_told(written)
