"""How a run is named on the command line: by its folder, or by its name below the output folder."""

from pathlib import Path
from typing import Optional

from efnas.config import Runtime


def run_folder(run: Path, root: Optional[Path] = None) -> Path:
    """The folder of a run that is named one way or the other; what is no run stays what it is."""
    below = (root or Runtime().output_root) / run
    return below if below.is_dir() and not run.exists() else run


def options_for(folder: Path) -> str:
    """The options by which other commands find the run of this folder."""
    elsewhere = folder.parent != Runtime().output_root
    return f"--experiment-name {folder.name}" + (f" --output-root {folder.parent}" if elsewhere else "")
