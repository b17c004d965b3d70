"""Networks that come trained with the package: what there are, and what the card of each says. It knows no TensorFlow.

A network NAME is its weights in half precision (`NAME.npz`), its INT8 file (`NAME.tflite`, described by
`NAME.tflite.json`) and its card (`NAME.json`), which has the hashes of the others; the supernet has no INT8 file, and a
network may be that file alone, which takes a third of the room.
"""

import hashlib
from pathlib import Path
from typing import Any, Dict, List, NamedTuple

from efnas.cache import cache_folder, key_of
from efnas.errors import EfnasError
from efnas.files import read_file
from efnas.strict_json import read_json

SUPERNET, USUAL = "supernet", "balanced"
FORMAT = 1
WEIGHTS, CARD, FILE = ".npz", ".json", ".tflite"
# Beside the weights a card has these.
NEEDED = {"format": int, "network": dict, "state": dict, "configuration": dict, "sha256": dict}


def packaged_folder() -> Path:
    return Path(__file__).parents[1] / "pretrained"


class Pretrained(NamedTuple):
    """A network of the package. `card["network"]` is the identity of its checkpoint, `card["configuration"]` what a
    configuration of it says, by key."""

    name: str
    folder: Path
    card: Dict[str, Any]

    @property
    def file(self) -> Path:
        """Its INT8 file, which lies beside its description. Raises EfnasError for a damaged one."""
        self.content(FILE)
        return self.folder / f"{self.name}{FILE}"

    @property
    def in_float(self) -> bool:
        """Whether the package has its weights, and not its INT8 file alone."""
        return WEIGHTS in self.card["sha256"]

    @property
    def told(self) -> str:
        return f"pretrained {self.name}"

    def content(self, ending: str) -> bytes:
        """One of its files. Raises EfnasError when that is not the one which the card names."""
        path = self.folder / f"{self.name}{ending}"
        try:
            content = read_file(path)
        except OSError as error:
            raise _damaged(path, error.strerror) from error
        if hashlib.sha256(content).hexdigest() != self.card["sha256"].get(ending):
            raise _damaged(path, "it is not the file that its card names")
        return content

    def require(self, expected: Dict[str, object]) -> None:
        """Raises EfnasError, naming the differences, where a network is wanted of another identity."""
        network = self.card["network"]
        differences = [f"{key} is {network.get(key)!r} there and {value!r} here"
                       for key, value in expected.items() if network.get(key) != value]  # fmt: skip
        if differences:
            raise EfnasError(f"The pre-trained {self.name} is of another network: {'; '.join(differences)}.")

    def configuration(self) -> Dict[str, Any]:
        """Values by key. Its statistics are those that are stored, and its data the few synthetic pairs that it is
        calibrated with where it is exported anew, which lie in the cache once they were needed."""
        told = self.card["configuration"]
        pairs = own_cache() / f"pairs-{key_of(pairs=told.get('data.synthetic'))[:16]}"
        return {**told, "data.base_path": str(pairs), "eval.bn_recal_batches": 0}


def own_cache() -> Path:
    """Where networks of the package are unpacked. Raises EfnasError for a user who has no such place."""
    folder = cache_folder()
    if folder is None:
        raise EfnasError("There is no home folder to unpack a pre-trained network in: set EFNAS_CACHE to a folder.")
    return folder.absolute() / "pretrained"


def network_names() -> List[str]:
    """Of the networks that there are, without the supernet; none in a build without them."""
    return sorted(path.stem for path in packaged_folder().glob(f"*{FILE}"))


def pretrained_network(name: str) -> Pretrained:
    """A network by its name. Raises EfnasError, naming those there are, for another, and for a damaged card."""
    names = network_names()
    if not names:
        but = " but the supernet (efnas pretrained supernet)" if _has_supernet() else ""
        raise EfnasError(f"This build of efnas comes without pre-trained networks{but}.")
    if name not in names:
        raise EfnasError(f"There is no pre-trained network '{name}'; there are {', '.join(names)}.")
    return _of_card(name)


def pretrained_supernet() -> Pretrained:
    """Raises EfnasError where there is none, and for a damaged card."""
    if not _has_supernet():
        raise EfnasError("This build of efnas comes without a pre-trained supernet.")
    return _of_card(SUPERNET)


def _has_supernet() -> bool:
    return (packaged_folder() / f"{SUPERNET}{CARD}").is_file()


def _of_card(name: str) -> Pretrained:
    folder = packaged_folder()
    path = folder / f"{name}{CARD}"
    try:
        card = read_json(read_file(path).decode())
        if not all(isinstance(card[key], kind) for key, kind in NEEDED.items()) or card["format"] != FORMAT:
            raise ValueError("no card")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(path, getattr(error, "strerror", None) or "it is no card") from error
    return Pretrained(name, folder, card)


def _damaged(path: Path, reason: str) -> EfnasError:
    return EfnasError(f"Cannot use the pre-trained {path.name.split('.')[0]}, {path}: {reason}; install efnas again.")
