"""A network that was trained alone, measured as deployed: in float, as the INT8 file, and what that file costs."""

import json
from pathlib import Path
from typing import Callable, List, NamedTuple, Optional

import numpy as np

from efnas.cache import Cache
from efnas.config import CROP, Config
from efnas.cost.model import BoardCost, cost_of
from efnas.cost.table import CostTable
from efnas.errors import EfnasError
from efnas.export.host import KERNELS
from efnas.files import as_json, make_folder, write_whole
from efnas.runs.run_files import LAST, arch_of
from efnas.runs.seal import file_sha256, read_seal
from efnas.strict_json import read_json
from efnas.vela.board import packaged_profile
from efnas.vela.compiler import Settings, Vela, find_vela

ALL_PAIRS = 10**9


class Deployment(NamedTuple):
    """The form of the files and the compiler they are for."""

    form: str
    vela: Vela
    settings: Settings

    def as_dict(self) -> dict:
        return {"form": self.form, "profile": self.vela.profile.name, "version": self.vela.version,
                **self.settings._asdict()}  # fmt: skip


class Measured(NamedTuple):
    """EPE in px on each validation pair, float64 [pairs], with the last weights of a run, which nothing chose, after so
    many `steps`; `file` is the name of the INT8 file."""

    file: str
    steps: int
    pairs: List[str]
    float_epe: np.ndarray
    int8_epe: np.ndarray
    cost: BoardCost


def deployment_of(table: CostTable, program: Optional[str], cache: Cache) -> Deployment:
    """As a search has it. Raises EfnasError for a board that is not in the package, and for another compiler."""
    about = table.about
    vela = Vela(find_vela(program), packaged_profile(about["profile"]), cache)
    if vela.version != about["vela"]["version"]:
        raise EfnasError(
            f"The costs of the search are of Vela {about['vela']['version']}, not of {vela.version} (--vela)."
        )
    settings = {name: about["vela"][name] for name in Settings._fields}
    return Deployment(about["form"], vela, Settings(**settings))


def measured(config: Config, deployment: Deployment, folder: Path, progress: Callable[[int, int], None]) -> Measured:
    """Export the network of a finished run into `folder`, run the file on all validation pairs and compile it; what was
    measured before is read.

    Raises EfnasError for a run that has no checkpoint, CheckFailed when the file is not the network.
    """
    name = config.runtime.experiment_name
    file, known = folder / f"{name}.tflite", folder / f"{name}.measured.json"
    seal = read_seal(config.runtime.run_folder / LAST)
    of = {"checkpoint": seal.data_sha256, "steps": seal.state["step"], "geometry": config.data.geometry,
          "kernels": KERNELS, **deployment.as_dict()}  # fmt: skip
    found = _read(known, of, file)
    if found is None:
        make_folder(folder)
        found = Measured(file.name, seal.state["step"], *_measure(config, deployment, file, progress))
        content = {"of": of, "file_sha256": file_sha256(file), "pairs": found.pairs,
                   "float_epe": found.float_epe.tolist(), "int8_epe": found.int8_epe.tolist(),
                   "cost": list(found.cost)}  # fmt: skip
        write_whole(known, as_json(content))
    return found


def _measure(config: Config, deployment: Deployment, file: Path, progress: Callable[[int, int], None]) -> tuple:
    from efnas.data.sources import open_datasets
    from efnas.export.subnet import export_subnet

    arch, checkpoint = arch_of(config, "best", "last"), "last"
    exported = export_subnet(config, arch, file, checkpoint, deployment.form, True, ALL_PAIRS, progress)
    pairs = [sample.name for sample in open_datasets(config.data).val.samples]
    cost = cost_of(deployment.vela.compile(file.read_bytes(), deployment.settings))
    return pairs, exported.errors.float, exported.errors.file, cost


def _read(known: Path, of: dict, file: Path):
    """What was measured of the same weights and the same file; None for anything else."""
    try:
        content = read_json(known.read_text())
        if {"geometry": CROP, **content["of"]} != json.loads(json.dumps(of)) or content["file_sha256"] != file_sha256(
            file
        ):
            return None
        errors = (np.array(content[key], np.float64) for key in ("float_epe", "int8_epe"))
        return Measured(file.name, of["steps"], content["pairs"], *errors, BoardCost(*content["cost"]))
    except (OSError, ValueError, KeyError, TypeError, EfnasError):
        return None
