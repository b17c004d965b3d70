"""A file that was exported before, as those of the package are."""

from typing import NamedTuple

from efnas.config import Config
from efnas.errors import EfnasError
from efnas.export.calibration import AS_CONVERTED, Calibration
from efnas.export.flow import is_described
from efnas.files import read_file
from efnas.runs.pretrained import Pretrained
from efnas.strict_json import read_json


class ReadyFile(NamedTuple):
    """`description` is what its export said of it (see `export_subnet`)."""

    model: bytes
    description: dict

    def is_as(self, config: Config, form: str, calibration: Calibration = AS_CONVERTED) -> bool:
        """Whether it is what an export would be made for: of this form and size, and quantised as by default."""
        wanted = form, config.data.input_height, config.data.input_width, config.network.base_width
        has = tuple(self.description.get(key) for key in ("form", "height", "width", "base_width"))
        return has == wanted and calibration == AS_CONVERTED


def file_of_package(network: Pretrained) -> ReadyFile:
    """The file of a network of the package. Raises EfnasError for one that is damaged."""
    path = network.file
    model = read_file(path)
    if not is_described(path, model):
        raise EfnasError(f"Cannot use {path}: its description is missing or damaged; install efnas again.")
    return ReadyFile(model, read_json(read_file(path.with_name(f"{path.name}.json")).decode()))
