"""What the values of options complete to. Nothing heavy is imported: an answer takes no longer than `--help`.

What an option completes to is decided by its metavar, in one table. Each function takes what click knows of the line so
far and the begun word, and gives (value, help) pairs.
"""

import json
from functools import partial
from pathlib import Path
from typing import Callable, Dict, Iterable, List, Tuple

from efnas.cli.click import Command, CompletionItem, Context
from efnas.cli.options import DEFAULT_NETWORK
from efnas.core.space import SearchSpace
from efnas.core.supernet import SUPERNETS
from efnas.dotted import dotted
from efnas.strict_json import read_json

Candidates = List[Tuple[str, str]]
DEFAULTS = Path(__file__).with_name("config_defaults.json")
MANIFEST = "train_manifest.json"  # as efnas.runs.manifest has it, which imports pydantic


def _begun(candidates: Iterable[Tuple[str, str]], incomplete: str) -> Candidates:
    return [(value, told) for value, told in candidates if value.startswith(incomplete)]


def arch_codes(ctx: Context, incomplete: str) -> Candidates:
    """The baseline, the fair cycles of the pool, or of a code that was begun the next digit, with what it means."""
    name = (ctx.params if ctx else {}).get("network") or DEFAULT_NETWORK
    if name not in SUPERNETS:
        return []
    space = SUPERNETS[name].space
    digits = [str(digit) for digit in range(space.options_per_block)]
    if incomplete and set(incomplete) <= set(digits):
        if len(incomplete) >= len(space.blocks):
            return [(incomplete, _meaning(space, incomplete))] if len(incomplete) == len(space.blocks) else []
        block = space.blocks[len(incomplete)]
        return [(incomplete + digit, f"{block.name}: {block.label(int(digit))}") for digit in digits]
    named = [(space.baseline.compact, f"the baseline: {_meaning(space, space.baseline.compact)}")]
    for code in (*space.uniform_codes(), *space.shifts(space.baseline)[1:]):
        named.append((code.compact, f"of the pool: {_meaning(space, code.compact)}"))
    return _begun(named, incomplete)


def arch_codes_or_best(ctx: Context, incomplete: str) -> Candidates:
    best = [("best", "ranked first by the last efnas eval")]
    return _begun(best, incomplete) + arch_codes(ctx, incomplete)


def arch_codes_or_baseline(ctx: Context, incomplete: str) -> Candidates:
    baseline = [("baseline", "the bilinear network that subnets are compared with")]
    return _begun(baseline, incomplete) + arch_codes(ctx, incomplete)


def _meaning(space: SearchSpace, compact: str) -> str:
    code = space.parse(compact)
    return " ".join(f"{block.name}={block.options[digit].word}" for block, digit in zip(space.blocks, code))


def networks(ctx: Context, incomplete: str) -> Candidates:
    told = ((name, f"{each.space.size:,} subnets") for name, each in SUPERNETS.items())
    return _begun(told, incomplete)


def config_files(ctx: Context, incomplete: str) -> Candidates:
    """Those of configs/, with their first comment; where none begins so, other YAML files."""
    known = _begun(((str(path), _comment(path)) for path in sorted(Path("configs").glob("*.y*ml"))), incomplete)
    return known or _paths(incomplete, ".yaml", ".yml")


def _comment(path: Path) -> str:
    """The first line of a file when it is a comment."""
    try:
        with open(path, errors="replace") as file:
            first = file.readline().strip()
    except OSError:
        return ""
    return first[1:].strip() if first.startswith("#") else ""


def _paths(incomplete: str, *endings: str) -> Candidates:
    """Files with one of the endings (none: all files), and folders, which the next word goes into."""
    folder = Path(incomplete) if incomplete.endswith("/") else Path(incomplete).parent
    try:
        entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError:
        return []
    kept = [path for path in entries if path.is_dir() or not endings or path.suffix in endings]
    return _begun(((f"{path}/" if path.is_dir() else str(path), "") for path in kept), incomplete)


def experiments(ctx: Context, incomplete: str) -> Candidates:
    """Names of the runs below the output folder."""
    return _begun(((path.parent.name, _standing(path.parent)) for path in _manifests(ctx)), incomplete)


def run_folders(ctx: Context, incomplete: str) -> Candidates:
    """Folders of runs, and of other paths those with a manifest on the way."""
    found = _begun(((str(path.parent), _standing(path.parent)) for path in _manifests(ctx)), incomplete)
    return found or _paths(incomplete, ".yaml", ".json")


def _manifests(ctx: Context) -> List[Path]:
    return sorted(_root(ctx).glob(f"*/{MANIFEST}"))


def _root(ctx: Context) -> Path:
    return Path(ctx.params.get("output_root") or _defaults()["runtime.output_root"])


