"""Groups of options: a command takes a dataclass as one parameter, and Typer sees each of its fields as an option."""

import inspect
from dataclasses import fields, is_dataclass
from functools import wraps
from typing import Any, Callable, Dict


def grouped(command: Callable) -> Callable:
    """The command with its groups laid flat, in their place; a group may hold groups."""
    hints = {name: kind for name, kind in command.__annotations__.items() if name != "return"}
    parameters: Dict[str, inspect.Parameter] = {}
    for name, parameter in inspect.signature(command).parameters.items():
        own = {name: _parameter(name, hints[name], parameter.default)}
        parameters.update(options_of(hints[name]) if is_dataclass(hints[name]) else own)

    @wraps(command)
    def flat(**given: Any) -> Any:
        return command(**{name: _taken(name, kind, given) for name, kind in hints.items()})

    flat.__signature__ = inspect.Signature(list(parameters.values()))
    flat.__annotations__ = {name: parameter.annotation for name, parameter in parameters.items()}
    return flat


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
