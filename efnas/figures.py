"""Pictures drawn by matplotlib, which needs no display for them; a picture appears whole or not at all."""

import io
import logging
from pathlib import Path

from efnas.errors import EfnasError
from efnas.files import require_folder_of, write_whole

# Where matplotlib keeps its list of fonts is no user's concern: it would tell of a home that cannot be written to.
logging.getLogger("matplotlib").setLevel(logging.ERROR)
FORMATS = (".png", ".svg", ".pdf")


def require_picture(path: Path) -> None:
    """Raises EfnasError when a picture cannot be written there; asked before the work that it is to show."""
    require_folder_of(path)
    if path.suffix not in FORMATS:
        raise EfnasError(f"Cannot draw {path}: name a file that ends with {', '.join(FORMATS)}.")


def new_figure(width: float, height: float):
    """An empty figure of so many inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), constrained_layout=True)
    FigureCanvasAgg(figure)
    return figure


def picture_of(figure, name: str, dpi: int = 110) -> bytes:
    """The content of the file of this name, in the format that it ends with."""
    picture = io.BytesIO()
    figure.savefig(picture, format=Path(name).suffix.lstrip("."), dpi=dpi)
    return picture.getvalue()


def save_figure(figure, path: Path, dpi: int = 110) -> None:
    """Write a figure in the format that the name of the file ends with."""
    write_whole(path, picture_of(figure, path.name, dpi))
