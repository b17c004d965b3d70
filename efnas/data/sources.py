"""The training and validation sets of a configuration; synthetic ones are written on first use, when asked for."""

from typing import Callable, NamedTuple

from efnas.config import Data
from efnas.data.flying_chairs import DataSet, find_dataset, planned_folder
from efnas.errors import EfnasError
from efnas.strict_json import read_json


class DataSets(NamedTuple):
    train: DataSet
    val: DataSet

    def fingerprints(self) -> dict:
        return {"train": self.train.fingerprint(), "val": self.val.fingerprint()}


def open_datasets(
    data: Data, progress: Callable[[int, int], None] = lambda done, total: None, write: bool = True
) -> DataSets:
    """Without `write` a synthetic set that is not there stays so, and the sets are those that it would be.

    Raises EfnasError, saying what was looked for and where, when a set is not there.
    """
    if data.synthetic and not write and not data.base_path.exists():
        train, val, base = data.synthetic.train_pairs, data.synthetic.val_pairs, data.base_path
        return DataSets(
            planned_folder(base / data.train_dir, range(train)),
            planned_folder(base / data.val_dir, range(train, train + val)),
        )
    if data.synthetic:
        _ensure_synthetic(data, progress)
    elif not data.base_path.is_dir():
        raise EfnasError(
            f"There is no data set at {data.base_path} (data.base_path): looked for the folders "
            f"{data.train_dir}/ and {data.val_dir}/ of FlyingChairs2; set --base-path, or use "
            "configs/quickstart.yaml for synthetic data."
        )
    return DataSets(
        find_dataset(data.base_path, data.train_dir, data.train_list),
        find_dataset(data.base_path, data.val_dir, data.val_list),
    )


def _ensure_synthetic(data: Data, progress: Callable[[int, int], None]) -> None:
    from efnas.data.synthesis import DESCRIPTION, SceneStyle, describe, write_dataset

    wanted = data.synthetic
    style = SceneStyle(wanted.height, wanted.width, wanted.motion, wanted.detail, wanted.structure, wanted.shapes)
    content = (wanted.train_pairs, wanted.val_pairs, wanted.seed, style, wanted.textures)
    if not data.base_path.exists():
        write_dataset(data.base_path, *content, progress)
        return
    try:
        found = read_json((data.base_path / DESCRIPTION).read_text())
    except (OSError, ValueError):
        found = None
    if found != describe(*content):
        raise EfnasError(
            f"{data.base_path} exists but is not the synthetic data set of this configuration; "
            "remove it, or give another data.base_path."
        )
