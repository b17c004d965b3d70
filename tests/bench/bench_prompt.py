"""How long a prompt waits: efnas commands against the --help of a bare Typer application, in the same run."""

import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 10
BARE = "import typer\napp = typer.Typer()\n@app.command()\ndef hello(name: str):\n    print(name)\napp()"
BIN = Path(sys.executable).parent


def seconds(call) -> float:
    began = time.perf_counter()
    subprocess.run(call, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def main() -> None:
    calls = {"a bare Typer application's --help": [sys.executable, "-c", BARE, "--help"],
             "efnas --help": [str(BIN / "efnas"), "--help"],
             "efnas train --help": [str(BIN / "efnas"), "train", "--help"],
             **{f"efnas {words} --help": [str(BIN / "efnas"), *words.split(), "--help"]
                for words in ("sweep", "vela-compare", "runs", "infer", "doctor")},
             "efnas codec show 000001000": [str(BIN / "efnas"), "codec", "show", "000001000"],
             **{f"<Tab> after efnas {words}": ["env", "_EFNAS_COMPLETE=complete_bash", f"COMP_WORDS=efnas {words} ",
                                               f"COMP_CWORD={1 + len(words.split())}", str(BIN / "efnas")]
                for words in ("", "codec show", "train --set", "eval --checkpoint", "sweep --vela", "fit --profile")},
             }  # fmt: skip
    found = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            found[name].append(seconds(call))
    medians = {name: statistics.median(values) for name, values in found.items()}
    bare = next(iter(medians.values()))
    print(f"Prompt, median of {ROUNDS}")
    for name, median in medians.items():
        print(f"  {name:<38} {median:.3f} s   ratio {median / bare:.2f}")


if __name__ == "__main__":
    main()
