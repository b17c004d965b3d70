"""The configuration: five sections of typed defaults. Order of what counts: defaults, file, options, `--set`.

Names that users of earlier work know are kept. A file holds only what differs from the defaults; a key that does not
exist is an error that names the nearest one.
"""

import difflib
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional, Union

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from typing_extensions import Literal

from efnas.errors import EfnasError


class Section(BaseModel):
    """A section of the configuration: values cannot be changed once read, and are never NaN or infinite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, protected_namespaces=())


class Runtime(Section):
    experiment_name: str = Field("supernet", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    output_root: Path = Path("outputs/supernet")
    seed: int = Field(42, ge=0, lt=2**63)
    gpu_device: Optional[int] = Field(None, ge=-1)  # -1: CPU; left out: a GPU where there is one
    threads: int = Field(0, ge=0, le=1024)  # 0: one for each core

    @property
    def run_folder(self) -> Path:
        return self.output_root / self.experiment_name


class Synthetic(Section):
    """The synthetic data set that is written into `data.base_path` on first use."""

    train_pairs: int = Field(400, ge=1, le=1_000_000)
    val_pairs: int = Field(48, ge=1, le=1_000_000)
    height: int = Field(384, ge=16, le=4096)
    width: int = Field(512, ge=16, le=4096)
    motion: float = Field(10.0, gt=0)
    detail: float = Field(1.5, ge=1)
    structure: float = Field(150.0, ge=1)
    shapes: int = Field(12, ge=0)
    seed: int = Field(1, ge=0, lt=2**63)
    textures: Optional[Path] = None


class Data(Section):
    dataset: Literal["flying_chairs2", "synthetic"] = "flying_chairs2"
    base_path: Path = Path("datasets/FlyingChairs2")
    train_dir: str = "train"
    val_dir: str = "val"
    train_list: Optional[str] = None
    val_list: Optional[str] = None
    input_height: int = Field(180, ge=16, le=4096)
    input_width: int = Field(240, ge=16, le=4096)
    flow_clip: Optional[float] = Field(50.0, gt=0)
    synthetic: Optional[Synthetic] = None

    @field_validator("input_height", "input_width")
    @classmethod
    def _multiple_of_four(cls, value: int) -> int:
        if value % 4:
            raise ValueError("must be a multiple of 4 (the heads predict at 1/4, 1/2 and 1/1)")
        return value

    @model_validator(mode="after")
    def _synthetic_only_when_asked_for(self) -> "Data":
        if (self.dataset == "synthetic") != (self.synthetic is not None):
            raise ValueError("data.dataset: synthetic and a section data.synthetic go together")
        return self


class Train(Section):
    num_epochs: int = Field(200, ge=1, le=1_000_000)
    epoch_mode: Literal["full_pass", "by_samples", "fixed_steps"] = "full_pass"
    steps_per_epoch: int = Field(0, ge=0, le=1_000_000)
    train_samples_per_epoch: int = Field(0, ge=0, le=100_000_000)
    train_sampling_mode: Literal["shuffle_no_replacement", "random_with_replacement"] = "shuffle_no_replacement"
    batch_size: int = Field(32, ge=1, le=65_536)
    micro_batch_size: Optional[int] = Field(None, ge=1)
    lr: float = Field(1e-4, gt=0)
    lr_schedule: Literal["cosine", "constant", "step"] = "cosine"
    schedule_epochs: Optional[int] = Field(
        None, ge=1, le=1_000_000
    )  # epochs that the schedule is made for; left out: num_epochs
    lr_warmup_steps: int = Field(0, ge=0)
    lr_step_at: List[float] = [0.5, 0.75]  # parts of the training after which `step` multiplies the rate
    lr_step_factor: float = Field(0.5, gt=0, le=1)
    weight_decay: float = Field(4e-5, ge=0)
    grad_clip_global_norm: float = Field(5.0, ge=0)  # 0: no clipping
    base_width: int = Field(32, ge=2, le=1024)

    @model_validator(mode="after")
    def _epoch_has_a_length(self) -> "Train":
        for mode, key in (("fixed_steps", "steps_per_epoch"), ("by_samples", "train_samples_per_epoch")):
            if bool(getattr(self, key)) != (self.epoch_mode == mode):
                raise ValueError(f"train.epoch_mode: {mode} and train.{key} go together")
        if self.base_width % 2:
            raise ValueError("train.base_width must be even (the last head's feature has half of it)")
        return self


class Eval(Section):
    eval_every_epoch: int = Field(1, ge=1)
    eval_pool_size: int = Field(12, ge=6)
    bn_recal_batches: int = Field(32, ge=0, le=1_000_000)  # 0: the moving averages of training
    eval_batches_per_arch: Union[int, Literal["all"]] = 16
    full_every: int = Field(10, ge=0)  # epochs between evaluations on the whole validation set; 0: never
    best_metric: Literal["mean", "median", "p90", "baseline"] = "mean"
    early_stop_patience: int = Field(15, ge=0)  # evaluations; 0: never
    early_stop_min_delta: float = Field(0.002, ge=0)

    @field_validator("eval_batches_per_arch", mode="before")
    @classmethod
    def _number_or_all(cls, value):
        if value == "all" or (str(value).isdigit() and int(value) >= 1):
            return value
        raise ValueError("must be a number of batches from 1, or all")

    @model_validator(mode="after")
    def _whole_fair_cycles(self) -> "Eval":
        if self.eval_pool_size % 3:
            raise ValueError("eval.eval_pool_size must be a multiple of 3 (the pool is made of fair cycles)")
        return self


class Checkpoint(Section):
    every_minutes: float = Field(30.0, ge=0)  # 0: only after an evaluation


class Config(Section):
    runtime: Runtime = Runtime()
    data: Data = Data()
    train: Train = Train()
    eval: Eval = Eval()
    checkpoint: Checkpoint = Checkpoint()


def load_config(
    file: Optional[Path] = None, options: Optional[Dict[str, Any]] = None, assignments: Iterable[str] = ()
) -> Config:
    """The resolved configuration.

    `options` are `section.key: value` of the command's own options (None: not given); `assignments` are the texts of
    `--set section.key=value`, their values read as YAML. Raises EfnasError with one sentence for the first thing wrong.
    """
    tree = _read_file(Path(file)) if file else {}
    for key, value in (options or {}).items():
        if value is not None:
            _assign(tree, key, value)
    for text in assignments:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise EfnasError(f"--set takes section.key=value, not '{text}'.")
        try:
            _assign(tree, key.strip(), yaml.safe_load(value))
        except yaml.YAMLError as error:
            raise EfnasError(f"--set {text}: the value cannot be read.") from error
    _refuse_unknown_keys(tree, Config, (), file)
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"] if not isinstance(part, int))
        message = first["msg"].replace("Value error, ", "")
        where = f" in {file}" if file else ""
        shown = "" if isinstance(first["input"], (dict, BaseModel)) else f" (it is {first['input']!r})"
        raise EfnasError(f"Configuration{where}: {key + ': ' if key else ''}{message}{shown}.") from error


def _read_file(file: Path) -> dict:
    try:
        tree = yaml.safe_load(file.read_text())
    except FileNotFoundError as error:
        raise EfnasError(f"There is no configuration file {file}.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise EfnasError(f"Cannot read the configuration file {file}: {error}.") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise EfnasError(f"{file} is not valid YAML{f' (line {mark.line + 1})' if mark else ''}.") from error
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise EfnasError(f"{file} is not a configuration: it must hold sections such as 'train:' with keys below.")
    return tree


def _assign(tree: dict, dotted: str, value: Any) -> None:
    *parents, key = dotted.split(".")
    for parent in parents:
        if not isinstance(tree.setdefault(parent, {}), dict):
            tree[parent] = {}
        tree = tree[parent]
    tree[key] = value


def _refuse_unknown_keys(tree: dict, model, path: tuple, file) -> None:
    known = model.model_fields
    for key, value in tree.items():
        dotted = ".".join(path + (str(key),))
        if key not in known:
            near = difflib.get_close_matches(dotted, all_keys(), n=1, cutoff=0.3)
            if not path:  # a section, or a key written without its section
                near = [name for name in all_keys() if name.endswith(f".{key}")] or difflib.get_close_matches(
                    str(key), list(known), n=1, cutoff=0.3
                )
            hint = f"; did you mean '{near[0]}'?" if near else f"; the sections are {', '.join(Config.model_fields)}."
            raise EfnasError(f"Unknown configuration key '{dotted}'{f' in {file}' if file else ''}{hint}")
        inner = Synthetic if key == "synthetic" else known[key].annotation
        if isinstance(value, dict) and isinstance(inner, type) and issubclass(inner, Section):
            _refuse_unknown_keys(value, inner, path + (key,), file)


def all_keys() -> List[str]:
    """Every key of the configuration with its section, as in `train.lr`."""
    keys = [
        f"{section}.{key}" for section, field in Config.model_fields.items() for key in field.annotation.model_fields
    ]
    return keys + [f"data.synthetic.{key}" for key in Synthetic.model_fields]


def as_tree(config: Config) -> dict:
    """The configuration as plain values, for JSON and YAML."""
    return config.model_dump(mode="json")
