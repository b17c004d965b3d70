"""Weights of another run as the beginning of a training (`train.init_from`)."""

from pathlib import Path
from typing import NamedTuple, Optional

from efnas.config import Config
from efnas.errors import EfnasError
from efnas.runs.network_identity import network_identity
from efnas.runs.run_files import CHECKPOINTS
from efnas.runs.seal import checkpoint_of, data_sha256, read_state, require_state

PATH, SHA256 = "train.init_from", "train.init_from_sha256"


class Beginning(NamedTuple):
    """A checkpoint, and the hash of its weights, which is part of what a run is."""

    checkpoint: Path
    sha256: str


def beginning_of(config: Config, stored: Optional[dict] = None) -> Optional[Beginning]:
    """The beginning that a configuration names. Of a run that stands, whose manifest is `stored`, it is not looked at
    again: the run has begun.

    Raises EfnasError when there is no such run or checkpoint, or it is of another network.
    """
    named = config.train.init_from
    if named is None:
        return None
    if stored and stored["place"].get(PATH) == str(named) and SHA256 in stored["identity"]:
        return Beginning(named, stored["identity"][SHA256])
    path = _checkpoint(named)
    require_state(path, read_state(path), network_identity(config))
    return Beginning(path, data_sha256(path))


def _checkpoint(named: Path) -> Path:
    """A checkpoint by its path; of a run the best one, or the last where it was never evaluated."""
    if not named.is_dir():
        return checkpoint_of(named)
    for which in ("best", "last"):
        path = named / CHECKPOINTS[which]
        if path.with_name(f"{path.name}.json").is_file():
            return path
    raise EfnasError(f"There is no checkpoint in {named} ({PATH}).")
