"""What a run is, in three groups: identity (another value is another run), tuning (shown), place (of no account)."""

import platform
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Iterable, List, NamedTuple, Optional

from efnas import __version__
from efnas.cache import key_of
from efnas.config import CROP, Config, all_keys, as_tree
from efnas.config_files import RENAMED, load_config
from efnas.config_section import sections_of
from efnas.dotted import dotted
from efnas.errors import EfnasError
from efnas.files import write_json
from efnas.machine import library_versions
from efnas.runs.supernet import in_one_form
from efnas.strict_json import read_json

MANIFEST = "train_manifest.json"
FORMAT = 3
GROUPS = ("identity", "tuning", "place")
CONFIGURATIONS = (".yaml", ".yml")

TUNING_SECTIONS = ("eval", "checkpoint")
XLA, PRECISION = "train.xla", "train.precision"
TUNING_KEYS = {XLA}
PLACE_KEYS = {
    "runtime.experiment_name",
    "runtime.output_root",
    "runtime.gpu_device",
    "runtime.threads",
    "runtime.convolution_gradients",
    "data.base_path",
    "data.train_dir",
    "data.val_dir",
    "data.train_list",
    "data.val_list",
    "data.synthetic.textures",
    "train.init_from",
}
HOLDOUT, GEOMETRY = "data.val_holdout", "data.geometry"
AUGMENTATION, NATURAL = "data.augmentation", "data.synthetic.natural"
# Keys that there have not always been, with what runs did before: not in a manifest where they say that.
SERIES = "runtime.tensorflow"
LATER_KEYS = {"train.arch": None, "train.first_values": "shared", "train.lane_batches": "same", HOLDOUT: None,
              GEOMETRY: CROP, PRECISION: "float32", XLA: False, SERIES: "1.15",
              "runtime.convolution_gradients": "auto", AUGMENTATION: None, NATURAL: None,
              **{f"{name}.{key}": None for name, kind in sections_of(Config) if name in (AUGMENTATION, NATURAL)
                 for key in kind.model_fields}}  # fmt: skip

# Those of them that a configuration says.
SAID_LATER = set(LATER_KEYS) - {SERIES}
RANKS = "ranks"  # how many processes trained together, where they were more than one


def build_manifest(
    config: Config, network: Dict[str, object], data: Dict[str, dict], step: Dict[str, object], device: str,
    computing: Dict[str, object], ranks: int = 1,
) -> dict:  # fmt: skip
    """The manifest of a run. `network` names space, versions and width, `data` the fingerprint of each data set, `step`
    what is trained, what that began with and on which TensorFlow, `computing` what else decides how it rounds."""
    manifest = manifest_of_config(config)
    identity, tuning = manifest["identity"], manifest["tuning"]
    # What is trained alone is said by train.arch.
    identity.update({f"network.{key}": value for key, value in network.items() if key != "arch"})
    identity.update({f"data.{name}.{key}": value for name, marks in data.items() for key, value in marks.items()})
    identity.update({"train.optimiser": "adam", **step})
    if identity.get(SERIES) == LATER_KEYS[SERIES]:
        del identity[SERIES]
    tuning.update({"code.version": __version__, "code.commit": _commit(), "python": platform.python_version()})
    tuning.update({f"library.{name}": version for name, version in library_versions().items()})
    tuning.update({f"computing.{name}": value for name, value in computing.items()})
    if ranks > 1:
        tuning[RANKS] = ranks
    manifest["place"].update({"host": socket.gethostname(), "device": device, "argv": sys.argv[1:]})
    return manifest


def manifest_of_config(config: Config) -> dict:
    """What of a manifest a configuration alone can say."""
    groups: Dict[str, dict] = {name: {} for name in GROUPS}
    for key, value in dotted(as_tree(config)):
        if key in LATER_KEYS and value == LATER_KEYS[key]:
            continue
        tuned = key in TUNING_KEYS or key.split(".")[0] in TUNING_SECTIONS
        name = "place" if key in PLACE_KEYS else "tuning" if tuned else "identity"
        groups[name][key] = value
    return {"format": FORMAT, **groups, "history": []}


class Difference(NamedTuple):
    """A key whose values differ; None stands for a key that one side does not have."""

    group: str
    key: str
    left: Any
    right: Any

    @property
    def counts(self) -> bool:
        """Whether two runs with it are not alike."""
        return self.group != "place"


