"""The error of every subnet of a checkpoint on every validation pair, as a file that grows bundle by bundle.

`errors.npy` is float32 [subnets, pairs], in px, in the order of the codes; a row that is not known yet is NaN.
`errors.json`, sealed, says what the errors are of: checkpoint, pairs, recalibration, input size, geometry; once all are
known also the hash of the file. A computation that was stopped goes on where it was; one of anything else is refused.
"""

import io
from contextlib import suppress
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence

import numpy as np

from efnas.config import CROP
from efnas.core.space import SearchSpace
from efnas.core.supernet import SUPERNETS
from efnas.data.flying_chairs import fingerprint_of
from efnas.errors import EfnasError, brief
from efnas.files import make_folder, read_file, write_whole
from efnas.runs.seal import file_sha256, sealed, unsealed

ERRORS, ABOUT = "errors.npy", "errors.json"
FORMAT = 1
LATER_KEYS = {"geometry": CROP}  # of what errors are: with what those are that do not say it


class ErrorTable(NamedTuple):
    """`errors` in px, float32 [subnets, pairs]; `about` says what they are of, `pairs` and `zero_epe` by pair."""

    errors: np.ndarray
    about: dict
    space: SearchSpace

    @property
    def pairs(self) -> List[str]:
        return self.about["of"]["pairs"]

    def in_common(self, names: Sequence[str]) -> List[str]:
        """Its pairs (a search may have taken fewer) in the validation set that has these. Of another set they are none:
        a pair that is held out and one of the official set may have one name."""
        own, there = self.about["of"]["data"].get("val"), set(names)
        return [name for name in self.pairs if name in there] if own in (None, fingerprint_of(names)) else []

    @property
    def geometry(self) -> str:
        """As `data.geometry` of a configuration."""
        return self.about["of"].get("geometry", CROP)

    @property
    def space_id(self) -> List:
        """Name and version of the space."""
        return [self.about["of"]["space"], self.about["of"]["space_version"]]


def read_errors(folder: Path) -> ErrorTable:
    """The errors in a folder. Raises EfnasError for those that are missing, damaged or not all known yet."""
    about = _read_about(folder)
    if about is None:
        raise EfnasError(f"There are no errors in {folder} (looked for {ABOUT}): efnas search computes them.")
    name, space = about["of"]["space"], None
    if name in SUPERNETS and SUPERNETS[name].space.version == about["of"]["space_version"]:
        space = SUPERNETS[name].space
    if space is None:
        raise EfnasError(f"The errors in {folder} are of another search space ({brief(name)}).")
    file = folder / ERRORS
    if "errors_sha256" not in about:
        raise EfnasError(f"The errors in {folder} are not all known yet: the same efnas search goes on.")
    if not file.is_file() or file_sha256(file) != about["errors_sha256"]:
        raise EfnasError(f"{file} is damaged: it is not the file that {ABOUT} describes.")
    return ErrorTable(np.load(file, mmap_mode="r"), about, space)


def _read_about(folder: Path) -> Optional[dict]:
    """None where there is none. Raises EfnasError for one that is not as it was written."""
    file = folder / ABOUT
    if not file.exists():
        return None
    try:
        about = unsealed(read_file(file).decode())
        if about["format"] != FORMAT:
            raise ValueError("another format")
        return about
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise EfnasError(f"{file} is damaged: it is not as it was written.") from error


class GrowingErrors:
    """The file of the errors while rows come in. What is written is never mapped: a full disk is then an error."""

    def __init__(self, folder: Path, of: dict, subnets: int, overwrite: bool):
        self.folder, self.of, self.shape = folder, of, (subnets, len(of["pairs"]))
        about = None if overwrite else _read_about(folder)
        if about is not None:
            _require_same(folder, about["of"], of)
        if about is None or not self._is_whole():
            make_folder(folder)
            with suppress(FileNotFoundError):
                (folder / ABOUT).unlink()
            content = io.BytesIO()
            np.save(content, np.full(self.shape, np.nan, np.float32))
            write_whole(folder / ERRORS, content.getvalue())
            write_whole(folder / ABOUT, sealed({"format": FORMAT, "of": of}))
        self.finished = about is not None and "errors_sha256" in about
        errors = np.load(folder / ERRORS)
        self._header = (folder / ERRORS).stat().st_size - errors.nbytes
        self._known = np.isfinite(errors).all(axis=1)

    def _is_whole(self) -> bool:
        try:
            return np.load(self.folder / ERRORS, mmap_mode="r").shape == self.shape
        except (OSError, ValueError):
            return False

    @property
    def known_count(self) -> int:
        return int(self._known.sum())

    def known(self, first: int, count: int) -> bool:
        return bool(self._known[first : first + count].all())

    def write(self, first: int, errors: np.ndarray) -> None:
        """Rows from `first` on."""
        if not np.isfinite(errors).all():
            raise EfnasError("The checkpoint predicts flow that is not finite: its subnets have no error.")
        try:
            with open(self.folder / ERRORS, "r+b") as file:
                file.seek(self._header + first * self.shape[1] * 4)
                file.write(errors.astype("<f4").tobytes())
        except OSError as error:
            raise EfnasError(f"Cannot write {self.folder / ERRORS}: {error.strerror}.") from error
        self._known[first : first + len(errors)] = True

    def rows(self, first: int, count: int) -> np.ndarray:
        return np.load(self.folder / ERRORS, mmap_mode="r")[first : first + count]

    def finish(self, zero_epe: List[float], second: Dict[str, float]) -> None:
        """Seal what is whole; `second` says what another recalibration changes."""
        digest = file_sha256(self.folder / ERRORS)
        more = {"zero_epe": zero_epe, "second_recalibration": second, "errors_sha256": digest}
        write_whole(self.folder / ABOUT, sealed({"format": FORMAT, "of": self.of, **more}), durable=True)


def _require_same(folder: Path, stored: Dict[str, object], of: Dict[str, object]) -> None:
    for key, value in of.items():
        known = stored.get(key, LATER_KEYS.get(key))
        if known != value:
            was, now = (f"{len(each)} of them" if isinstance(each, list) and key == "pairs" else brief(each)
                        for each in (known, value))  # fmt: skip
            raise EfnasError(
                f"{folder} holds errors of something else: {key} was {was} and is {now}; take another --out, or "
                "replace them with --overwrite."
            )
