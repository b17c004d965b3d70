"""The errors that a fidelity is of, in one sealed file: another supernet is compared with the same trainings by it."""

from pathlib import Path
from typing import Dict, List, NamedTuple

import numpy as np

from efnas.config import CROP
from efnas.data.scenes import scenes_of
from efnas.errors import EfnasError
from efnas.files import read_file
from efnas.runs.seal import sealed, unsealed
from efnas.search.fidelity import Measured, Trained, checked

MEASURED = "measured.json"
FORMAT = 1


class FidelityErrors(NamedTuple):
    """`measured`: a row a subnet of `archs` (codes) and a column a pair of `pairs` (names).

    `name` is the experiment of the supernet, `space` name and version of its search space; `drawn_as` says how each
    subnet came in (see `Chosen`), `val_sha256` which validation set the pairs are of (see `DataSet.fingerprint`),
    `geometry` what errors are of (`data.geometry`), and `budget` the epochs and the batch size of each training.
    """

    name: str
    space: List
    archs: List[str]
    drawn_as: List[str]
    pairs: List[str]
    val_sha256: str
    geometry: str
    budget: Dict[str, int]
    measured: Measured


def measured_file(errors: FidelityErrors) -> str:
    """The content of the file."""
    supernet, alone, latency, _, twice = errors.measured
    return sealed({
        "format": FORMAT,
        **{name: getattr(errors, name) for name in FidelityErrors._fields if name != "measured"},
        "latency_ms": [float(each) if np.isfinite(each) else None for each in latency],
        "supernet": np.asarray(supernet).tolist(),
        "alone": np.asarray(alone).tolist(),
        "twice": twice and {name: np.asarray(each).tolist() for name, each in twice._asdict().items()},
    })  # fmt: skip


def read_measured(folder: Path) -> FidelityErrors:
    """Raises EfnasError for a folder without the file, and for one that is not as it was written."""
    file = folder / MEASURED
    if not file.exists():
        raise EfnasError(f"There is no {MEASURED} in {folder}: efnas fidelity writes it, also once all is trained.")
    try:
        content = unsealed(read_file(file).decode())
        if content.pop("format") != FORMAT:
            raise ValueError("another format")
        twice = content.pop("twice")
        measured = Measured(
            *(np.array(content.pop(name), np.float64) for name in ("supernet", "alone", "latency_ms")),
            scenes_of(content["pairs"]),
            twice and Trained(np.array(twice["rows"], int), np.array(twice["first"]), np.array(twice["second"])),
        )
        return FidelityErrors(measured=checked(measured), **{"geometry": CROP, **content})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EfnasError(f"{file} is damaged: it is not as it was written.") from error
