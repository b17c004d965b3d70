"""Options that several commands share."""

from pathlib import Path
from typing import List, Optional

import typer
from typing_extensions import Annotated

from efnas.errors import EfnasError

ConfigFile = Annotated[
    Optional[Path],
    typer.Option(
        "--config",
        "-c",
        metavar="CONFIG",
        show_default=False,
        help="Configuration (YAML); what it leaves out has its default.",
    ),
]
Assignments = Annotated[
    Optional[List[str]],
    typer.Option(
        "--set",
        metavar="SECTION.KEY=VALUE",
        show_default=False,
        help="Set any key of the configuration; may be repeated.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
ExperimentName = Annotated[
    Optional[str], typer.Option(metavar="EXPERIMENT", show_default=False, help="Name of the run and of its folder.")
]
OutputRoot = Annotated[Optional[Path], typer.Option(metavar="DIR", show_default=False, help="Where runs are kept.")]
BasePath = Annotated[Optional[Path], typer.Option(metavar="DIR", show_default=False, help="Folder of the data set.")]
GpuDevice = Annotated[Optional[int], typer.Option(min=-1, show_default=False, help="GPU to use; -1 for the CPU.")]
Height = Annotated[Optional[int], typer.Option(min=16, show_default="180", help="Input height in pixels.")]
Width = Annotated[Optional[int], typer.Option(min=16, show_default="240", help="Input width in pixels.")]
BaseWidth = Annotated[Optional[int], typer.Option(min=2, show_default="32", help="Channels of the first layer.")]
Form = Annotated[str, typer.Option(metavar="accumulated|two-scale", help="One output, or two for the host to add.")]
SweepTable = Annotated[
    Optional[Path],
    typer.Option("--table", metavar="TABLE", show_default=False, help="Show what the table of a sweep says, too."),
]


def require_choice(option: str, value: str, choices) -> None:
    if value not in choices:
        raise EfnasError(f"{option} is {' or '.join(choices)}, not '{value}'.")
