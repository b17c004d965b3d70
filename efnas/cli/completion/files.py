"""The files of completion that are made from the program: `python -m efnas.cli.completion.files` writes them anew."""

import json
from pathlib import Path
from typing import Dict

from efnas.cli.completion.values import DEFAULTS
from efnas.dotted import dotted
from efnas.files import write_whole

FOLDER = Path(__file__).parents[3] / "completions"
NAMES = {"bash": "efnas.bash", "zsh": "_efnas", "fish": "efnas.fish"}
# Bash ends a completed word with a blank: not where a value or the rest of a path is to follow.
NO_BLANK = "    case ${COMPREPLY[0]} in *[=/]) compopt -o nospace ;; esac\n    return 0"
# Loaded by zsh from $fpath the file is the function itself: it has to answer the first time, too.
AUTOLOADED = '\n\nif [ "$funcstack[1]" = "_efnas" ]; then\n  _efnas_completion "$@"\nfi'


def files() -> Dict[Path, str]:
    """The content of every file, by its path."""
    from typer.completion import get_completion_script

    from efnas.config import Config, Synthetic, as_tree

    made = {}
    for shell, name in NAMES.items():
        script = get_completion_script(prog_name="efnas", complete_var="_EFNAS_COMPLETE", shell=shell)
        script = script.replace("    return 0", NO_BLANK) if shell == "bash" else script
        made[FOLDER / name] = script + (AUTOLOADED if shell == "zsh" else "") + "\n"
    tree = as_tree(Config())
    tree["data"]["synthetic"] = as_tree(Synthetic())
    made[DEFAULTS] = json.dumps(dict(dotted(tree)), indent=1) + "\n"
    return made


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for path, content in files().items():
        write_whole(path, content)
        print(path)
