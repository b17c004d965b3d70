"""Pictures drawn by matplotlib, which needs no display for them; a picture appears whole or not at all."""

import io
from pathlib import Path

from efnas.errors import EfnasError
from efnas.files import require_folder_of, write_whole

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


def save_figure(figure, path: Path, dpi: int = 110) -> None:
    """Write a figure in the format that the name of the file ends with."""
    picture = io.BytesIO()
    figure.savefig(picture, format=path.suffix.lstrip("."), dpi=dpi)
    write_whole(path, picture.getvalue())
