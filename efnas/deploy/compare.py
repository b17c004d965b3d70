"""A subnet against the bilinear baseline on a board: both exported, compiled side by side, and held against limits."""

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import List, NamedTuple, Optional

from efnas.core.space import ArchCode
from efnas.deploy.tflite import (
    ACCUMULATED,
    Network,
    baseline_network,
    convert,
    read_content,
    require_int8,
    require_network,
    subnet_network,
    trained_shapes,
)
from efnas.deploy.vela import Compiled, Profile, compile_file, find_vela, vela_version
from efnas.deploy.weights import random_weights


class Limits(NamedTuple):
    """When a subnet is accepted: SRAM at most so much above the baseline's, latency at most so many times."""

    sram_difference_mb: float = 0.30
    inference_ratio: float = 1.30


class Compared(NamedTuple):
    """A subnet's figures; `failed` names the limits it does not keep."""

    arch: str
    compiled: Compiled
    failed: List[str]


class Comparison(NamedTuple):
    baseline: Compiled
    subnets: List[Compared]
    profile: Profile
    optimise: str

    def as_dict(self) -> dict:
        base = self.baseline
        subnets = []
        for arch, compiled, failed in self.subnets:
            names = ("sram_mb", "inference_ms", "macs", "flash_kib")
            pairs = {name: (getattr(compiled, name), getattr(base, name)) for name in names}
            subnets.append({"arch": arch, **_figures(compiled, self.profile), "accepted": not failed, "failed": failed,
                            "diff": {name: one - other for name, (one, other) in pairs.items()},
                            "ratio": {name: one / other for name, (one, other) in pairs.items()}})  # fmt: skip
        return {
            "baseline": _figures(base, self.profile),
            "subnets": subnets,
            "vela": {"version": base.vela_version, "optimise": self.optimise},
            "profile": self.profile.name,
            "form": ACCUMULATED,
            "weights": "random",
        }


def compare(
    archs: List[ArchCode], profile: Profile, optimise: str, limits: Limits, vela: Optional[str] = None, seed: int = 0,
    height: int = 180, width: int = 240, base_width: int = 32, keep: Optional[Path] = None,
) -> Comparison:  # fmt: skip
    """Export the baseline and the subnets with seeded random weights and compile them, one process a core.

    `keep` is a folder for the exported files. Raises EfnasError when the compiler is missing or fails.
    """
    program = find_vela(vela)
    version = vela_version(program)
    networks = [baseline_network(base_width), *(subnet_network(arch, base_width) for arch in archs)]
    with tempfile.TemporaryDirectory(prefix="efnas-compare-") as temporary, ThreadPoolExecutor(os.cpu_count()) as pool:
        folder = keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        jobs = []
        for network in networks:
            path = folder / f"{network.name}.tflite"
            path.write_bytes(_export(network, height, width, seed))
            jobs.append(pool.submit(compile_file, path, program, version, profile, optimise))
        baseline, *subnets = [job.result() for job in jobs]
    judged = [
        Compared(str(arch), compiled, _failures(compiled, baseline, limits)) for arch, compiled in zip(archs, subnets)
    ]
    return Comparison(baseline, judged, profile, optimise)


def _export(network: Network, height: int, width: int, seed: int) -> bytes:
    weights = random_weights(trained_shapes(network), height, width, seed)
    model = convert(network, weights, height, width, ACCUMULATED)
    content = read_content(model)
    require_network(content, network, height, width, ACCUMULATED)
    require_int8(content)
    return model


def _failures(compiled: Compiled, baseline: Compiled, limits: Limits) -> List[str]:
    failed = []
    if compiled.sram_mb - baseline.sram_mb > limits.sram_difference_mb:
        failed.append(f"SRAM is more than {limits.sram_difference_mb} MB above the baseline's")
    if compiled.inference_ms / baseline.inference_ms > limits.inference_ratio:
        failed.append(f"inference takes more than {limits.inference_ratio} times the baseline's")
    if compiled.peak.stage != baseline.peak.stage:
        failed.append(f"the SRAM peak is at {compiled.peak.stage}, the baseline's at {baseline.peak.stage}")
    return failed


def _figures(compiled: Compiled, profile: Profile) -> dict:
    limit = profile.arena_limit_kib
    cycles = sum(operator.cycles for operator in compiled.operators)
    expensive = sorted(compiled.operators, key=lambda operator: -operator.cycles)[:5]
    return {
        "sram_mb": compiled.sram_mb,
        "inference_ms": compiled.inference_ms,
        "fps": compiled.fps,
        "macs": compiled.macs,
        "npu_ops": compiled.npu_ops,
        "cpu_ops": compiled.cpu_ops,
        "flash_kib": compiled.flash_kib,
        "fits_arena": None if limit is None else compiled.sram_kib <= limit,
        "peak": compiled.peak.name,
        "most_expensive": [
            {"stage": each.stage, "name": each.name, "ms": compiled.inference_ms * each.cycles / cycles}
            for each in expensive
        ],
    }
