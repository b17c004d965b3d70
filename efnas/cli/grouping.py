"""Groups of options: a command takes a dataclass as one parameter, and Typer sees each of its fields as an option.

What holds for the options of every command is checked here: numbers are finite, names short enough, no output an input.
"""

import inspect
from dataclasses import fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import Any, Callable, Dict, List

from efnas.errors import EfnasError
from efnas.files import too_long


def grouped(command: Callable) -> Callable:
    """The command with its groups laid flat, in their place; a group may hold groups."""
    hints = {name: kind for name, kind in command.__annotations__.items() if name != "return"}
    parameters: Dict[str, inspect.Parameter] = {}
    for name, parameter in inspect.signature(command).parameters.items():
        own = {name: _parameter(name, hints[name], parameter.default)}
        parameters.update(options_of(hints[name]) if is_dataclass(hints[name]) else own)

    @wraps(command)
    def flat(**given: Any) -> Any:
        _require_finite(given)
        _require_paths(given)
        _require_apart(given)
        return command(**{name: _taken(name, kind, given) for name, kind in hints.items()})

    flat.__signature__ = inspect.Signature(list(parameters.values()))
    flat.__annotations__ = {name: parameter.annotation for name, parameter in parameters.items()}
    return flat


# What commands write to.
OUTPUTS = ("out", "plot", "summary")
WORDS_OR_PATHS = ("checkpoint", "vela")
LONGEST_PATH = 4095  # of Linux, in bytes


def _require_finite(given: Dict[str, Any]) -> None:
    for name, value in given.items():
        if isinstance(value, float) and value - value != 0:
            raise EfnasError(f"--{name.replace('_', '-')} must be a finite number, not {value}.")


def _require_apart(given: Dict[str, Any]) -> None:
    """Raises EfnasError when what is to be written is what is to be read, by whatever path it is reached."""
    outputs = {name: given[name] for name in OUTPUTS if given.get(name)}
    inputs = [Path(text) for name, values in given.items() if name not in OUTPUTS for text in _texts(values)]
    for name, path in outputs.items():
        for written in (path, path.with_name(f"{path.name}.json")):
            sealed = ".ckpt" in written.name and written.exists()
            if sealed or any(_is_same(written, read) for read in inputs):
                raise EfnasError(f"--{name} would replace {written}, which is no output: name another place.")


def _texts(values: Any) -> List[str]:
    """What of an option's values may be a path."""
    values = values if isinstance(values, (list, tuple)) else [values]
    texts = [str(value) for value in values if isinstance(value, (str, Path))]
    return [text for text in texts if text and len(text) <= LONGEST_PATH]


def _is_same(written: Path, read: Path) -> bool:
    try:
        return written.samefile(read)
    except OSError:  # one of them is not there
        return False


def _require_paths(given: Dict[str, Any]) -> None:
    for name, value in given.items():
        if (isinstance(value, Path) or (value and name in WORDS_OR_PATHS)) and too_long(Path(value)):
            raise EfnasError(f"'{str(value)[:40]}...' has a name that is longer than a file's may be.")


def options_of(group: type) -> Dict[str, inspect.Parameter]:
    """The options of a group and of those in it, by name."""
    hints = group.__annotations__
    found: Dict[str, inspect.Parameter] = {}
    for field in fields(group):
        kind = hints[field.name]
        own = {field.name: _parameter(field.name, kind, field.default)}
        found.update(options_of(kind) if is_dataclass(kind) else own)
    return found


def _parameter(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _taken(name: str, kind: Any, given: Dict[str, Any]) -> Any:
    if not is_dataclass(kind):
        return given[name]
    hints = kind.__annotations__
    return kind(**{field.name: _taken(field.name, hints[field.name], given) for field in fields(kind)})
