"""YAML read strictly: numbers as YAML 1.2 writes them, only `true` and `false` as truth values, and no key twice.

YAML 1.1, which PyYAML reads, takes 010 for 8, 1:30 for 90, `no` for false and 2020-01-01 for a date. A tag that is
written out, as in `!!bool`, stands for one of the types that JSON has.
"""

import re
from typing import Any

import yaml

TAG = "tag:yaml.org,2002:"
TYPES = ("null", "str", "seq", "map")  # beside the numbers and truth values below


def _marked(problem: str, node: yaml.Node) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in known if tag.endswith((":null", ":merge"))]
        for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    yaml_constructors = {
        tag: construct
        for tag, construct in yaml.SafeLoader.yaml_constructors.items()
        if tag is None or tag[len(TAG) :] in TYPES
    }

    def construct_mapping(self, node, deep=False):
        if not isinstance(node, yaml.MappingNode):
            raise _marked("it has no keys where it says so", node)
        _require_words(node)
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise _marked(f"it has the key '{key.value}' twice", key)
            seen.add(key.value)
        return super().construct_mapping(node, deep)

    def flatten_mapping(self, node):
        """What `<<` adds, each key once: sections that add one another double in length with every one."""
        super().flatten_mapping(node)
        _require_words(node)
        node.value = list({key.value: (key, value) for key, value in node.value}.values())


def _require_words(node: yaml.MappingNode) -> None:
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _marked("it has a key that is no word", key)


def _number(kind: type, pattern: str) -> None:
    def construct(loader, node):
        written = loader.construct_scalar(node)
        if not re.match(f"^(?:{pattern})$", written):
            raise _marked("it has a tag of numbers before what is none", node)
        try:
            return kind(written.replace(".inf", "inf").replace(".nan", "nan"))
        except ValueError as error:  # thousands of digits
            raise _marked("it has a number too long", node) from error

    tag = TAG + kind.__name__
    _Loader.add_implicit_resolver(tag, re.compile(f"^(?:{pattern})$"), list("-+.0123456789"))
    _Loader.add_constructor(tag, construct)


def _truth(loader, node) -> bool:
    written = loader.construct_scalar(node)
    if written not in ("true", "false"):
        raise _marked("it has a truth value that is not true or false", node)
    return written == "true"


_number(int, r"[-+]?[0-9]+")
_number(float, r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan")
_Loader.add_implicit_resolver(f"{TAG}bool", re.compile(r"^(?:true|false)$"), list("tf"))
_Loader.add_constructor(f"{TAG}bool", _truth)


def read_yaml(text: str) -> Any:
    """Raises yaml.YAMLError; `problem` of it may say more than that it is no YAML."""
    try:
        return yaml.load(text, _Loader)  # noqa: S506  a safe one
    except RecursionError as error:
        raise yaml.MarkedYAMLError(problem="it is nested too deeply") from error
