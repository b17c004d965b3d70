"""The click that Typer is made of: the package of that name, or the copy of it that newer versions bring along."""

from importlib import import_module

import typer

_PACKAGE = typer.Context.__mro__[1].__module__.rpartition(".")[0]


def _module(name: str):
    return import_module(f"{_PACKAGE}.{name}")


Command = _module("core").Command
Context = _module("core").Context
ParameterSource = _module("core").ParameterSource
ClickException = _module("exceptions").ClickException
NoSuchOption = _module("exceptions").NoSuchOption
get_current_context = _module("globals").get_current_context
CompletionItem = _module("shell_completion").CompletionItem
