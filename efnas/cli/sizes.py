"""`--size`: several input sizes in one answer, for the commands that know costs."""

from typing import Dict, List, Optional

import typer
from typing_extensions import Annotated

from efnas.cli.options import CostOptions
from efnas.errors import EfnasError

Sizes = Annotated[
    Optional[List[str]],
    typer.Option("--size", metavar="HxW", show_default="one", help="Input size, of whole frames; may be repeated."),
]


def settings_at(cost: CostOptions, sizes: Optional[List[str]], of_run: bool) -> Dict:
    """The `Config` by `Size`; without sizes the one that is asked for, by None. Raises EfnasError for what is no size,
    and for options that contradict them."""
    from efnas.config import WHOLE
    from efnas.core.input_size import Size

    given = {"runtime.seed": cost.seed, **cost.size.as_keys()}
    if not sizes:
        return {None: cost.run.settings(given, of_run=of_run)}
    if cost.size.height or cost.size.width:
        raise EfnasError("--size contradicts --height and --width: give one.")
    found = {}
    for size in map(Size.of_text, sizes):
        keys = {"data.input_height": size.height, "data.input_width": size.width, "data.geometry": WHOLE}
        found[size] = settings = cost.run.settings({**given, **keys}, of_run=of_run)
        data = settings.data
        if (data.input_height, data.input_width, data.geometry) != (*size, WHOLE):
            raise EfnasError(
                "--size says what data.input_height and data.input_width are, and that data.geometry is whole: leave "
                "them out of --set."
            )
    return found


def files_at(cost: CostOptions, sizes: Optional[List[str]], checkpoint: Optional[str], skip: bool = False) -> Dict:
    """The `NetworkFiles` by `Size`, or by None those of the one size; see `CostOptions.files`."""
    from efnas.runs.supernet import whole_supernet_of

    every = settings_at(cost, sizes, of_run=checkpoint is not None)
    for settings in every.values():
        whole_supernet_of(settings)  # refuses a size that it cannot have
    files = cost.files(checkpoint, skip)
    return {size: files._replace(config=settings) for size, settings in every.items()}
