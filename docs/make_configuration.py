"""Writes configuration.md, the page of every key, from what the configuration says of itself: `make generated`."""

import json
from pathlib import Path
from typing import Iterator, Type

from efnas.config import Config, as_tree
from efnas.config_section import Section, sections_of

PAGE = Path(__file__).with_name("configuration.md")
OPENING = """# The configuration

One YAML file, six sections. A file holds only what differs from the defaults below, as `configs/` shows; a key that
does not exist is an error that names the nearest one. What counts: the defaults, then the file (for a run that goes on
or is looked at, without `--config`: its own configuration), then options of the command, then `--set`.
`efnas train --config FILE --dry-run` prints all of it. Ranges are checked; NaN and infinity are never taken.
"""


def page() -> str:
    return OPENING + "".join("\n" + "\n".join(_section(*section)) + "\n" for section in sections_of(Config))


def _section(name: str, kind: Type[Section]) -> Iterator[str]:
    yield f"## {name}"
    yield f"\n{kind.__doc__}\n"
    yield "| key | default | takes | |"
    yield "|---|---|---|---|"
    schema, defaults = kind.model_json_schema(), as_tree(kind())
    for key, told in schema["properties"].items():
        default = json.dumps(defaults[key]).strip('"')
        yield f"| `{key}` | `{default}` | {_takes(told)} | {told['description']} |"


def _takes(told: dict) -> str:
    if "anyOf" in told:
        return " or ".join(_takes(one) for one in told["anyOf"])
    if "allOf" in told or "$ref" in told:
        return "a section"
    if "enum" in told or "const" in told:
        return ", ".join(f"`{value}`" for value in told.get("enum", [told.get("const")]))
    if told["type"] == "array":
        return f"list of {_takes(told['items'])}"
    words = {"integer": "integer", "number": "number", "null": "null", "string": "text", "boolean": "true or false"}
    word = "path" if told.get("format") == "path" else words[told["type"]]
    limits = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "below"}
    return " ".join([word, *(f"{said} {_number(told[key])}" for key, said in limits.items() if key in told)])


def _number(value: float) -> str:
    return "2^63" if value == 2**63 else f"{value:,.15g}"


if __name__ == "__main__":
    PAGE.write_text(page())
    print(PAGE)
