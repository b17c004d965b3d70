"""Going on with a run: is it the same run, and is what it left whole? All is compared before anything is written."""

import hashlib
import time
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence

from efnas.config import Config
from efnas.errors import EfnasError
from efnas.runs.history import EVALUATIONS, PER_ARCH
from efnas.runs.manifest import (
    GEOMETRY,
    PRECISION,
    Difference,
    differences,
    geometry_of,
    identity_sha256,
    read_manifest,
)
from efnas.runs.progress import RunProgress, histories_of
from efnas.runs.run_files import CHECKPOINTS
from efnas.runs.seal import SEAL, read_whole, with_ending

EXTEND, KEEP = "extend", "keep"
LENGTH_KEYS = ("train.num_epochs", "train.schedule_epochs")


class Resume(NamedTuple):
    """What the user decided: which checkpoint, which identity keys may differ, and what a longer run does with the
    learning rate (`extend`: the schedule is made for the new length; `keep`: for the old one)."""

    checkpoint: str = "last"
    allow: Sequence[str] = ()
    schedule: Optional[str] = None


class NotTheSameRun(EfnasError):
    """The configuration is of another run than the folder's; `found` are the differences, of all groups."""

    def __init__(self, message: str, found: List[Difference]):
        super().__init__(message)
        self.found = found


class Resumption(NamedTuple):
    """A run that can go on: from which checkpoint, where it stands, how long its histories then were."""

    checkpoint: Path
    progress: RunProgress
    histories: Dict[str, list]
    manifest: dict
    found: List[Difference]


def scheduled(config: Config, stored: dict, resume: Resume) -> Config:
    """The configuration with the schedule's length that was decided for; `stored` is the manifest of the run."""
    if resume.schedule != KEEP:
        return config
    old = stored["identity"]
    epochs = old["train.schedule_epochs"] or old["train.num_epochs"]
    return config.changed("train", schedule_epochs=epochs)


def check_resume(folder: Path, fresh: dict, resume: Resume) -> Resumption:
    """`fresh` is the manifest of the configuration. Raises EfnasError for a run that is not there, not the same, or
    damaged, and NotTheSameRun for one with another identity."""
    stored = read_manifest(folder)
    found = differences(stored, fresh)
    blocking = [each for each in found if each.group == "identity"]
    names = [each.key for each in blocking]
    if any(key in names for key in LENGTH_KEYS) and resume.schedule is None:
        raise NotTheSameRun(
            f"{folder} was to take {stored['identity']['train.num_epochs']} epochs, which decides its learning rates: "
            "say --extend-schedule (made for the new length) or --keep-schedule (as it was).",
            found,
        )
    if GEOMETRY in names:  # the best error so far, and the histories, are of the other
        raise NotTheSameRun(
            f"The errors of the run in {folder} are of {GEOMETRY}: {geometry_of(stored['identity'])}, which cannot "
            "change; take another --experiment-name.",
            found,
        )
    known = {**stored["identity"], **fresh["identity"]}
    unknown = [each for each in resume.allow if not any(_is_of(key, each) for key in known)]
    if unknown:
        raise EfnasError(f"--allow {unknown[0]}: that is no identity key of {folder}.")
    refused = [key for key in names if key not in LENGTH_KEYS and not any(_is_of(key, each) for each in resume.allow)]
    if refused:
        raise NotTheSameRun(
            f"The configuration is not that of the run in {folder}: {', '.join(refused)} differ"
            f"{'s' if len(refused) == 1 else ''}; take another --experiment-name, or --allow a key.",
            found,
        )
    if not any(with_ending(folder / name, SEAL).exists() for name in CHECKPOINTS.values()):
        raise EfnasError(f"{folder} has no checkpoint: it ended before its first one; --overwrite begins it anew.")
    path = folder / CHECKPOINTS[resume.checkpoint]
    state = _whole_state(folder, resume.checkpoint)
    known = [identity_sha256(stored)] + [entry["identity_sha256"] for entry in stored["history"]]
    if state.get("identity_sha256") not in known:
        raise EfnasError(f"The checkpoint {path} is of another run than the manifest in {folder}.")
    if state.get("arch") != fresh["identity"].get("train.arch"):  # which no --allow can make fit
        raise EfnasError(f"{path} holds the weights of {state.get('arch') or 'a supernet'}: train.arch cannot change.")
    if PRECISION in names and fresh["identity"].get(PRECISION):  # the checkpoint has no scale of the loss
        raise EfnasError(f"{path} was trained in float32: {PRECISION} cannot change (train.init_from takes weights).")
    history = list(stored["history"])
    if blocking:
        history.append({
            "at": time.strftime("%Y-%m-%d %H:%M:%S"), "step": state["step"], "identity_sha256": identity_sha256(stored),
            "changed": {each.key: [each.left, each.right] for each in blocking}, "schedule": resume.schedule,
        })  # fmt: skip
    return Resumption(path, RunProgress.of_state(state), state["histories"], {**fresh, "history": history}, found)


def _is_of(key: str, allowed: str) -> bool:
    """Whether it is this key, or in this section of one: all of `data.augmentation` changes together."""
    return key == allowed or "." in allowed and key.startswith(f"{allowed}.")


def _whole_state(folder: Path, which: str) -> dict:
    """The state of a checkpoint whose files and histories are whole; else an error that offers the other one."""
    try:
        return _checked(folder, which)
    except EfnasError as error:
        (other,) = (name for name in CHECKPOINTS if name != which)
        try:
            state = _checked(folder, other)
        except EfnasError:
            raise error from None
        raise EfnasError(
            f"{error} The other one is whole: --resume-from {other} goes on from step {state['step']:,}."
        ) from error


def _checked(folder: Path, which: str) -> dict:
    state = read_whole(folder / CHECKPOINTS[which]).state
    RunProgress.of_state(state)
    marks = histories_of(state)
    for name in (EVALUATIONS, PER_ARCH):
        if name not in marks:
            raise EfnasError(f"The checkpoint {folder / CHECKPOINTS[which]} does not say how long {name} was.")
        length, digest = marks[name]
        try:
            with open(folder / name, "rb") as file:
                begin = file.read(length)
        except OSError as error:
            raise EfnasError(f"Cannot read the history {folder / name}: {error.strerror}.") from error
        if hashlib.sha256(begin).hexdigest() != digest:
            raise EfnasError(
                f"The history {folder / name} is damaged: it does not begin as it did when {CHECKPOINTS[which]} was "
                "saved."
            )
    return state
