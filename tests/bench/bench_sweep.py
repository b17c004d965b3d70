"""Sweeps at full size: files exported and composed, compiles started and loaded, and what derived tables are off by."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from efnas.cache import Cache
from efnas.config_files import load_config
from efnas.core.network import FLOW_SPACE
from efnas.core.sampler import random_archs
from efnas.cost.compiles import Compiles, Work, exported_one_by_one, here
from efnas.errors import EfnasError
from efnas.export.compose import Composer
from efnas.export.network_files import NetworkFiles
from efnas.vela.board import packaged_profile
from efnas.vela.compiler import Settings, Vela, find_vela

EFNAS = Path(sys.executable).parent / "efnas"
COMPILERS = (("4.5.0", "Size"), ("5.2.0", "Performance"))
FILES, COMPILES = 8, 24


def rate(count: int, began: float) -> float:
    """A minute."""
    return 60 * count / (time.perf_counter() - began)


def main() -> None:
    archs = random_archs(FLOW_SPACE, 7, COMPILES)
    nothing = Cache(None)
    files = NetworkFiles(load_config(), nothing)
    parts = tuple(files.subnet(arch, "accumulated") for arch in FLOW_SPACE.uniform_codes())
    began = time.perf_counter()
    for arch in archs[:FILES]:
        files.subnet(arch, "accumulated")
    exported = rate(FILES, began)
    composer = Composer(FLOW_SPACE, parts)
    began = time.perf_counter()
    for arch in archs:
        composer.compose(arch)
    composed = rate(len(archs), began)
    print(
        f"Files a minute, one core: exported {exported:,.0f}, composed {composed:,.0f}: ratio {composed / exported:.0f}"
    )
    for version, optimise in COMPILERS:
        try:
            program = find_vela(version)
        except EfnasError as error:
            print(error)
            continue
        work = Work(FLOW_SPACE, parts, version, version, packaged_profile(), Settings(optimise))
        engines = {"exported, a process each": exported_one_by_one(files, "accumulated", Vela(program, work.profile, nothing)),
                   "composed, compiler loaded": here}  # fmt: skip
        found = {}
        for name, engine in engines.items():
            began = time.perf_counter()
            Compiles(work, nothing, engine).run(archs)
            found[name] = rate(len(archs), began)
            hours = FLOW_SPACE.size / found[name] / 60
            print(
                f"Vela {version} {optimise}, all cores, {name}: {found[name]:.0f} subnets a minute, all in {hours:.1f} h"
            )
        print(f"  ratio {found['composed, compiler loaded'] / found['exported, a process each']:.2f}")
    for version, optimise in COMPILERS:
        with tempfile.TemporaryDirectory() as folder:
            words = ["sweep", "--vela", version, "--optimise", optimise, "--no-cache", "--out", folder, "--json"]
            began = time.perf_counter()
            said = subprocess.run([str(EFNAS), *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            seconds = time.perf_counter() - began
        for proof in json.loads(said.stdout)["proofs"]:
            print(
                f"Vela {version} {optimise}: {proof['method']} terms, largest error {proof['largest_error']:.5%}, mean "
                f"{proof['mean_error']:.5%} over {proof['subnets']} held-out subnets, tau {proof['kendall_tau']:.4f}"
            )
        print(f"  efnas sweep, nothing cached: {seconds:.0f} s  (goal of 4.5 <= 120 s)")


if __name__ == "__main__":
    main()
