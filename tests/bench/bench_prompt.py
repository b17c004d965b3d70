"""How long a prompt waits: efnas commands against the --help of a bare Typer application, in the same run."""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from efnas.cli.app import COMMANDS, load

ROUNDS = 10
BARE = "import typer\napp = typer.Typer()\n@app.command()\ndef hello(name: str):\n    print(name)\napp()"
EFNAS = str(Path(sys.executable).parent / "efnas")
CODEC = (["show", "000001000"], ["encode", "EB0=2"], ["translate", "000001000"], ["self-test"])
BEGUN = ("", "codec show ", "codec show 00", "train --config ", "train --set train.", "eval --experiment-name ",
         "eval --checkpoint ", "export --arch ", "runs show ", "vela-compare --vela ", "fit --profile ",
         "sweep --method ")  # fmt: skip


def commands(command, words=()):
    """The words of every command and sub-command."""
    yield list(words)
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, (*words, name))


def completion(line: str) -> dict:
    words = f"efnas {line}"
    return {"_EFNAS_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)}


def seconds(call, environment) -> float:
    began = time.perf_counter()
    subprocess.run(call, stdout=subprocess.DEVNULL, check=True, env={**os.environ, **environment})
    return time.perf_counter() - began


def main() -> None:
    helps = [[], *(words for name in COMMANDS for words in commands(load(name), [name]))]
    calls = {("bare", "bare"): ([sys.executable, "-c", BARE, "--help"], {})}
    calls.update({("--help", " ".join(["efnas", *words])): ([EFNAS, *words, "--help"], {}) for words in helps})
    calls.update({("codec", " ".join(words)): ([EFNAS, "codec", *words], {}) for words in CODEC})
    calls.update({("<Tab>", f"efnas {line}".strip()): ([EFNAS], completion(line)) for line in BEGUN})
    found = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            found[name].append(seconds(*call))
    medians = {name: statistics.median(values) for name, values in found.items()}
    bare = medians.pop(("bare", "bare"))
    print(f"Prompt, median of {ROUNDS}: a bare Typer application's --help takes {bare:.3f} s  (goal <= 1.1 of it)")
    for kind in dict.fromkeys(kind for kind, _ in medians):
        ratios = sorted((median / bare, name) for (each, name), median in medians.items() if each == kind)
        (least, quickest), (most, slowest) = ratios[0], ratios[-1]
        print(f"  {kind:<6} {len(ratios):>2} lines, ratio {least:.2f} ({quickest}) to {most:.2f} ({slowest})")


if __name__ == "__main__":
    main()
