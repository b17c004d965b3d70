"""What goes wrong, as one sentence for the user. The command line catches `EfnasError` once and exits with its code."""


class EfnasError(Exception):
    """Bad input: the message says what was wrong, where, and what to do."""

    exit_code = 2
    label = "Error"


class NoRoom(EfnasError):
    """The disk of the temporary files is full: what was under way did not fail by itself, and trying on is no use."""


class CheckFailed(EfnasError):
    """A check ran and its answer is no."""

    exit_code = 1


class TrainingDiverged(EfnasError):
    """A loss or gradient stopped being finite; the run stopped before anything was saved over a good checkpoint."""

    exit_code = 1
