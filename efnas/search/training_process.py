"""One training in a process of its own, which `trainings` starts.

It reads its configuration from a line of standard input and says on standard output how far it is. When standard input
ends, as it does when whoever started it is gone, it finishes its step, saves and ends; so it does for a signal.
"""

import json
import signal
import sys
import threading
import time
from typing import Callable

from efnas.config import Config
from efnas.errors import EfnasError
from efnas.runs.lock import is_locked
from efnas.runs.manifest import MANIFEST
from efnas.runs.resume import Resume
from efnas.runs.run_files import CHECKPOINTS
from efnas.runs.seal import SEAL, with_ending

SAY_EVERY_SECONDS = 0.5
WAIT_SECONDS = 60


def main() -> None:
    config = Config.model_validate(json.loads(sys.stdin.readline()))
    from efnas.training.stopping import StopRequest

    left = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), left.set()), daemon=True).start()
    try:
        with StopRequest() as request:
            train(config, lambda: request.wanted() or (signal.SIGTERM if left.is_set() else None), say)
    except EfnasError as error:
        say({"error": str(error)})


def train(config: Config, stop_wanted: Callable, tell: Callable[[dict], None]) -> None:
    """Begin the run of a configuration, or go on with it."""
    from efnas.training.events import Stepped
    from efnas.training.loop import run_training
    from efnas.training.plan import prepare

    folder, told = config.runtime.run_folder, 0.0
    # One whose starter died may still be saving, while its work is done again elsewhere.
    for _ in range(WAIT_SECONDS * 10):
        if stop_wanted() or not is_locked(folder):
            break
        time.sleep(0.1)
    begun = (folder / MANIFEST).exists()
    resume = Resume() if any(with_ending(folder / name, SEAL).exists() for name in CHECKPOINTS.values()) else None
    plan = prepare(config, resume)
    for event in run_training(plan, begun and not resume, resume, stop_wanted):
        if isinstance(event, Stepped) and time.monotonic() - told > SAY_EVERY_SECONDS:
            told = time.monotonic()
            tell({"done": event.step, "of": plan.total_steps})


def say(what: dict) -> None:
    try:
        print(json.dumps(what), flush=True)
    except BrokenPipeError:  # nobody listens any more
        pass


if __name__ == "__main__":
    main()
