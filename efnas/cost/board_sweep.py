"""A sweep from its settings to the table and pictures in a folder: what stands behind `efnas sweep`."""

from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Optional

from efnas.cache import Cache
from efnas.core.sampler import chosen_archs
from efnas.core.space import ArchCode
from efnas.cost.cluster import compile_engine
from efnas.cost.compiles import Compiles, Engine, Work, exported_one_by_one
from efnas.cost.sweep import ProgressBar, Sweep, sweep_space
from efnas.cost.sweep_pictures import draw_sweep
from efnas.cost.sweep_rows import table_of
from efnas.cost.table import CostTable, write_table
from efnas.errors import CheckFailed
from efnas.export.network_files import NetworkFiles
from efnas.files import make_folder
from efnas.vela.compiler import Settings, Vela


class SweepRequest(NamedTuple):
    """What is swept and how. `program` is what was given as --vela, which workers look up for themselves; `dask` the
    address of a scheduler; with a checkpoint in `files`, `sample` subnets are evaluated too."""

    files: NetworkFiles
    vela: Vela
    program: Optional[str]
    settings: Settings
    form: str
    method: str
    tolerance: float
    verify: int
    sample: int
    dask: Optional[str]

    def folder(self) -> Path:
        """Where its table goes when nothing else is said."""
        arena = [str(self.settings.arena)] if self.settings.arena else []
        words = [self.vela.profile.name, f"vela-{self.vela.version}", self.settings.optimise, *arena, self.form]
        return Path("outputs") / "sweep" / "-".join(words)


class SweepResult(NamedTuple):
    """`compiled` counts what did not come from the cache."""

    folder: Path
    table: CostTable
    pictures: List[str]
    compiled: int
    swept: Sweep

    def require_sound(self, tolerance: float) -> None:
        """Raises CheckFailed when the compiler failed on subnets, or the table is off by more than `tolerance`."""
        failed, proof = self.swept.failed, self.swept.proofs[-1]
        if failed:
            named = "; ".join(f"{arch}: {said}" for arch, said in list(failed.items())[:3])
            raise CheckFailed(f"The compiler fails on {len(failed)} subnets: {named}")
        if proof.largest_error > tolerance:
            raise CheckFailed(
                f"By {proof.method} the latency is off by up to {proof.largest_error:.3%}, more than "
                f"{100 * tolerance:g} %."
            )


def sweep_board(request: SweepRequest, folder: Path, progress: ProgressBar, note: Callable[[str], None]) -> SweepResult:
    """What all subnets cost, written to a folder. Raises EfnasError when there is no cluster or the compiler fails on
    what a method cannot do without."""
    with compile_engine(request.dask, note) as engine:
        make_folder(folder)
        return _swept(request, folder, engine, progress, note)


def _swept(
    request: SweepRequest, folder: Path, engine: Engine, progress: ProgressBar, note: Callable[[str], None]
) -> SweepResult:
    epe = sampled_errors(request, progress) if request.files.checkpoint else {}
    files, form = request.files._replace(checkpoint=None), request.form
    space, config = files.supernet.space, files.config
    parts = tuple(made[form] for made in files.subnets(list(space.uniform_codes()), [form]))
    work = Work(space, parts, request.program, request.vela.version, request.vela.profile, request.settings)
    compiles = Compiles(work, files.cache, engine)
    exported = Compiles(work, Cache(None), exported_one_by_one(files, form, request.vela))
    swept = sweep_space(compiles, exported, request.method, request.tolerance, request.verify, config.runtime.seed, epe,
                        progress, note)  # fmt: skip
    table = table_of(swept, work, form, config, epe)
    pictures = draw_sweep(table, space)
    write_table(folder, table, pictures)
    return SweepResult(folder, table, list(pictures), compiles.compiled + exported.compiled, swept)


def sampled_errors(request: SweepRequest, progress: ProgressBar) -> Dict[ArchCode, float]:
    """EPE by arch of the baseline and of subnets drawn from the seed, as `efnas eval --random` draws them; the ranking
    of the run stays as it is."""
    files = request.files
    files.before_tensorflow()
    from efnas.evaluation.ranking import subnet_errors

    space = files.supernet.space
    archs = chosen_archs(space, files.config.runtime.seed, [], request.sample, pool_size=0)
    return subnet_errors(files.config, files.checkpoint, archs, progress).epe
