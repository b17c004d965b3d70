"""How a file is quantised: the options of the commands that make one."""

from dataclasses import dataclass
from typing import Optional

import typer
from typing_extensions import Annotated

from efnas.cli.options import require_choice
from efnas.errors import EfnasError


@dataclass(frozen=True)
class QuantisationOptions:
    """Where the ranges of a file come from, what has a scale, and whether its weights are trained for that."""

    images: Annotated[
        Optional[int],
        typer.Option("--calibration-images", min=1, show_default="16", help="Training images that ranges come from."),
    ] = None
    ranges: Annotated[
        str,
        typer.Option("--calibration", metavar="minmax|percentile", help="Ranges of all values, or of most."),
    ] = "minmax"
    percentile: Annotated[
        Optional[float],
        typer.Option(min=50, max=100, show_default="99.9", help="Percent of the values that a range ends at."),
    ] = None
    per_tensor: Annotated[
        bool,
        typer.Option("--per-tensor/--per-channel", help="One scale a kernel, or one a channel of it."),
    ] = False
    fine_tune: Annotated[
        Optional[int],
        typer.Option(
            metavar="STEPS", min=1, max=100_000, show_default=False, help="Steps of quantisation-aware fine-tuning."
        ),
    ] = None
    fine_tune_lr: Annotated[
        Optional[float],
        typer.Option(metavar="RATE", show_default="0.0001", help="Learning rate at its start."),
    ] = None

    def calibration(self, skip_checkpoint: bool, form: str):
        """The `Calibration`. Raises EfnasError for what does not go together."""
        from efnas.export.calibration import Calibration, Tuning
        from efnas.export.host import PACKED

        require_choice("--calibration", self.ranges, ("minmax", "percentile"))
        if self.percentile and self.ranges == "minmax":
            raise EfnasError("--percentile belongs to --calibration percentile.")
        if self.images and skip_checkpoint:
            raise EfnasError("--calibration-images needs a data set: leave out --skip-checkpoint.")
        if self.fine_tune and skip_checkpoint:
            raise EfnasError("--fine-tune needs trained weights: leave out --skip-checkpoint.")
        if self.fine_tune and form == PACKED:
            raise EfnasError("--fine-tune is for the forms accumulated and two-scale, not for packed.")
        if self.fine_tune_lr is not None and not self.fine_tune:
            raise EfnasError("--fine-tune-lr belongs to --fine-tune STEPS.")
        if self.fine_tune_lr is not None and self.fine_tune_lr <= 0:
            raise EfnasError(f"--fine-tune-lr is above 0, not {self.fine_tune_lr:g}.")
        percentile = (self.percentile or 99.9) if self.ranges == "percentile" else None
        tuning = Tuning(self.fine_tune, self.fine_tune_lr or Tuning(0).rate) if self.fine_tune else None
        return Calibration(self.images or Calibration().images, percentile, self.per_tensor, tuning)
