"""What goes wrong, as one sentence for the user. The command line catches `EfnasError` once and exits with its code."""

import reprlib
from typing import Any

LONGEST = 60  # characters of a value that a message repeats

_brief = reprlib.Repr()
_brief.maxstring = _brief.maxother = _brief.maxlong = LONGEST
_brief.maxlevel = 3


def brief(value: Any) -> str:
    """A value as a message repeats it: of a large one, or of one that holds itself, only what tells it apart."""
    text = _brief.repr(value)
    return text if len(text) <= 2 * LONGEST else f"{text[: 2 * LONGEST]}..."


class EfnasError(Exception):
    """Bad input: the message says what was wrong, where, and what to do."""

    exit_code = 2
    label = "Error"
    of_all_ranks = False  # all that train together (see `ranks`) end with it, and the first alone says it


class NoRoom(EfnasError):
    """The disk of the temporary files is full: what was under way did not fail by itself, and trying on is no use."""


class CheckFailed(EfnasError):
    """A check ran and its answer is no."""

    exit_code = 1


class TrainingDiverged(EfnasError):
    """A loss or gradient stopped being finite; the run stopped before anything was saved over a good checkpoint."""

    exit_code = 1
    of_all_ranks = True


def reason_of(error: Exception) -> str:
    """What an error of a library says, in a line: TensorFlow 2.15 tells first where its graph was built."""
    lines = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    (place, *_) = [number for number, line in enumerate(lines, 1) if line.startswith("Node: ")] or [0]
    return lines[place] if place < len(lines) else lines[0]
