"""Weights of another run as the beginning of a training (`train.init_from`)."""

from pathlib import Path
from typing import Dict, NamedTuple, Optional

from efnas.config import PRETRAINED, Config
from efnas.core.costs import supernet_variables
from efnas.core.supernet import Supernet
from efnas.errors import EfnasError
from efnas.runs.pretrained import pretrained_supernet
from efnas.runs.run_files import CHECKPOINTS
from efnas.runs.seal import SEAL, Seal, checkpoint_of, read_seal, read_whole, with_ending
from efnas.runs.supernet import whole_supernet_of

PATH, SHA256 = "train.init_from", "train.init_from_sha256"


class Beginning(NamedTuple):
    """A checkpoint, the hash of its weights, which is part of what a run is, and what it says of its network."""

    checkpoint: Path
    sha256: str
    network: Dict[str, object]

    def require(self, restored: Seal) -> None:
        """Raises EfnasError when what was restored is not what was looked at."""
        if restored.data_sha256 != self.sha256:
            raise EfnasError(
                f"The checkpoint {self.checkpoint} has changed since it was checked ({PATH}): start again."
            )


def beginning_of(config: Config, supernet: Supernet, stored: Optional[dict]) -> Optional[Beginning]:
    """The beginning that a configuration names for `supernet`. Of a run that stands, whose manifest is `stored`, it is
    not looked at again: the run has begun. A network that is alone can also begin with what a supernet holds of it.

    Raises EfnasError when there is no such run or checkpoint, or it is of another network; for `pretrained`, when the
    package has none, or one of another network.
    """
    named, network = config.train.init_from, supernet.identity(config.network.base_width)
    if named is None:
        return None
    if stored and stored["place"].get(PATH) == str(named) and SHA256 in stored["identity"]:
        return Beginning(named, stored["identity"][SHA256], network)
    path = _of_package(config) if named == PRETRAINED else _checkpoint(named)
    if supernet.arch is None or read_seal(path).state.get("arch") is not None:
        return Beginning(path, read_whole(path, network).data_sha256, network)
    network["arch"] = None
    seal = read_whole(path, network)
    _require_within(config, supernet, path)
    return Beginning(path, seal.data_sha256, network)


def _require_within(config: Config, supernet: Supernet, path: Path) -> None:
    """Raises EfnasError for a network with variables that a supernet does not have, as those of the baseline are."""
    whole, wanted = (supernet_variables(each, config.network.base_width)
                     for each in (whole_supernet_of(config), supernet))  # fmt: skip
    lacking = [name for name, variable in wanted.items() if name not in whole or whole[name].shape != variable.shape]
    if lacking:
        raise EfnasError(
            f"{path} is of a supernet, which has no {lacking[0]}: the {supernet.arch} can begin with a run that "
            f"trained it alone ({PATH})."
        )


def _of_package(config: Config) -> Path:
    from efnas.runs.half_precision import unpacked  # which imports TensorFlow

    return unpacked(pretrained_supernet(), whole_supernet_of(config), config)


def _checkpoint(named: Path) -> Path:
    """A checkpoint by its path; of a run the best one, or the last where it was never evaluated."""
    if not named.is_dir():
        return checkpoint_of(named)
    for which in ("best", "last"):
        path = named / CHECKPOINTS[which]
        if with_ending(path, SEAL).is_file():
            return path
    raise EfnasError(f"There is no checkpoint in {named} ({PATH}).")
