"""Subnets against the bilinear baseline on a board: exported, compiled side by side, and held against limits."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable, List, NamedTuple, Optional

from efnas.core.space import ArchCode
from efnas.errors import CheckFailed
from efnas.export.network_files import NetworkFiles
from efnas.files import make_folder, write_whole
from efnas.vela.board import Profile
from efnas.vela.compiler import Settings, Vela, other_figures
from efnas.vela.output import Compiled
from efnas.vela.parts import parts

BASELINE = "bilinear baseline"
FIGURES = ("sram_mb", "inference_ms", "fps", "macs", "npu_ops", "cpu_ops", "flash_kib")


class Limits(NamedTuple):
    """When a subnet is accepted: SRAM at most so much above the baseline's, latency at most so many times."""

    sram_difference_mb: float = 0.30
    inference_ratio: float = 1.30


class ComparedNetwork(NamedTuple):
    """A compiled network; `failed` names the limits that a subnet does not keep."""

    name: str
    weights: str
    compiled: Compiled
    failed: List[str]


class Comparison(NamedTuple):
    baseline: ComparedNetwork
    subnets: List[ComparedNetwork]
    vela: Vela
    settings: Settings
    form: str
    limits: Limits

    def require_accepted(self) -> None:
        """Raises CheckFailed when a subnet does not keep the limits."""
        reasons = [f"{subnet.name}: {'; '.join(subnet.failed)}" for subnet in self.subnets if subnet.failed]
        if reasons:
            raise CheckFailed("Not accepted: " + ". ".join(reasons) + ".")

    def as_dict(self) -> dict:
        profile = self.vela.profile
        base = self.baseline.compiled
        subnets = []
        for subnet in self.subnets:
            pairs = {name: (getattr(subnet.compiled, name), getattr(base, name)) for name in FIGURES}
            subnets.append(
                {"arch": subnet.name, **_figures(subnet, profile),
                 "accepted": not subnet.failed, "failed": subnet.failed,
                 "diff": {name: one - other for name, (one, other) in pairs.items()},
                 "ratio": {name: one / other for name, (one, other) in pairs.items() if other}}
            )  # fmt: skip
        version = self.vela.version
        return {
            "baseline": _figures(self.baseline, profile),
            "subnets": subnets,
            "vela": {"version": version, **self.settings._asdict(), "limits": self.limits._asdict(),
                     "notice": other_figures(version, self.settings.legacy_core)},
            "profile": profile.name,
            "arena_limit_kib": profile.arena_limit_kib,
            "form": self.form,
        }  # fmt: skip


def compare(
    archs: List[ArchCode], files: NetworkFiles, vela: Vela, settings: Settings, form: str, limits: Limits,
    keep: Optional[Path] = None, progress: Callable[[int, int], None] = lambda done, total: None,
) -> Comparison:  # fmt: skip
    """Compile the baseline and the subnets, one process a core, each as soon as its file is there.

    `keep` is a folder for the files, as exported and as compiled. Raises EfnasError when the compiler fails.
    """
    if keep:
        make_folder(keep)
    names = ["bilinear_baseline", *(f"subnet_{arch.compact}" for arch in archs)]
    done: List[str] = []

    def job(name: str, model: bytes) -> Compiled:
        if keep:
            write_whole(keep / f"{name}.tflite", model)
        compiled = vela.compile(model, settings, keep / f"{name}_vela.tflite" if keep else None)
        done.append(name)
        progress(len(done), len(names))
        return compiled

    progress(0, len(names))
    if files.importing:
        vela.load(min(len(names), os.cpu_count() or 1))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(job, name, made) for name, made in zip(names, files.beside_baseline(archs, form))]
        base, *compiled = [each.result() for each in jobs]
    baseline = ComparedNetwork(BASELINE, files.weights_of(None), base, [])
    subnets = [
        ComparedNetwork(str(arch), files.weights_of(arch), each, _failures(each, base, limits))
        for arch, each in zip(archs, compiled)
    ]
    return Comparison(baseline, subnets, vela, settings, form, limits)


def _failures(compiled: Compiled, baseline: Compiled, limits: Limits) -> List[str]:
    failed = []
    if compiled.sram_mb - baseline.sram_mb > limits.sram_difference_mb:
        failed.append(f"SRAM is more than {limits.sram_difference_mb} MB above the baseline's")
    if compiled.inference_ms / baseline.inference_ms > limits.inference_ratio:
        failed.append(f"inference takes more than {limits.inference_ratio} times the baseline's")
    if compiled.peak.stage != baseline.peak.stage:
        failed.append(f"the SRAM peak is at {compiled.peak.stage}, the baseline's at {baseline.peak.stage}")
    return failed


def _figures(network: ComparedNetwork, profile: Profile) -> dict:
    compiled, limit = network.compiled, profile.arena_limit_kib
    expensive = sorted(compiled.operators, key=lambda operator: -operator.cycles)[:5]
    return {
        **{name: getattr(compiled, name) for name in FIGURES},
        "weights": network.weights,
        "fits_arena": None if limit is None else compiled.sram_kib <= limit,
        "peak": compiled.peak.name,
        "peak_stage": compiled.peak.stage,
        "most_expensive": [
            {"stage": each.stage, "name": each.name, "ms": compiled.milliseconds(each)} for each in expensive
        ],
        "by_block": [part._asdict() for part in parts(compiled, profile)],
    }