def differences(left: dict, right: dict) -> List[Difference]:
    """Where two manifests differ, by group; keys that a configuration cannot say count for two runs alone."""
    partial = "network.space" not in left["identity"] or "network.space" not in right["identity"]
    absent, found = {**LATER_KEYS, RANKS: 1}, []
    for group in GROUPS:
        one, other = left[group], right[group]
        keys = [key for key in {**one, **other} if not partial or (key in one and key in other) or key in SAID_LATER]
        pairs = [(key, *(each.get(key, absent.get(key)) for each in (one, other))) for key in keys]
        found += [Difference(group, *pair) for pair in pairs if pair[1] != pair[2]]
    return found


def geometry_of(settings: Dict[str, Any]) -> str:
    """That of a run whose identity, or settings by key, these are."""
    return settings.get(GEOMETRY, LATER_KEYS[GEOMETRY])


def identity_sha256(manifest: dict) -> str:
    """Names a run: the hash of its identity, which its checkpoints hold."""
    return key_of(**manifest["identity"])


def write_manifest(folder: Path, manifest: dict) -> None:
    """Write the manifest of a run, with a hash of itself."""
    write_json(folder / MANIFEST, {**manifest, "sha256": key_of(**manifest)})


def read_manifest(path: Path) -> dict:
    """The manifest in a file or in a run folder. Raises EfnasError when there is none, or it is damaged."""
    file = Path(path) / MANIFEST if Path(path).is_dir() else Path(path)
    try:
        manifest = read_json(file.read_text())
        if manifest["format"] not in (2, FORMAT) or manifest.pop("sha256") != key_of(**manifest):
            raise ValueError("changed")
        if not all(isinstance(manifest[group], dict) for group in GROUPS):
            raise ValueError("no groups")
        for entry in manifest["history"]:
            _require_entry(entry)
        return manifest if manifest["format"] == FORMAT else _of_format_2(manifest)
    except FileNotFoundError as error:
        raise EfnasError(f"There is no manifest {file} (efnas runs lists the runs).") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EfnasError(f"The manifest {file} is damaged: it is not as efnas wrote it.") from error


def manifest_at(path: Path) -> dict:
    """The manifest of a run folder or file, or what of one a configuration can say. Raises EfnasError for neither."""
    if not path.exists():
        raise EfnasError(f"There is no {path}: give a run folder, a manifest file or a configuration.")
    return manifest_of_config(in_one_form(load_config(path))) if path.suffix in CONFIGURATIONS else read_manifest(path)


def _require_entry(entry: dict) -> None:
    """Raises ValueError, TypeError or KeyError for what is no entry of a history."""
    pairs = [pair for pair in entry["changed"].values() if isinstance(pair, list) and len(pair) == 2]
    told = {"at", "step"} if pairs else set()  # a change of format is an entry too, of no step
    if not isinstance(entry["identity_sha256"], str) or len(pairs) != len(entry["changed"]) or not told <= set(entry):
        raise ValueError("no entry of a history")


def _of_format_2(manifest: dict) -> dict:
    """A manifest of before the network had a section of its own. Its checkpoints hold the hash of its old identity."""
    identity = manifest["identity"]
    entry = {"identity_sha256": key_of(**identity), "changed": {}}
    kept = {key: value for key, value in identity.items() if key not in RENAMED}
    identity = {**kept, "network.name": identity["network.space"]}
    return {**manifest, "format": FORMAT, "identity": identity, "history": [*manifest["history"], entry]}


def load_run_config(config_file: Optional[Path], options: Dict[str, Any], assignments: Iterable[str] = ()) -> Config:
    """The configuration of a command that looks at a run: that of the file, or, without one, what the run's own
    manifest holds; options and assignments count before both."""
    base, assignments = None, list(assignments)
    if not config_file:
        # Where the run is; the other options may only make sense beside what the run was trained with.
        places = {key: value for key, value in options.items() if key.startswith("runtime.")}
        said = [text for text in assignments if text.strip().startswith("runtime.")]
        manifest = load_config(None, places, said).runtime.run_folder / MANIFEST
        base = config_values(read_manifest(manifest)) if manifest.is_file() else None
    return load_config(config_file, options, assignments, base)


def config_values(manifest: dict) -> Dict[str, Any]:
    """What of a manifest is configuration, by key; a value that is null was set to that."""
    keys = set(all_keys())
    return {key: value for name in GROUPS for key, value in manifest[name].items() if key in keys}


def _commit() -> str:
    """The commit of the code, with + when files differ from it; empty for an installed package."""

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(Path(__file__).parents[1]), *words],
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
