"""The sections of a synthetic data set: what there is of it, and how its scenes look and move."""

from pathlib import Path
from typing import Optional

from pydantic import Field

from efnas.config_section import Section


class Natural(Section):
    """What makes scenes like those that a camera sees. Each strength is 0 for none of it."""

    spread: float = Field(0.8, ge=0, le=3, description="Of the motion from pair to pair: deviation of its logarithm.")
    leaves: float = Field(
        0.7, ge=0, le=1, description="Part of the textures that have edges of all sizes; the others are noise."
    )
    planes: float = Field(0.25, ge=0, le=1, description="Part of the shapes that are large, and divide the background.")
    thin: float = Field(0.25, ge=0, le=1, description="Part of the other shapes that are made of thin limbs.")
    attached: float = Field(0.3, ge=0, le=1, description="Part of the shapes that move as the background does.")
    turn: float = Field(0.5, ge=0, le=5, description="Rotation: how much of the motion it is at the edge of a shape.")
    zoom: float = Field(0.5, ge=0, le=5, description="Motion towards the camera, likewise.")
    tilt: float = Field(0.3, ge=0, le=5, description="Tilting, seen in perspective, likewise.")
    bend: float = Field(0.3, ge=0, le=5, description="Of what is not rigid: how much of the motion, of half of all.")
    shadow: float = Field(0.4, ge=0, le=1, description="How dark the darkest shadow of a shape is.")
    light: float = Field(0.25, ge=0, le=0.5, description="How unevenly a shape is lit, at most.")
    noise: float = Field(3.0, ge=0, le=100, description="Of the sensor: largest standard deviation, of 255.")


class Synthetic(Section):
    """The synthetic data set that is written into `data.base_path` on first use."""

    train_pairs: int = Field(400, ge=1, le=1_000_000, description="Training pairs.")
    val_pairs: int = Field(48, ge=1, le=1_000_000, description="Validation pairs.")
    height: int = Field(384, ge=16, le=4096, description="Height of an image in pixels.")
    width: int = Field(512, ge=16, le=4096, description="Width of an image in pixels.")
    motion: float = Field(10.0, gt=0, description="Mean length of the flow in pixels.")
    detail: float = Field(1.5, ge=1, description="Shortest waves of the textures of cut-outs in pixels.")
    structure: float = Field(150.0, ge=1, description="Longest waves of the textures of cut-outs in pixels.")
    shapes: int = Field(12, ge=0, description="Most shapes before the background.")
    seed: int = Field(1, ge=0, lt=2**63, description="The same seed writes the same pairs.")
    textures: Optional[Path] = Field(None, description="Folder of photos to take the textures from.")
    natural: Optional[Natural] = Field(
        None, description="Scenes like those that a camera sees, see below; left out: cut-outs with affine motions."
    )
