"""`efnas vela-compare` against the two bare Vela processes it needs, side by side on the cores there are, in one run."""

import os
import subprocess
import sys
import tempfile
from itertools import count
from pathlib import Path

from turns import in_turns, interval, ratio

from efnas.vela.board import packaged_profile
from efnas.vela.compiler import find_vela

ROUNDS = 5
BARE, COLD, WARM = "two bare Vela processes", "cold: exported and compiled", "warm: all from the cache"
COMPARE = [Path(sys.executable).parent / "efnas", "vela-compare", "--arch", "000001000", "--skip-checkpoint"]


def run(calls, folder: Path, cache: str) -> None:
    """All at once."""
    environment = {**os.environ, "EFNAS_CACHE": cache}
    running = [subprocess.Popen(list(map(str, call)), cwd=folder, env=environment, stdout=subprocess.DEVNULL)
               for call in calls]  # fmt: skip
    assert [process.wait() for process in running] == [0] * len(running)


def main() -> None:
    profile = packaged_profile()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "board.ini").write_text(profile.ini)
        run([[*COMPARE, "--keep", folder]], folder, f"{name}/warm")
        bare = [
            [find_vela(), folder / f"{model}.tflite", "--accelerator-config", profile.accelerator, "--config",
             folder / "board.ini", "--system-config", profile.system_config, "--memory-mode", profile.memory_mode,
             "--optimise", "Size", "--output-dir", folder / model, "--verbose-performance", "--verbose-allocation"]
            for model in ("bilinear_baseline", "subnet_000001000")
        ]  # fmt: skip
        new = count()
        found = in_turns({
            BARE: lambda: run(bare, folder, "unused"),
            COLD: lambda: run([COMPARE], folder, f"{name}/{next(new)}"),
            WARM: lambda: run([COMPARE], folder, f"{name}/warm"),
        }, ROUNDS)  # fmt: skip
    print(f"vela-compare of one subnet and the baseline (in turns, {ROUNDS} rounds)")
    for what, values in found.items():
        print(f"  {what:<28} {interval(values).median:6.2f} s   ratio {ratio(values, found[BARE])}")


if __name__ == "__main__":
    main()
