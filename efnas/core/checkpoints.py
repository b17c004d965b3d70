"""Checkpoints: written apart, sealed with the hashes of their files, read back, and only then put in place.

A checkpoint `NAME.ckpt` is TensorFlow's two files (`.index`, `.data-00000-of-00001`) and the seal `NAME.ckpt.json`,
which holds what the checkpoint says of itself and the hash of each data file. The seal is put in place last.
"""

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Dict, List

import tensorflow.compat.v1 as tf

from efnas.errors import EfnasError

ENDINGS = (".index", ".data-00000-of-00001")
SEAL = ".json"


class Checkpointer:
    """Saves `variables` of a session."""

    def __init__(self, variables: List[tf.Variable]):
        self.variables = variables
        self._saver = tf.train.Saver(variables, max_to_keep=None)

    def save(self, session: tf.Session, path: Path, state: dict) -> None:
        """Write the checkpoint `path` with `state` (plain values), in place of an older one.

        Raises EfnasError when the disk refuses; the older checkpoint then still stands.
        """
        workspace = path.with_name(f".{path.name}.partial")
        try:
            shutil.rmtree(workspace, ignore_errors=True)
            workspace.mkdir(parents=True)
            partial = workspace / path.name
            self._saver.save(session, str(partial), write_meta_graph=False, write_state=False)
            hashes = {ending: _sha256(_with(partial, ending)) for ending in ENDINGS}
            _with(partial, SEAL).write_text(json.dumps({"state": state, "sha256": hashes}, indent=1))
            _require_variables(partial, self.variables)
            for ending in ENDINGS + (SEAL,):
                _sync(_with(partial, ending))
            for ending in ENDINGS + (SEAL,):
                os.replace(_with(partial, ending), _with(path, ending))
            _sync(path.parent)
        except (OSError, tf.errors.OpError) as error:
            raise EfnasError(f"Cannot save the checkpoint {path}: {str(error).splitlines()[0]}") from error
        finally:
            shutil.rmtree(workspace, ignore_errors=True)


def read_state(path: Path) -> dict:
    """What a checkpoint says of itself. Raises EfnasError when it is missing, or its files are not those it sealed."""
    seal = _with(path, SEAL)
    if not seal.is_file():
        raise EfnasError(f"There is no checkpoint {path} (looked for {seal}).")
    try:
        content = json.loads(seal.read_text())
        state, hashes = content["state"], content["sha256"]
    except (OSError, ValueError, KeyError) as error:
        raise EfnasError(f"The seal {seal} cannot be read.") from error
    for ending in ENDINGS:
        file = _with(path, ending)
        if not file.is_file():
            raise EfnasError(f"The checkpoint {path} is not whole: {file.name} is missing.")
        if _sha256(file) != hashes.get(ending):
            raise EfnasError(f"The checkpoint {path} is damaged: {file.name} is not the file that was sealed.")
    return state


def data_sha256(path: Path) -> str:
    """The sealed hash of the weights of a checkpoint, which names it whatever folder it lies in."""
    return json.loads(_with(path, SEAL).read_text())["sha256"][ENDINGS[1]]


def restore(session: tf.Session, variables: List[tf.Variable], path: Path, expected: Dict[str, object]) -> dict:
    """Load variables from a checkpoint after it was verified; returns its state.

    `expected` are the entries of the state that must agree (space, network version, width). Raises EfnasError, naming
    the differences, when one does not, or a variable is missing.
    """
    state = read_state(path)
    differences = [
        f"{key} is {state.get(key)!r} there and {value!r} here"
        for key, value in expected.items()
        if state.get(key) != value
    ]
    if differences:
        raise EfnasError(f"The checkpoint {path} is of another network: {'; '.join(differences)}.")
    _require_variables(path, variables)
    tf.train.Saver(variables).restore(session, str(path))
    return state


def _require_variables(path: Path, variables: List[tf.Variable]) -> None:
    stored = dict(tf.train.list_variables(str(path)))
    for variable in variables:
        if stored.get(variable.op.name) != variable.shape.as_list():
            raise EfnasError(f"The checkpoint {path} does not hold {variable.op.name} {variable.shape.as_list()}.")


def _with(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with open(file, "rb") as stream:
        for piece in iter(lambda: stream.read(1 << 20), b""):
            digest.update(piece)
    return digest.hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
