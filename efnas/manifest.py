"""What a run is, in three groups: identity (another value is another run), tuning (shown), place (of no account)."""

import json
import platform
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Iterable, Optional

from efnas import __version__
from efnas.config import Config, all_keys, as_tree, load_config
from efnas.errors import EfnasError

MANIFEST = "train_manifest.json"
FORMAT = 1
GROUPS = ("identity", "tuning", "place")

TUNING_SECTIONS = ("eval", "checkpoint")
PLACE_KEYS = {
    "runtime.experiment_name",
    "runtime.output_root",
    "runtime.gpu_device",
    "runtime.threads",
    "data.base_path",
    "data.train_dir",
    "data.val_dir",
    "data.train_list",
    "data.val_list",
    "data.synthetic.textures",
}
# Libraries whose version can change a figure.
LIBRARIES = ("tensorflow", "intel-tensorflow", "numpy", "scipy")


def build_manifest(config: Config, network: Dict[str, object], data: Dict[str, dict], device: str) -> dict:
    """The manifest of a run. `network` names space, versions and width; `data` the fingerprint of each data set."""
    identity, tuning, place = {}, {}, {"host": socket.gethostname(), "device": device, "argv": sys.argv[1:]}
    for key, value in _flatten(as_tree(config)):
        group = place if key in PLACE_KEYS else tuning if key.split(".")[0] in TUNING_SECTIONS else identity
        group[key] = value
    identity.update({f"network.{key}": value for key, value in network.items()})
    identity.update({f"data.{name}.{key}": value for name, marks in data.items() for key, value in marks.items()})
    identity["train.optimiser"] = "adam"
    tuning.update({"code.version": __version__, "code.commit": _commit(), "python": platform.python_version()})
    tuning.update({f"library.{name}": version for name, version in library_versions().items()})
    return {"format": FORMAT, "identity": identity, "tuning": tuning, "place": place}


def load_run_config(config_file: Optional[Path], options: Dict[str, Any], assignments: Iterable[str] = ()) -> Config:
    """The configuration of a command that looks at a run: that of the file, or, without one, what the run's own
    manifest holds; options and assignments count before both."""
    config = load_config(config_file, options, assignments)
    manifest = config.runtime.run_folder / MANIFEST
    if config_file or not manifest.is_file():
        return config
    try:
        groups = json.loads(manifest.read_text())
        stored = {key: value for name in GROUPS for key, value in groups[name].items() if key in all_keys()}
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise EfnasError(f"The manifest {manifest} cannot be read.") from error
    given = {key: value for key, value in options.items() if value is not None}
    return load_config(None, {**stored, **given}, assignments)


def _flatten(tree: dict, prefix: str = ""):
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _commit() -> str:
    """The commit of the code, with + when files differ from it; empty for an installed package."""

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(Path(__file__).parent), *words],
            check=True,
            timeout=10,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", __file__)
        return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain", "--", ".") else "")
    except (OSError, subprocess.SubprocessError):
        return ""


def library_versions() -> Dict[str, str]:
    from importlib_metadata import PackageNotFoundError, version

    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
