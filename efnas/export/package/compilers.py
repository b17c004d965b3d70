"""The same file in the hands of several compilers: of the first it is packaged, the others are another view of it."""

import tempfile
from pathlib import Path
from typing import NamedTuple

from efnas.errors import CheckFailed
from efnas.export.package.room import arena_bytes
from efnas.files import temporary_files
from efnas.vela.compiler import Settings, Vela
from efnas.vela.output import Compiled
from efnas.vela.parts import parts

ESTIMATES = "estimates of the compiler, not measured on a board: inference_ms and by_block; versions differ"


class Built(NamedTuple):
    """What a compiler makes of a file, and what it says of it."""

    vela: Vela
    settings: Settings
    compiled: Compiled
    program: bytes

    @property
    def arena(self) -> int:
        """Bytes, with what the runtime keeps there."""
        return arena_bytes(self.compiled.sram_kib)

    def require_npu(self) -> None:
        """Raises CheckFailed where the processor would have to run a part."""
        if self.compiled.cpu_ops:
            raise CheckFailed(
                f"{self.compiled.cpu_ops} operators would run on the processor: the package has none for them."
            )

    def as_dict(self, fits: bool) -> dict:
        """`fits` is whether a package of it has room on the board."""
        told = {name: getattr(self.compiled, name) for name in ("sram_kib", "flash_kib", "inference_ms", "npu_ops")}
        return {
            "version": self.vela.version,
            **self.settings._asdict(),
            **told,
            "cpu_ops": self.compiled.cpu_ops,
            "arena_bytes": self.arena,
            "flash_bytes": len(self.program),
            "fits": fits,
            "by_block": [part._asdict() for part in parts(self.compiled, self.vela.profile)],
        }


def build(vela: Vela, model: bytes, settings: Settings, keep: Path) -> Built:
    """The compiled file is left in `keep`."""
    compiled = vela.compile(model, settings, keep)
    return Built(vela, settings, compiled, keep.read_bytes())


def look(vela: Vela, model: bytes, settings: Settings) -> Built:
    """The compiled file is kept nowhere."""
    with temporary_files(), tempfile.TemporaryDirectory(prefix="efnas-vela-") as folder:
        return build(vela, model, settings, Path(folder) / "network_vela.tflite")
