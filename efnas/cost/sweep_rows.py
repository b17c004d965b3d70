"""From what a sweep found to the rows of its table."""

from typing import Dict, List, Optional, Tuple

from efnas import __version__
from efnas.config import Config
from efnas.core.costs import subnet_costs
from efnas.core.space import ArchCode
from efnas.core.supernet import Supernet
from efnas.cost.compiles import Work
from efnas.cost.sweep import Sweep
from efnas.cost.table import COMPILED, DERIVED, FAILED, CostTable, Row
from efnas.machine import library_versions
from efnas.runs.supernet import whole_supernet_of
from efnas.vela.compiler import other_figures


def table_of(swept: Sweep, work: Work, form: str, config: Config, epe: Dict[ArchCode, float]) -> CostTable:
    """The table of a sweep; `config` says the size of the networks and the seed of their weights."""
    profile, settings = work.profile, work.settings
    size = (config.data.input_height, config.data.input_width, config.network.base_width)
    arena = f", arena {settings.arena:,} bytes" if settings.arena else ""
    about = {
        "space": [swept.space.name, swept.space.version],
        "title": f"{profile.name}, Vela {work.version}, {settings.optimise}{arena}, form {form}",
        "method": swept.method,
        "proofs": [proof._asdict() for proof in swept.proofs],
        "compiled": len(swept.costs),
        "failed": {str(arch): said for arch, said in swept.failed.items()},
        "vela": {"version": work.version, **settings._asdict(),
                 "notice": other_figures(work.version, settings.legacy_core)},
        "profile": profile.name, "arena_limit_kib": profile.arena_limit_kib, "form": form,
        "height": size[0], "width": size[1], "base_width": size[2],
        "weights": f"random, seed {config.runtime.seed}",
        "versions": {"efnas": __version__, **library_versions()},
        **({"geometry": config.data.geometry} if epe else {}),
    }  # fmt: skip
    return CostTable(_rows(swept, whole_supernet_of(config), size, profile.arena_limit_kib, epe), about, swept.space)


def _rows(
    swept: Sweep, supernet: Supernet, size: Tuple[int, int, int], arena_limit_kib: Optional[float],
    epe: Dict[ArchCode, float],
) -> List[Row]:  # fmt: skip
    """A row a subnet. MACs and parameters are counted; a derived row's bounds are the largest errors of the proof.

    A subnet fits when its SRAM does, that bound added.
    """
    proof, space = swept.proofs[-1], swept.space
    seen = (proof.largest_error_ms, proof.largest_sram_error_kib, proof.largest_flash_error_kib)
    by_digit = [subnet_costs(supernet, code, *size).by_stage() for code in space.uniform_codes()]
    rows = []
    for arch in space.codes():
        digit_of = {block.name: digit for block, digit in zip(space.blocks, arch)}
        stages = [by_digit[digit_of.get(stage, 0)][stage] for stage in by_digit[0]]
        labels = {block.name: block.label(digit) for block, digit in zip(space.blocks, arch)}
        latency = fps = sram = flash = fits = None
        known, bounds = FAILED, (None, None, None)
        if arch not in swept.failed:
            latency, sram, flash = swept.figures(arch)
            fps = 1000 / latency
            known, bounds = (COMPILED, (0.0, 0.0, 0.0)) if arch in swept.costs else (DERIVED, seen)
            fits = None if arena_limit_kib is None else sram + bounds[1] <= arena_limit_kib
        macs, params = sum(cost.macs for cost in stages), sum(cost.params for cost in stages)
        rows.append(
            Row(str(arch), labels, latency, fps, sram, fits, macs, params, flash, known, *bounds, epe.get(arch))
        )
    return rows
