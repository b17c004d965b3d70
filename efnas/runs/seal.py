"""The seal of a checkpoint: what it says of itself and the hashes of its files. It knows no TensorFlow.

A checkpoint `NAME.ckpt` is its seal `NAME.ckpt.json` and, of the generation that the seal names, TensorFlow's two files
(`NAME.ckpt.GENERATION.index`, `NAME.ckpt.GENERATION.data-00000-of-00001`). A generation is named after its content; the
seal is replaced in one step, so it always names files that are whole, and holds a hash of itself.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional

from efnas.errors import EfnasError
from efnas.files import write_whole
from efnas.strict_json import read_json

ENDINGS = (".index", ".data-00000-of-00001")
SEAL = ".json"
FORMAT = 2


class Seal(NamedTuple):
    """`prefix` is that of TensorFlow's files, `sha256` the hash of each by its ending."""

    state: dict
    prefix: Path
    sha256: Dict[str, str]

    @property
    def data_sha256(self) -> str:
        """The hash of the weights, which names a checkpoint whatever folder it lies in."""
        return self.sha256[ENDINGS[1]]


def write_seal(path: Path, state: dict, generation: str, hashes: Dict[str, str]) -> None:
    content = {"format": FORMAT, "state": state, "generation": generation, "sha256": hashes}
    write_whole(with_ending(path, SEAL), sealed(content), durable=True)


def read_seal(path: Path) -> Seal:
    """The seal alone. Raises EfnasError when it is missing, or not as it was written."""
    file = with_ending(path, SEAL)
    if not file.is_file():
        raise EfnasError(f"There is no checkpoint {path} (looked for {file}).")
    try:
        content = unsealed(file.read_text())
        state, generation, hashes = content["state"], content["generation"], content["sha256"]
        if not isinstance(state, dict) or not re.fullmatch("[0-9a-f]{1,64}", generation) or set(hashes) != set(ENDINGS):
            raise ValueError("no seal")
        if not all(isinstance(digest, str) for digest in hashes.values()):
            raise ValueError("no hash")
        return Seal(state, with_ending(path, f".{generation}"), hashes)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EfnasError(f"The checkpoint {path} is damaged: its seal {file.name} is not as it was written.") from error


def read_whole(path: Path, expected: Optional[Dict[str, object]] = None) -> Seal:
    """The seal of a checkpoint whose files are those that it sealed, and that says of itself what is expected.

    Raises EfnasError when it is missing, damaged, or, naming the differences, of another network.
    """
    seal = read_seal(path)
    for ending in ENDINGS:
        file = with_ending(seal.prefix, ending)
        if not file.is_file():
            raise EfnasError(f"The checkpoint {path} is not whole: {file.name} is missing.")
        if file_sha256(file) != seal.sha256.get(ending):
            raise EfnasError(f"The checkpoint {path} is damaged: {file.name} is not the file that was sealed.")
    require_network(seal, path, expected or {})
    return seal


def require_network(seal: Seal, path: Path, expected: Dict[str, object]) -> None:
    """Raises EfnasError, naming the differences, for a checkpoint of another network; its files are not looked at."""
    differences = [
        f"{key} is {seal.state.get(key)!r} there and {value!r} here"
        for key, value in expected.items()
        if seal.state.get(key) != value
    ]
    if differences:
        raise EfnasError(f"The checkpoint {path} is of another network: {'; '.join(differences)}.")


def checkpoint_of(path: Path) -> Path:
    """The checkpoint that one of its files belongs to, or the path itself."""
    return path.with_name(path.name.split(".ckpt.")[0] + ".ckpt") if ".ckpt." in path.name else path


def sealed_checkpoints(path: Path) -> List[Path]:
    """The checkpoints in a folder, or the one that a path names. Raises EfnasError for a folder without any."""
    if not path.is_dir():
        return [checkpoint_of(path)]
    found = sorted(file.with_name(file.name[: -len(SEAL)]) for file in path.glob(f"*.ckpt{SEAL}"))
    if not found:
        raise EfnasError(f"There is no checkpoint in {path}.")
    return found


def files_of(path: Path) -> List[Path]:
    """TensorFlow's files of all generations of a checkpoint."""
    return [file for ending in ENDINGS for file in path.parent.glob(f"{path.name}.*{ending}")]


def with_ending(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def file_sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with open(file, "rb") as stream:
        for piece in iter(lambda: stream.read(1 << 20), b""):
            digest.update(piece)
    return digest.hexdigest()


def sealed(content: dict) -> str:
    text = json.dumps(content, indent=1)
    return json.dumps({**content, "seal_sha256": hashlib.sha256(text.encode()).hexdigest()}, indent=1) + "\n"


def unsealed(text: str) -> dict:
    """What was sealed. Raises ValueError, KeyError or AttributeError for a text that is not as it was written."""
    content = read_json(text)
    content.pop("seal_sha256")
    if sealed(content) != text:
        raise ValueError("changed")
    return content
