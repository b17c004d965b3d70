"""The configuration: six sections of typed defaults. Names that users of earlier work know are kept.

Each key says what it is for: `docs/configuration.md` is made of that.
"""

import re
from pathlib import Path
from typing import Any, List, Optional, Union

from pydantic import Field, field_validator, model_validator
from typing_extensions import Literal

from efnas.config_augmentation import Augmentation
from efnas.config_section import Section, sections_of
from efnas.config_synthetic import Synthetic

CROP, WHOLE = "crop", "whole"  # data.geometry
PRETRAINED = Path("pretrained")  # train.init_from
AUTO, OWN, TENSORFLOW, MIXED = "auto", "own", "tensorflow", "mixed"  # runtime.convolution_gradients, train.precision


class Runtime(Section):
    """Where a run is kept and on what it computes."""

    experiment_name: str = Field("supernet", max_length=200, description="Name of the run and of its folder.")
    output_root: Path = Field(Path("outputs/supernet"), description="Folder that runs are kept in.")
    seed: int = Field(42, ge=0, lt=2**63, description="Seed of weights, fair cycles, the order of the data and crops.")
    gpu_device: Optional[int] = Field(
        None, ge=-1, description="Number of the GPU; -1 is the CPU, left out the first GPU where there is one."
    )
    threads: int = Field(0, ge=0, le=1024, description="Threads to compute with; 0 is one a core.")
    convolution_gradients: Literal["auto", "own", "tensorflow"] = Field(
        AUTO,
        description="Whose gradients of convolutions a training takes, which differ by rounding: TensorFlow's, efnas' "
        "own, or those that are faster on this machine, measured once.",
    )

    @field_validator("experiment_name")
    @classmethod
    def _names_a_folder(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", value):
            raise ValueError("must begin with a letter or a digit and hold letters, digits, '.', '_' and '-' alone")
        return value

    @property
    def run_folder(self) -> Path:
        return self.output_root / self.experiment_name


class Data(Section):
    """What is learned from, and the size of what the network sees."""

    dataset: Literal["flying_chairs2", "synthetic"] = Field(
        "flying_chairs2", description="`synthetic` writes the data set that the section below describes."
    )
    base_path: Path = Field(
        Path("datasets/FlyingChairs2"), description="Folder of the data set, or of what `efnas data pack` made of it."
    )
    train_dir: str = Field("train", description="Folder of the training pairs in it.")
    val_dir: str = Field("val", description="Folder of the validation pairs in it.")
    train_list: Optional[str] = Field(None, description="Index list of the training pairs, in place of their folder.")
    val_list: Optional[str] = Field(None, description="Index list of the validation pairs, in place of their folder.")
    val_holdout: Optional[int] = Field(
        None, ge=1, description="Training pairs that are held out and validated on, in place of `val_dir`."
    )
    input_height: int = Field(180, ge=16, le=4096, description="Height of the input in pixels, a multiple of 4.")
    input_width: int = Field(240, ge=16, le=4096, description="Width of the input in pixels, a multiple of 4.")
    geometry: Literal["crop", "whole"] = Field(
        CROP,
        description="The input is cut from a frame, or is the whole frame scaled down; errors are then of the flow "
        "scaled back up, in pixels of the frame.",
    )
    flow_clip: Optional[float] = Field(
        50.0,
        gt=0,
        description="Training labels are clipped to plus and minus so many pixels of the input; null: never.",
    )
    synthetic: Optional[Synthetic] = Field(None, description="See below; only with `dataset: synthetic`.")
    augmentation: Optional[Augmentation] = Field(None, description="See below; left out or null: none.")

    @model_validator(mode="after")
    def _says_one_thing(self) -> "Data":
        if (self.dataset == "synthetic") != (self.synthetic is not None):
            raise ValueError("data.dataset: synthetic and a section data.synthetic go together")
        if self.val_holdout and self.val_list:
            raise ValueError("data.val_list and data.val_holdout contradict each other: set one to null")
        return self

    @property
    def whole(self) -> bool:
        """Whether the network sees whole frames."""
        return self.geometry == WHOLE


class Network(Section):
    """Which supernet, and how wide."""

    name: str = Field("edgeflow-bilinear", description="The supernet: its search space and its network.")
    base_width: int = Field(32, ge=2, le=1024, description="Channels of the first layer, even; the others follow.")


class Train(Section):
    """What is trained, and how."""

    arch: Optional[str] = Field(
        None, max_length=200,
        description="The subnet that is trained alone, by its code in quotes, or `baseline`; left out: the supernet.",
    )  # fmt: skip
    init_from: Optional[Path] = Field(
        None,
        description="A run or a checkpoint whose weights and moving averages the training begins with; `pretrained`: "
        "the supernet of the package.",
    )
    first_values: Literal["shared", "independent"] = Field(
        "shared",
        description="`shared`: all subnets begin as one function; `independent`: every kernel has values of its own.",
    )
    lane_batches: Literal["same", "different"] = Field(
        "same", description="The subnets of a fair cycle see the same batch, or each a slice of it."
    )
    precision: Literal["float32", "mixed"] = Field(
        "float32", description="`mixed`: activations and convolutions in float16, with a scaled loss; for GPUs."
    )
    xla: bool = Field(False, description="Compile parts of the training with XLA; each size of a batch once.")
    num_epochs: int = Field(200, ge=1, le=1_000_000, description="Epochs to train.")
    epoch_mode: Literal["full_pass", "by_samples", "fixed_steps"] = Field(
        "full_pass", description="An epoch is the whole data set, so many samples, or so many steps."
    )
    steps_per_epoch: int = Field(0, ge=0, le=1_000_000, description="Steps of an epoch, with `fixed_steps`.")
    train_samples_per_epoch: int = Field(0, ge=0, le=100_000_000, description="Samples of an epoch, with `by_samples`.")
    train_sampling_mode: Literal["shuffle_no_replacement", "random_with_replacement"] = Field(
        "shuffle_no_replacement", description="Every sample once a pass, or each drawn on its own."
    )
    batch_size: int = Field(32, ge=1, le=65_536, description="Pairs a step.")
    micro_batch_size: Optional[int] = Field(
        None, ge=1, description="Pairs a session call; smaller needs less memory. Left out: the whole batch."
    )
    lr: float = Field(1e-4, gt=0, description="Learning rate at the start (Adam).")
    lr_schedule: Literal["cosine", "constant", "step"] = Field(
        "cosine", description="How the rate falls over the training."
    )
    schedule_epochs: Optional[int] = Field(
        None, ge=1, le=1_000_000, description="Epochs that the schedule is made for; left out: num_epochs."
    )
    lr_warmup_steps: int = Field(0, ge=0, description="Full batches over which the rate rises at the start.")
    lr_step_at: List[float] = Field(
        [0.5, 0.75], description="Parts of the training after which `step` multiplies the rate."
    )
    lr_step_factor: float = Field(0.5, gt=0, le=1, description="What `step` multiplies it by.")
    weight_decay: float = Field(4e-5, ge=0, description="Weight of the l2 loss of the kernels.")
    grad_clip_global_norm: float = Field(5.0, ge=0, description="Largest global norm of a gradient; 0: no clipping.")

    @field_validator("arch", mode="before")
    @classmethod
    def _is_no_number(cls, value):
        if isinstance(value, (int, float)):  # what YAML makes of digits, without the zeros that lead
            raise ValueError("must be an arch code in quotes, as in '000001000', or with commas between its digits")
        return value

    @model_validator(mode="after")
    def _epoch_has_a_length(self) -> "Train":
        for mode, key in (("fixed_steps", "steps_per_epoch"), ("by_samples", "train_samples_per_epoch")):
            if bool(getattr(self, key)) != (self.epoch_mode == mode):
                raise ValueError(f"train.epoch_mode: {mode} and train.{key} go together")
        return self


class Eval(Section):
    """How subnets are evaluated, and which evaluation decides."""

    eval_every_epoch: int = Field(1, ge=1, description="Epochs between two evaluations of the pool.")
    eval_pool_size: int = Field(12, ge=2, description="Subnets of the pool: whole fair cycles.")
    bn_recal_batches: int = Field(
        32, ge=0, le=1_000_000, description="Training batches of recalibration; 0: the moving averages of training."
    )
    eval_batches_per_arch: Union[int, Literal["all"]] = Field(
        16, description="Validation batches for each subnet, or `all`."
    )
    full_every: int = Field(10, ge=0, description="Epochs between evaluations on the whole validation set; 0: never.")
    best_metric: Literal["mean", "median", "p90", "baseline"] = Field(
        "mean", description="The figure over the pool that the best checkpoint and early stop follow."
    )
    early_stop_patience: int = Field(15, ge=0, description="Evaluations without a gain before it stops; 0: never.")
    early_stop_min_delta: float = Field(0.002, ge=0, description="Pixels that count as a gain.")

    @field_validator("eval_batches_per_arch", mode="before")
    @classmethod
    def _number_or_all(cls, value):
        if value == "all" or (str(value).isdigit() and int(value) >= 1):
            return value
        raise ValueError("must be a number of batches from 1, or all")


class Checkpoint(Section):
    """When the run is saved beside its evaluations."""

    every_minutes: float = Field(30.0, ge=0, description="Minutes between checkpoints; 0: only after an epoch.")
    keep_every: int = Field(
        0, ge=0, description="Epochs between two checkpoints that are kept, weights alone; 0: none is kept."
    )


class Config(Section):
    """All of it."""

    runtime: Runtime = Runtime()
    data: Data = Data()
    network: Network = Network()
    train: Train = Train()
    eval: Eval = Eval()
    checkpoint: Checkpoint = Checkpoint()

    def changed(self, section: str, **values: Any) -> "Config":
        """With other values in a section, which are not checked."""
        return self.model_copy(update={section: getattr(self, section).model_copy(update=values)})

    def seen_from_anywhere(self) -> "Config":
        """With paths that do not depend on the current folder. That of textures stays as it is: a data set that is
        there says which they were; lists of pairs lie below the data set."""
        begins = self.train.init_from
        here = self.changed("runtime", output_root=self.runtime.output_root.absolute())
        here = here.changed("data", base_path=self.data.base_path.absolute())
        return here if begins == PRETRAINED else here.changed("train", init_from=begins and begins.absolute())


def frames_told(geometry: str) -> str:
    """What the title of figures says of their geometry: nothing of the usual one."""
    return ", whole frames" if geometry == WHOLE else ""


def all_keys() -> List[str]:
    """Every key of the configuration with its section, as in `train.lr`."""
    return [f"{section}.{key}" for section, kind in sections_of(Config) for key in kind.model_fields]


def as_tree(config: Section) -> dict:
    """The configuration as plain values, for JSON and YAML."""
    return config.model_dump(mode="json")
