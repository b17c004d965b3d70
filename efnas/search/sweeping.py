"""The costs that a search is about, where no table of them is given: a sweep of the run's networks, made once."""

from pathlib import Path
from typing import Callable, Optional

from efnas.cache import Cache
from efnas.config import Config
from efnas.cost.board_sweep import SweepRequest, sweep_board
from efnas.cost.sweep import ProgressBar
from efnas.cost.table import TABLE, CostTable, read_table
from efnas.errors import EfnasError
from efnas.export.network_files import NetworkFiles
from efnas.vela.compiler import Settings, Vela

TOLERANCE, HELD_OUT = 0.001, 24  # as `efnas sweep` has them


def swept_costs(
    config: Config, cache: Cache, vela: Vela, program: Optional[str], form: str, optimise: str, arena: Optional[int],
    legacy_core: bool, progress: ProgressBar, note: Callable[[str], None], dask: Optional[str] = None,
) -> CostTable:  # fmt: skip
    """The table of a sweep of the networks of a configuration, compiled here or on the scheduler at the address `dask`;
    one that stands already is read."""
    settings = Settings(optimise, arena, legacy_core)
    request = SweepRequest(
        NetworkFiles(config, cache), vela, program, settings, form, "auto", TOLERANCE, HELD_OUT, 0, dask
    )
    size = (config.data.input_height, config.data.input_width, config.network.base_width)
    folder = request.folder().with_name(f"{request.folder().name}-{'x'.join(map(str, size))}")
    found = _standing(folder, config, request, size)
    if found is None:
        note(f"No costs yet of networks of {size[0]}x{size[1]}, width {size[2]}: sweeping first.")
        result = sweep_board(request, folder, progress, note)
        result.require_sound(TOLERANCE)
        found = result.table
    return found


def _standing(folder: Path, config: Config, request: SweepRequest, size: tuple) -> Optional[CostTable]:
    """What was swept before, if it was of the same; a damaged table is made again."""
    if not (folder / TABLE).is_file():
        return None
    try:
        table = read_table(folder, request.files.supernet.space)
    except EfnasError:
        return None
    of = {"form": request.form, "height": size[0], "width": size[1], "base_width": size[2],
          "profile": request.vela.profile.name, "weights": f"random, seed {config.runtime.seed}"}  # fmt: skip
    same = all(table.about.get(key) == value for key, value in of.items())
    compiled = {**table.about["vela"]}
    compiled.pop("notice", None)
    return table if same and compiled == {"version": request.vela.version, **request.settings._asdict()} else None
