"""The section `data.augmentation` of the configuration: how training pairs are changed."""

from pydantic import Field

from efnas.config_section import Section


class Augmentation(Section):
    """How training pairs are [changed](commands.md#augmentation), at most; 0 switches a change off."""

    horizontal_flip: float = Field(0.0, ge=0, le=1, description="Part of the pairs that are mirrored left to right.")
    vertical_flip: float = Field(0.0, ge=0, le=1, description="Part of the pairs that are mirrored top to bottom.")
    rotation: float = Field(0.0, ge=0, le=180, description="Largest rotation in degrees, either way.")
    scale: float = Field(0.0, ge=0, le=2, description="Largest zoom, in or out, as a power of 2: 1 is 2 times.")
    aspect: float = Field(
        0.0, ge=0, le=1, description="Largest stretch of the width against the height, or back, as a power of 2."
    )
    relative_rotation: float = Field(
        0.0, ge=0, le=45, description="Largest rotation of the second frame against the first, in degrees."
    )
    relative_scale: float = Field(
        0.0, ge=0, le=1, description="Largest zoom of the second frame against the first, as a power of 2."
    )
    relative_shift: float = Field(
        0.0, ge=0, le=100, description="Largest shift of the second frame against the first, in pixels of the input."
    )
    time_reversal: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Part of the pairs whose frames change places; needs the flow back, `-flow_10.flo`.",
    )
    brightness: float = Field(
        0.0, ge=0, le=1, description="Most that is added, as part of the range from black to white."
    )
    contrast: float = Field(0.0, ge=0, lt=1, description="Most by which the contrast about grey differs from 1.")
    gamma: float = Field(
        0.0, ge=0, le=2, description="Largest exponent of the intensities, or its inverse, as a power of 2."
    )
    colour: float = Field(0.0, ge=0, lt=1, description="Most by which the factor of red, green or blue differs from 1.")
    saturation: float = Field(0.0, ge=0, le=1, description="Most by which the factor of the saturation differs from 1.")
    noise: float = Field(
        0.0, ge=0, le=128, description="Largest standard deviation of Gaussian noise, in grey levels of 255."
    )
    blur: float = Field(
        0.0,
        ge=0,
        le=1.25,
        description="Largest standard deviation of a Gaussian blur in pixels; half of all frames have none.",
    )
    own: float = Field(
        0.2, ge=0, le=1, description="Part of brightness, contrast ... blur that each frame of a pair has on its own."
    )

    @property
    def moves(self) -> bool:
        """Whether the second frame moves against the first."""
        return any((self.relative_rotation, self.relative_scale, self.relative_shift))

    @property
    def warps(self) -> bool:
        return self.moves or any((self.horizontal_flip, self.vertical_flip, self.rotation, self.scale, self.aspect))

    @property
    def recolours(self) -> bool:
        return any((self.brightness, self.contrast, self.colour, self.saturation))