def checkpoints(ctx: Context, incomplete: str) -> Candidates:
    """`best` and `last` of the run in question, or the paths of the checkpoints of all runs."""
    folder = _root(ctx) / _experiment(ctx)
    words = [(which, _standing(folder, which)) for which in ("best", "last")]
    seals = [*_root(ctx).glob("*/*.ckpt.json")]
    paths = [
        (str(seal)[: -len(".json")], _standing(seal.parent, seal.name.split(".")[0][9:])) for seal in sorted(seals)
    ]
    return _begun(words + paths, incomplete)


def _experiment(ctx: Context) -> str:
    given, file = ctx.params.get("experiment_name"), ctx.params.get("config")
    return str(given or {**_defaults(), **_file_values(file)}["runtime.experiment_name"])


def _standing(folder: Path, which: str = "last") -> str:
    """What the seal of a checkpoint says: how far it is, how good."""
    try:
        state = read_json((folder / f"supernet_{which}.ckpt.json").read_text())["state"]
        best = f", best EPE {state['best']:.3f} px" if state["best"] < float("inf") else ""
        return f"{folder.name}: epoch {state['epoch']}{best}"
    except (OSError, ValueError, KeyError, TypeError):
        return f"{folder.name}: no checkpoint yet" if which == "last" else ""


def settings(ctx: Context, incomplete: str) -> Candidates:
    """Keys of the configuration with the value that they have: that of --config, else the default."""
    values = {**_defaults(), **_file_values(ctx.params.get("config"))}
    return _begun(((f"{key}=", f"now {json.dumps(value)}") for key, value in values.items()), incomplete)


def _defaults() -> Dict[str, object]:
    return json.loads(DEFAULTS.read_text())


def _file_values(path) -> Dict[str, object]:
    """The keys of a configuration file, or none when it cannot be read: completion never complains."""
    if not path or not Path(path).is_file():
        return {}
    import yaml

    try:
        tree = yaml.safe_load(Path(path).read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return dict(dotted(tree)) if isinstance(tree, dict) else {}


def board_profiles(ctx: Context, incomplete: str) -> Candidates:
    from efnas.vela.board import profile_names

    return _begun(((name, "board profile of the package") for name in profile_names()), incomplete)


def pretrained(ctx: Context, incomplete: str) -> Candidates:
    from efnas.runs.pretrained import network_names

    return _begun(((name, "trained network of the package") for name in network_names()), incomplete)


def velas(ctx: Context, incomplete: str) -> Candidates:
    """Versions that the project has an environment of; else paths."""
    project = Path(__file__).parents[3]
    found = []
    for environment in sorted(project.glob(".venv-vela*")):
        for info in environment.glob("lib/python*/site-packages/ethos_u_vela-*.dist-info"):
            found.append((info.name[len("ethos_u_vela-") : -len(".dist-info")], f"in {environment.name}"))
    return _begun(found, incomplete) or _paths(incomplete)


def _files(ctx: Context, incomplete: str) -> Candidates:
    return _paths(incomplete)


BY_METAVAR: Dict[str, Callable[[Context, str], Candidates]] = {
    "CODE": arch_codes,
    "CODE|best": arch_codes_or_best,
    "CODE|baseline": arch_codes_or_baseline,
    "best|last|PATH": checkpoints,
    "PATH|VERSION": velas,
    "SECTION.KEY=VALUE": settings,
    "PROFILE": board_profiles,
    "CONFIG": config_files,
    "EXPERIMENT": experiments,
    "RUN": run_folders,
    "RUN|PATH|pretrained": run_folders,
    "PRETRAINED": pretrained,
    "NETWORK": networks,
}
FILES = ("FILE", "DIR", "PATH", "TABLE", "OUT", "IMG")


def attach(command: Command) -> None:
    """Let every option and argument of a command, and of those below it, complete by its metavar."""
    for below in getattr(command, "commands", {}).values():
        attach(below)
    for param in command.params:
        complete = _by_metavar(param.metavar or "")
        if complete:
            param.shell_complete = partial(_items, complete)


def _by_metavar(metavar: str):
    if metavar.strip("[]") in BY_METAVAR:
        return BY_METAVAR[metavar.strip("[]")]
    if metavar.strip("[").startswith(FILES):
        return _files
    words = metavar.split("|")
    if len(words) > 1 and not any(word.isupper() for word in words):
        return lambda ctx, incomplete: _begun(((word, "") for word in words), incomplete)
    return None


def _items(complete: Callable, ctx: Context, incomplete: str) -> List[CompletionItem]:
    return [CompletionItem(value, help=told or None) for value, told in complete(ctx, incomplete)]
