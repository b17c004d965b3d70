"""The files of completion that are made from the program: `python -m efnas.cli.completion.files` writes them anew."""

import json
from pathlib import Path
from typing import Dict

from efnas.cli.completion.scripts import complete_scripts
from efnas.cli.completion.values import DEFAULTS
from efnas.files import write_whole

FOLDER = Path(__file__).parents[3] / "completions"
NAMES = {"bash": "efnas.bash", "zsh": "_efnas", "fish": "efnas.fish"}


def files() -> Dict[Path, str]:
    """The content of every file, by its path."""
    from typer.completion import get_completion_script

    from efnas.config import Config, as_tree
    from efnas.config_section import sections_of

    complete_scripts()
    made = {}
    for shell, name in NAMES.items():
        script = get_completion_script(prog_name="efnas", complete_var="_EFNAS_COMPLETE", shell=shell)
        made[FOLDER / name] = script + "\n"
    sections = dict(sections_of(Config))
    values = {f"{name}.{key}": value for name, kind in sections.items() for key, value in as_tree(kind()).items()}
    defaults = {key: value for key, value in values.items() if key not in sections}
    made[DEFAULTS] = json.dumps(defaults, indent=1) + "\n"
    return made


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for path, content in files().items():
        write_whole(path, content)
        print(path)
