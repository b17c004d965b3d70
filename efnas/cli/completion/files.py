"""The files of completion that are made from the program: `python -m efnas.cli.completion.files` writes them anew."""

import json
from pathlib import Path
from typing import Dict

from efnas.cli.completion.scripts import complete_scripts
from efnas.cli.completion.values import DEFAULTS
from efnas.dotted import dotted
from efnas.files import write_whole

FOLDER = Path(__file__).parents[3] / "completions"
NAMES = {"bash": "efnas.bash", "zsh": "_efnas", "fish": "efnas.fish"}


def files() -> Dict[Path, str]:
    """The content of every file, by its path."""
    from typer.completion import get_completion_script

    from efnas.config import Config, Synthetic, as_tree

    complete_scripts()
    made = {}
    for shell, name in NAMES.items():
        script = get_completion_script(prog_name="efnas", complete_var="_EFNAS_COMPLETE", shell=shell)
        made[FOLDER / name] = script + "\n"
    tree = as_tree(Config())
    tree["data"]["synthetic"] = as_tree(Synthetic())
    made[DEFAULTS] = json.dumps(dict(dotted(tree)), indent=1) + "\n"
    return made


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for path, content in files().items():
        write_whole(path, content)
        print(path)
