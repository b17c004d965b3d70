"""What every section of the configuration does with the values it is given."""

import os
from pathlib import Path
from typing import Any, Iterator, Optional, Tuple, Type, Union

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator
from typing_extensions import Literal

from efnas.files import too_long


def _alternatives(annotation: Any) -> tuple:
    """The types of a union, or the one type."""
    return annotation.__args__ if getattr(annotation, "__origin__", None) is Union else (annotation,)


def _require_bytes(text: str) -> None:
    """Raises ValueError for half a sign, as YAML may write it: no file can have such a name."""
    try:
        os.fsencode(text)
    except UnicodeEncodeError as error:
        raise ValueError("must be text that a file can hold") from error


def _expanded(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # pathlib's word for it
        raise ValueError("begins with the home folder of a user that there is not") from error


class Section(BaseModel):
    """A section of the configuration: values cannot be changed once read, and are never NaN or infinite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, protected_namespaces=())

    @field_validator("*", mode="before")
    @classmethod
    def _as_it_is_written(cls, value: Any, told: ValidationInfo) -> Any:
        """Neither truth values nor texts stand for numbers; ~ in a path is the home folder."""
        annotation = cls.model_fields[told.field_name].annotation
        kinds = {getattr(kind, "__origin__", kind) for kind in _alternatives(annotation)}
        if kinds & {int, float} and isinstance(value, (bool, str)) and Literal not in kinds:
            raise ValueError("must be a number")
        if isinstance(value, str) and "\0" in value:
            raise ValueError("must not hold a NUL character")
        if Path in kinds and value == "":
            raise ValueError("must not be empty")
        if isinstance(value, str):
            _require_bytes(value)
        if Path in kinds and isinstance(value, str) and too_long(Path(value)):
            raise ValueError("has a name that is longer than a file's may be")
        return _expanded(value) if Path in kinds and isinstance(value, str) else value


def section_in(annotation: Any) -> Optional[Type[Section]]:
    """The section that a key of this type holds, where it may be left out, too."""
    kinds = (kind for kind in _alternatives(annotation) if isinstance(kind, type) and issubclass(kind, Section))
    return next(kinds, None)


def sections_of(model: Type[Section], path: str = "") -> Iterator[Tuple[str, Type[Section]]]:
    """The sections in a configuration by name, each before those in it: `data`, `data.synthetic`."""
    for key, field in model.model_fields.items():
        inner = section_in(field.annotation)
        if inner is not None:
            yield f"{path}{key}", inner
            yield from sections_of(inner, f"{path}{key}.")
