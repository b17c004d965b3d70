"""YAML read strictly: numbers as YAML 1.2 writes them, only `true` and `false` as truth values, and no key twice.

YAML 1.1, which PyYAML reads, takes 010 for 8, 1:30 for 90, `no` for false and 2020-01-01 for a date.
"""

import re
from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in known if tag.endswith((":null", ":merge"))]
        for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"it has the key '{key.value}' twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _number(kind: type, pattern: str) -> None:
    def construct(loader, node):
        try:
            return kind(loader.construct_scalar(node).replace(".inf", "inf").replace(".nan", "nan"))
        except ValueError as error:  # thousands of digits
            raise yaml.MarkedYAMLError(problem="it has a number too long", problem_mark=node.start_mark) from error

    tag = f"tag:yaml.org,2002:{kind.__name__}"
    _Loader.add_implicit_resolver(tag, re.compile(f"^(?:{pattern})$"), list("-+.0123456789"))
    _Loader.add_constructor(tag, construct)


_number(int, r"[-+]?[0-9]+")
_number(float, r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan")
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))


def read_yaml(text: str) -> Any:
    """Raises yaml.YAMLError; `problem` of it may say more than that it is no YAML."""
    try:
        return yaml.load(text, _Loader)  # noqa: S506  a safe one
    except RecursionError as error:
        raise yaml.MarkedYAMLError(problem="it is nested too deeply") from error
