"""Where TensorFlow's own messages go: nowhere, into the log of a run, or, with --debug, onto the screen."""

import faulthandler
import logging
import os
import shutil
import sys
import tempfile
import warnings
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Callable, Iterator

from efnas.cli.click import get_current_context

STDERR = 2


def quiet_tensorflow() -> None:
    """Keep them off the screen. Call before anything imports TensorFlow."""
    if _debugging():
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.filterwarnings("ignore", category=FutureWarning, module="tensor.*")
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    from efnas.backend import tf

    tf.logging.set_verbosity(tf.logging.ERROR)


@contextmanager
def messages_for_a_log() -> Iterator[Callable[[Path], None]]:
    """Hold back what libraries write to standard error by themselves, until the function that this gives names the log
    that it all goes to. `sys.stderr` still is the screen.

    TensorFlow's C++ writes to the file descriptor, Python's loggers and warnings to wherever it leads.
    """
    if _debugging():
        yield lambda log: None
        return
    with ExitStack() as undo:
        sys.stderr.flush()
        screen = os.dup(STDERR)
        undo.callback(os.close, screen)
        if _is_the_process_s_own():
            undo.callback(setattr, sys, "stderr", sys.stderr)
            encoding, errors = sys.stderr.encoding, sys.stderr.errors
            # Not closed: where the terminal is lost that would raise.
            sys.stderr = open(screen, "w", 1, encoding, errors, closefd=False)
        held = undo.enter_context(tempfile.TemporaryFile())
        undo.callback(os.dup2, screen, STDERR)
        os.dup2(held.fileno(), STDERR)
        _log_to_stderr(undo)
        if not faulthandler.is_enabled():  # a crash of the C++ code still says so on the screen
            faulthandler.enable(screen)
            undo.callback(faulthandler.disable)

        def follow(log: Path) -> None:
            with open(log, "ab") as file:
                held.seek(0)
                shutil.copyfileobj(held, file)
                file.flush()
                os.dup2(file.fileno(), STDERR)

        yield follow


def _log_to_stderr(undo: ExitStack) -> None:
    handler = logging.StreamHandler(undo.enter_context(open(STDERR, "w", buffering=1, closefd=False)))
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s: %(message)s", "%Y-%m-%d %H:%M:%S"))
    logging.getLogger().addHandler(handler)
    undo.callback(logging.getLogger().removeHandler, handler)
    logging.captureWarnings(True)
    undo.callback(logging.captureWarnings, False)


def _is_the_process_s_own() -> bool:
    """Whether Python's standard error is that of the process: a test may have replaced it."""
    try:
        return sys.stderr.fileno() == STDERR
    except (OSError, ValueError, AttributeError):
        return False


def _debugging() -> bool:
    context = get_current_context(silent=True)
    return context is not None and bool(context.find_root().params.get("debug"))
