"""Runs that are stopped or killed at a place of one's choice, and what of two runs must be equal."""

import os
import shutil
import signal

from conftest import events_of

from efnas.config_files import load_config
from efnas.runs.history import EVALUATIONS, FAIRNESS, PER_ARCH
from efnas.runs.resume import Resume
from efnas.runs.run_files import BEST, LAST
from efnas.runs.seal import read_seal, read_whole
from efnas.training.events import Evaluating, Stepped, Stopped


def config_of(settings, root, *more):
    return load_config(assignments=[*settings, f"runtime.output_root={root}", *more])


class StopAt:
    """Wants a stop from the end of a step, or the first batch of the evaluation after an epoch, on."""

    def __init__(self, step=None, evaluation=None, number=signal.SIGTERM):
        self.at_step, self.at_evaluation, self.number, self.reached = step, evaluation, number, False

    def watch(self, event):
        if isinstance(event, Stepped) and event.step == self.at_step:
            self.reached = True
        if isinstance(event, Evaluating) and event.epoch == self.at_evaluation:
            self.reached = True

    def wanted(self):
        return self.number if self.reached else None


def kill_self_at(step):
    """A watcher that ends this process by SIGKILL."""

    def watch(event):
        if isinstance(event, Stepped) and event.step == step:
            os.kill(os.getpid(), signal.SIGKILL)

    return watch


def stopped(config, **when):
    """Train until it is stopped; returns the state that was saved."""
    resume = Resume() if config.runtime.run_folder.exists() else None
    stop = StopAt(**when)
    last = events_of(config, resume, stop_wanted=stop.wanted, watch=stop.watch)[-1]
    assert isinstance(last, Stopped) and last.number == stop.number
    return read_whole(config.runtime.run_folder / LAST).state


def copied(folder, root):
    """A copy of a run folder under another root."""
    return shutil.copytree(folder, root / folder.name).parent


def contents(folder):
    """What must be equal: weights with Adam's slots, histories, counts, and what the checkpoints say of themselves."""
    kept = [name for name in (EVALUATIONS, PER_ARCH, FAIRNESS) if name != FAIRNESS or (folder / name).exists()]
    found = {name: (folder / name).read_bytes() for name in kept}
    for name in (BEST, LAST):
        seal = read_seal(folder / name)
        found[name] = ({key: value for key, value in seal.state.items() if key != "identity_sha256"}, seal.sha256)
    return found
