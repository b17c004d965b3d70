"""A search as one file for others: try a search algorithm on a real flow space, with NumPy and no GPU."""

import io
import json
from pathlib import Path
from typing import Dict

import numpy as np

from efnas import __version__
from efnas.files import write_whole
from efnas.search.folder import Search

FORMAT = 1
COLUMNS = {
    "latency_ms": np.float32,
    "sram_kib": np.float32,
    "flash_kib": np.float32,
    "macs": np.int64,
    "params": np.int64,
}


def benchmark_of(found: Search, whole_floats: bool = False) -> Dict[str, np.ndarray]:
    """Arrays by name, none of which needs pickle to be read:

    `codes` uint8 [subnets, blocks]; `errors` float16 or float32 [subnets, pairs] in px; `zero_epe` float32 [pairs];
    `latency_ms`, `sram_kib`, `flash_kib` float32, NaN where the compiler failed, and `macs`, `params` int64 [subnets];
    `blocks` [blocks], `options` [blocks, options] and `pairs` [pairs] are names; `about` is JSON.
    """
    table, errors, space = found.table, found.errors, found.table.space
    about = {"format": FORMAT, "efnas": __version__, "costs": table.about, "geometry": errors.geometry,
             **{key: value for key, value in errors.about["of"].items() if key != "pairs"}}  # fmt: skip
    figures = {
        name: np.array(
            [np.nan if value is None else value for value in (getattr(row, name) for row in table.rows)], kind
        )
        for name, kind in COLUMNS.items()
    }
    return {
        "codes": np.array(list(space.codes()), np.uint8),
        "errors": np.asarray(errors.errors, np.float32 if whole_floats else np.float16),
        "zero_epe": np.array(errors.about["zero_epe"], np.float32),
        **figures,
        "blocks": np.array([block.name for block in space.blocks]),
        "options": np.array([[option.label for option in block.options] for block in space.blocks]),
        "pairs": np.array(errors.pairs),
        "about": np.array(json.dumps(about)),
    }


def write_benchmark(found: Search, out: Path, whole_floats: bool = False) -> int:
    """Write the file; returns its size in bytes. Raises EfnasError when the disk refuses."""
    content = io.BytesIO()
    np.savez_compressed(content, **benchmark_of(found, whole_floats))
    write_whole(out, content.getvalue())
    return len(content.getvalue())
