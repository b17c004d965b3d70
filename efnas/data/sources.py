"""The training and validation sets of a configuration; synthetic ones are written on first use, when asked for."""

import os
from pathlib import Path
from typing import Callable, NamedTuple, Optional

from efnas.config import Data
from efnas.data.flying_chairs import DataSet, index_folder, index_list, planned_folder
from efnas.data.holdout import held_out
from efnas.data.packed import packed_dataset, packed_parts
from efnas.errors import EfnasError
from efnas.strict_json import read_json


class DataSets(NamedTuple):
    train: DataSet
    val: DataSet

    def fingerprints(self) -> dict:
        return {"train": self.train.fingerprint(), "val": self.val.fingerprint()}

    def shared(self) -> int:
        """How many validation pairs are training pairs too, by the file of their first image."""
        train, val = ({os.path.normpath(sample.first) for sample in each.samples} for each in self)
        return len(train & val)

    def doubt(self) -> Optional[str]:
        """What is to be said of errors on the validation pairs where some are training pairs too."""
        shared = self.shared()
        told = "validation pairs are training pairs too: errors on them say little of new pairs."
        return f"{shared:,} of the {len(self.val):,} {told}" if shared else None


def find_dataset(base: Path, folder: str, list_file: Optional[str]) -> DataSet:
    """The data set of a configuration: its index list where it names one, else its folder; or what was packed of it."""
    if packed_parts(base):
        return packed_dataset(base, list_file or folder)
    return index_list(base / list_file, base) if list_file else index_folder(base / folder)


def open_datasets(
    data: Data, progress: Callable[[int, int], None] = lambda done, total: None, write: bool = True
) -> DataSets:
    """Without `write` a synthetic set that is not there stays so, and the sets are those that it would be.

    Raises EfnasError, saying what was looked for and where, when a set is not there.
    """
    if data.synthetic and not write and not data.base_path.exists():
        return planned_datasets(data)
    if data.synthetic:
        _ensure_synthetic(data, progress)
    elif not data.base_path.is_dir():
        folders = f"folder {data.train_dir}/" if data.val_holdout else f"folders {data.train_dir}/ and {data.val_dir}/"
        raise EfnasError(
            f"There is no data set at {data.base_path} (data.base_path): looked for the {folders} of FlyingChairs2; "
            "set --base-path, or use configs/quickstart.yaml for synthetic data."
        )
    train = find_dataset(data.base_path, data.train_dir, data.train_list)
    if data.val_holdout:
        return _parted(train, data.val_holdout)
    return DataSets(train, find_dataset(data.base_path, data.val_dir, data.val_list))


def trained_on(data: Data, holdout: Optional[int], fingerprint: dict) -> Optional[DataSet]:
    """The training set of a run that held out so many pairs of the data of this configuration; None where that has
    other names than this fingerprint: the run was trained on something else."""
    train = find_dataset(data.base_path, data.train_dir, data.train_list)
    found = held_out(train, holdout)[0] if holdout else train
    return found if found.fingerprint()["names_sha256"] == fingerprint["names_sha256"] else None


def planned_datasets(data: Data) -> DataSets:
    """Those of a synthetic data set that is still to be written."""
    train, val, base = data.synthetic.train_pairs, data.synthetic.val_pairs, data.base_path
    whole = planned_folder(base / data.train_dir, range(train))
    if data.val_holdout:
        return _parted(whole, data.val_holdout)
    return DataSets(whole, planned_folder(base / data.val_dir, range(train, train + val)))


def _parted(whole: DataSet, holdout: int) -> DataSets:
    """Raises EfnasError where one of the two is empty."""
    sets = DataSets(*held_out(whole, holdout))
    of = f"data.val_holdout takes {holdout:,} of the {len(whole):,} pairs of {whole.source}"
    if not sets.train:
        raise EfnasError(f"{of}: none is left to train on.")
    if not sets.val:
        raise EfnasError(f"{of}: whole scenes are held out, and none is so small.")
    return sets


def _ensure_synthetic(data: Data, progress: Callable[[int, int], None]) -> None:
    from efnas.data.synthesis import DESCRIPTION, SceneStyle, describe, write_dataset

    wanted = data.synthetic
    style = SceneStyle(wanted.height, wanted.width, wanted.motion, wanted.detail, wanted.structure, wanted.shapes,
                       wanted.natural)  # fmt: skip
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
