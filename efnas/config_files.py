"""Reading configurations. Order of what counts: defaults, what a run was trained with, file, options, `--set`.

A file holds only what differs from the defaults; a key that does not exist is an error that names the nearest one.
"""

import difflib
from pathlib import Path
from typing import Any, Dict, Iterable, Optional

import yaml
from pydantic import BaseModel, ValidationError

from efnas.config import Config, all_keys
from efnas.config_section import section_in
from efnas.errors import LONGEST, EfnasError, brief
from efnas.files import read_file
from efnas.strict_yaml import read_yaml

# Keys of older files and runs, by their names of today.
RENAMED = {"train.base_width": "network.base_width"}


def load_config(
    file: Optional[Path] = None,
    options: Optional[Dict[str, Any]] = None,
    assignments: Iterable[str] = (),
    base: Optional[Dict[str, Any]] = None,
) -> Config:
    """The resolved configuration.

    `base` are values by key that stand in for a file; `options` are those of the command's own options (None: not
    given); `assignments` are the texts of `--set section.key=value`, their values read as YAML.
    Raises EfnasError with one sentence for the first thing wrong.
    """
    tree: Dict[str, Any] = {}
    for key, value in (base or {}).items():
        _assign(tree, key, value)
    tree = _read_file(Path(file)) if file else tree
    said = []  # keys that do not come from the file
    for key, value in (options or {}).items():
        if value is not None:
            _assign(tree, key, value)
            said.append(key)
    for text in assignments:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise EfnasError(f"--set takes section.key=value, not '{text}'.")
        try:
            read = read_yaml(value)
            if read is None and value.strip().startswith("#"):
                raise EfnasError(
                    f"--set {text}: # begins a comment; put the value in quotes, as in --set \"{key}='#27'\"."
                )
            _assign(tree, key.strip(), read)
            said.append(key.strip())
        except yaml.YAMLError as error:
            raise EfnasError(f"--set {text}: the value cannot be read.") from error
    _refuse_unknown_keys(tree, Config, (), file)
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"] if not isinstance(part, int))
        message = first["msg"].replace("Value error, ", "")
        where = f" in {file}" if file and key not in said else ""
        shown = "" if isinstance(first["input"], (dict, BaseModel)) else f" (it is {brief(first['input'])})"
        raise EfnasError(f"Configuration{where}: {key + ': ' if key else ''}{message}{shown}.") from error


def _read_file(file: Path) -> dict:
    try:
        tree = read_yaml(read_file(file).decode("utf-8-sig"))
    except FileNotFoundError as error:
        raise EfnasError(f"There is no configuration file {file}.") from error
    except UnicodeDecodeError as error:
        raise EfnasError(f"Cannot read the configuration file {file}: it is not text in UTF-8.") from error
    except OSError as error:
        raise EfnasError(f"Cannot read the configuration file {file}: {error.strerror}.") from error
    except yaml.YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None) or ""
        why = f": {problem}" if problem.startswith("it ") else ""
        raise EfnasError(f"{file} is not valid YAML{why}{f' (line {mark.line + 1})' if mark else ''}.") from error
    if tree is None:
        return {}
    if isinstance(tree, dict):  # a section with no keys below it has its defaults
        tree = {section: {} if values is None else values for section, values in tree.items()}
    if not isinstance(tree, dict):
        raise EfnasError(f"{file} is not a configuration: it must hold sections such as 'train:' with keys below.")
    for name, new in RENAMED.items():
        section, key = name.split(".")
        if isinstance(tree.get(section), dict) and key in tree[section]:
            if new.split(".")[0] in tree:
                raise EfnasError(f"{file} has {name}, which is {new} today, beside a section of that: move it there.")
            _assign(tree, new, tree[section].pop(key))
    return tree


def _assign(tree: dict, dotted: str, value: Any) -> None:
    *parents, key = RENAMED.get(dotted, dotted).split(".")
    for parent in parents:
        if not isinstance(tree.setdefault(parent, {}), dict):
            tree[parent] = {}
        tree = tree[parent]
    tree[key] = value


def _refuse_unknown_keys(tree: dict, model, path: tuple, file) -> None:
    known = model.model_fields
    for key, value in tree.items():
        dotted = ".".join(path + (str(key),))
        if key not in known:
            # Of a key of many thousands of signs the comparison would take seconds.
            near = difflib.get_close_matches(dotted[:LONGEST], all_keys(), n=1, cutoff=0.3)
            if not path:  # a section, or a key written without its section
                near = [name for name in all_keys() if name.endswith(f".{key}")] or difflib.get_close_matches(
                    str(key)[:LONGEST], list(known), n=1, cutoff=0.3
                )
            hint = f"; did you mean '{near[0]}'?" if near else f"; the sections are {', '.join(Config.model_fields)}."
            raise EfnasError(f"Unknown configuration key '{dotted}'{f' in {file}' if file else ''}{hint}")
        inner = section_in(known[key].annotation)
        if isinstance(value, dict) and inner is not None:
            _refuse_unknown_keys(value, inner, path + (key,), file)
