"""Checkpoints: written apart, sealed, put in place in one step, read back; only then does the old one go."""

import os
import shutil
from pathlib import Path
from typing import Dict, List

import tensorflow.compat.v1 as tf

from efnas.errors import EfnasError, reason_of
from efnas.files import sync
from efnas.runs.seal import (
    ENDINGS,
    Seal,
    file_sha256,
    files_of,
    read_whole,
    with_ending,
    write_seal,
)


class Checkpointer:
    """Saves `variables` of a session. TensorFlow's saver builds the way back too, an eighth of all operators of a
    training, which each process pays for before its first step."""

    def __init__(self, variables: List[tf.Variable]):
        self.variables = variables
        self._prefix = tf.placeholder(tf.string, [])
        values = [variable.graph.as_graph_element(variable) for variable in variables]
        self._write = tf.raw_ops.SaveV2(prefix=self._prefix, **_names(variables), tensors=values)

    def save(self, session: tf.Session, path: Path, state: dict) -> None:
        """Write the checkpoint `path` with `state` (plain values), in place of an older one.

        Whatever fails, and wherever the process is killed, the older or the new checkpoint stands whole. Raises
        EfnasError when the disk refuses.
        """
        workspace = path.with_name(f".{path.name}.partial")
        try:
            shutil.rmtree(workspace, ignore_errors=True)
            workspace.mkdir(parents=True)
            partial = workspace / path.name
            session.run(self._write, {self._prefix: str(partial)})
            _require_variables(partial, path, self.variables)
            hashes = {ending: file_sha256(with_ending(partial, ending)) for ending in ENDINGS}
            generation = hashes[ENDINGS[1]][:12]
            for ending in ENDINGS:
                sync(with_ending(partial, ending))
                os.replace(with_ending(partial, ending), with_ending(path, f".{generation}{ending}"))
            sync(path.parent)
            write_seal(path, state, generation, hashes)
            sync(path.parent)
            read_whole(path)
            for file in files_of(path):
                if not file.name.startswith(f"{path.name}.{generation}."):
                    file.unlink()
        except (OSError, tf.errors.OpError) as error:
            raise EfnasError(f"Cannot save the checkpoint {path}: {reason_of(error)}") from error
        finally:
            shutil.rmtree(workspace, ignore_errors=True)


def restore(session: tf.Session, variables: List[tf.Variable], path: Path, expected: Dict[str, object]) -> Seal:
    """Load variables from a checkpoint after it was verified; returns its seal.

    `expected` are the entries of the state that must agree (space, network version, width). Raises EfnasError, naming
    the differences, when one does not, or a variable is missing.
    """
    seal = read_whole(path, expected)
    _require_variables(seal.prefix, path, variables)
    kinds = [variable.dtype.base_dtype for variable in variables]
    values = tf.raw_ops.RestoreV2(prefix=str(seal.prefix), **_names(variables), dtypes=kinds)
    pairs = zip(variables, values)
    session.run([tf.raw_ops.AssignVariableOp(resource=variable.handle, value=value) for variable, value in pairs])
    return seal


def _names(variables: List[tf.Variable]) -> Dict[str, List[str]]:
    """Those of whole variables, as TensorFlow's operators of checkpoints take them."""
    return {"tensor_names": [variable.op.name for variable in variables], "shape_and_slices": [""] * len(variables)}


def _require_variables(prefix: Path, path: Path, variables: List[tf.Variable]) -> None:
    stored = dict(tf.train.list_variables(str(prefix)))
    for variable in variables:
        if stored.get(variable.op.name) != variable.shape.as_list():
            raise EfnasError(f"The checkpoint {path} does not hold {variable.op.name} {variable.shape.as_list()}.")
