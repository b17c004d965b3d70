"""`efnas vela-compare` against the two bare Vela processes it needs, side by side on the cores there are, in one run."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from efnas.vela.board import packaged_profile
from efnas.vela.compiler import find_vela

ROUNDS = 3
COMPARE = [Path(sys.executable).parent / "efnas", "vela-compare", "--arch", "000001000", "--skip-checkpoint"]


def seconds(calls, folder: Path, cache: str) -> float:
    """Wall time of the calls, all at once."""
    began = time.perf_counter()
    environment = {**os.environ, "EFNAS_CACHE": cache}
    running = [subprocess.Popen(list(map(str, call)), cwd=folder, env=environment, stdout=subprocess.DEVNULL)
               for call in calls]  # fmt: skip
    assert [process.wait() for process in running] == [0] * len(running)
    return time.perf_counter() - began


def main() -> None:
    profile = packaged_profile()
    found = {"two bare Vela processes": [], "cold: exported and compiled": [], "warm: all from the cache": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "board.ini").write_text(profile.ini)
        seconds([[*COMPARE, "--keep", folder]], folder, f"{name}/warm")
        bare = [
            [find_vela(), folder / f"{model}.tflite", "--accelerator-config", profile.accelerator, "--config",
             folder / "board.ini", "--system-config", profile.system_config, "--memory-mode", profile.memory_mode,
             "--optimise", "Size", "--output-dir", folder / model, "--verbose-performance", "--verbose-allocation"]
            for model in ("bilinear_baseline", "subnet_000001000")
        ]  # fmt: skip
        for number in range(ROUNDS):
            found["two bare Vela processes"].append(seconds(bare, folder, "unused"))
            found["cold: exported and compiled"].append(seconds([COMPARE], folder, f"{name}/{number}"))
            found["warm: all from the cache"].append(seconds([COMPARE], folder, f"{name}/warm"))
    medians = {what: statistics.median(values) for what, values in found.items()}
    print(f"vela-compare of one subnet and the baseline, median of {ROUNDS}")
    for what, median in medians.items():
        print(f"  {what:<28} {median:6.2f} s   ratio {median / medians['two bare Vela processes']:.2f}")


if __name__ == "__main__":
    main()
