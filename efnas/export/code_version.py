"""A hash of the code that decides the bytes of an exported file of random weights, so that a file of older code is
never taken for one of today's.

It is over what the code does: docstrings, comments and layout do not count, nor does the place of a file.
"""

import ast
import hashlib
import inspect
from functools import lru_cache
from pathlib import Path
from typing import Iterable, List

from efnas.core.supernet import Supernet

PACKAGE = Path(__file__).parents[1]
DECIDING = {
    "core": ("baseline", "convolution", "costs", "geometry", "layers", "network", "routing", "sampler",
             "small_map", "space", "supernet", "upsampling", "variables", "weights"),
    "export": ("converter", "file_graph", "host", "networks", "packed_layers", "packing", "phases",
               "tensor_names", "weights"),
}  # fmt: skip


def deciding_files(supernet: Supernet) -> List[Path]:
    """All of these, and the files that describe the network of a supernet and its baseline."""
    described = [Path(inspect.getfile(describe)) for describe in (supernet.network, supernet.baseline)]
    named = [PACKAGE / room / f"{name}.py" for room, names in DECIDING.items() for name in names]
    return list(dict.fromkeys([*named, *described]))


@lru_cache()
def exporting_code_version(supernet: Supernet) -> str:
    return code_version(deciding_files(supernet))


def code_version(files: Iterable[Path]) -> str:
    """The hash of what these Python files do."""
    digest = hashlib.sha256()
    for file in files:
        tree = ast.parse(file.read_text())
        for node in ast.walk(tree):
            if (
                isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
                and ast.get_docstring(node, False) is not None
            ):
                node.body = node.body[1:] or [ast.Pass()]
        digest.update(ast.dump(tree).encode())
    return digest.hexdigest()
