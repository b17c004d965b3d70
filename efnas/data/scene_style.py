"""How the scenes of a synthetic data set look and move."""

from dataclasses import dataclass, fields
from typing import Optional

from efnas.config_synthetic import Natural


@dataclass(frozen=True)
class SceneStyle:
    """
    motion: mean length of the flow in pixels (on average over many pairs).
    detail, structure: length in pixels of the finest and the coarsest waves of the textures of cut-outs.
    shapes: how many shapes fly before the background, at most.
    natural: None: cut-outs with affine motions.
    """

    height: int = 384
    width: int = 512
    motion: float = 10.0
    detail: float = 1.5
    structure: float = 150.0
    shapes: int = 12
    natural: Optional[Natural] = None

    def told(self) -> dict:
        """As plain values, of which only natural scenes have any of `natural`."""
        told = {field.name: getattr(self, field.name) for field in fields(self)}
        natural = told.pop("natural")
        return {**told, "natural": natural.model_dump()} if natural else told
