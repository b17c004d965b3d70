"""Weights of another run as the beginning of a training (`train.init_from`)."""

from pathlib import Path
from typing import NamedTuple, Optional

from efnas.errors import EfnasError
from efnas.runs.run_files import CHECKPOINTS
from efnas.runs.seal import SEAL, Seal, checkpoint_of, read_whole, with_ending

PATH, SHA256 = "train.init_from", "train.init_from_sha256"


class Beginning(NamedTuple):
    """A checkpoint, and the hash of its weights, which is part of what a run is."""

    checkpoint: Path
    sha256: str

    def require(self, restored: Seal) -> None:
        """Raises EfnasError when what was restored is not what was looked at."""
        if restored.data_sha256 != self.sha256:
            raise EfnasError(
                f"The checkpoint {self.checkpoint} has changed since it was checked ({PATH}): start again."
            )


def beginning_of(named: Optional[Path], network: dict, stored: Optional[dict]) -> Optional[Beginning]:
    """The beginning that a configuration names, for a network of this identity. Of a run that stands, whose manifest is
    `stored`, it is not looked at again: the run has begun.

    Raises EfnasError when there is no such run or checkpoint, or it is of another network.
    """
    if named is None:
        return None
    if stored and stored["place"].get(PATH) == str(named) and SHA256 in stored["identity"]:
        return Beginning(named, stored["identity"][SHA256])
    path = _checkpoint(named)
    return Beginning(path, read_whole(path, network).data_sha256)


def _checkpoint(named: Path) -> Path:
    """A checkpoint by its path; of a run the best one, or the last where it was never evaluated."""
    if not named.is_dir():
        return checkpoint_of(named)
    for which in ("best", "last"):
        path = named / CHECKPOINTS[which]
        if with_ending(path, SEAL).is_file():
            return path
    raise EfnasError(f"There is no checkpoint in {named} ({PATH}).")
