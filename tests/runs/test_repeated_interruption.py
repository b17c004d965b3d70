"""Resume as users run it: commands of their own, with TensorFlow's graph optimiser, ended at any moment.

A repetition trains, is ended by a signal at a random moment, goes on, and is ended again, until it is finished; then
it must be equal to a run that was never ended. `EFNAS_REPETITIONS=300` says how many; beside other work is better.
"""

import os
import random
import signal
import subprocess
import time
from collections import Counter

import pytest
from command import EFNAS_WITH_SMALL
from interruption import contents

from efnas.runs.run_files import LAST

REPETITIONS = int(os.environ.get("EFNAS_REPETITIONS", 1))
# A training that is stopped saves; one that is killed goes back to what the clock had saved.
# SIGUSR1 is a request once the training has begun.
ENDINGS = {signal.SIGKILL: {-9}, signal.SIGTERM: {143}, signal.SIGINT: {130}, signal.SIGUSR1: {0, 138}}
# A network that is built in a third of the time, and the flow's on all the threads that there are.
RUNS = [("small", 1), ("edgeflow-bilinear", None)]


def command(settings, root, run, *more):
    network, threads = run
    kept = [
        each for each in settings if not each.startswith(("runtime.threads", "train.micro_batch_size", "eval.full"))
    ]
    more_settings = [f"network.name={network}", "checkpoint.every_minutes=1e-9", "eval.eval_every_epoch=4",
                     f"runtime.output_root={root}"]  # fmt: skip
    if threads:
        more_settings.append(f"runtime.threads={threads}")
    words = [word for each in [*kept, *more_settings] for word in ("--set", each)]
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.Popen([*EFNAS_WITH_SMALL, "train", *words, "--quiet", *more], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, env=environment)  # fmt: skip


def begun(root):
    return (root / "supernet" / "train.log").exists()


@pytest.fixture(scope="module", params=RUNS, ids=lambda run: f"{run[0]}-{run[1] or 'all'}-threads")
def straight(request, run_settings, tmp_path_factory):
    """Network and threads, what a run that was never ended leaves, and how many seconds it took from its first file on."""
    root = tmp_path_factory.mktemp("straight")
    process = command(run_settings, root, request.param)
    while not begun(root) and process.poll() is None:
        time.sleep(0.01)
    first = time.monotonic()
    output = process.communicate()[0]
    assert process.returncode == 0, output.decode()
    return request.param, contents(root / "supernet"), time.monotonic() - first


@pytest.mark.parametrize("number", range(REPETITIONS))
def test_ended_and_resumed_is_equal(number, straight, run_settings, tmp_path, record_property):
    run, wanted, seconds = straight
    chance, endings, more, finished = random.Random(number), Counter(), [], False
    while not finished:
        process = command(run_settings, tmp_path, run, *more)
        wished, after = chance.choice(list(ENDINGS)), chance.uniform(0, seconds)
        if sum(endings.values()) < 2:
            while not begun(tmp_path) and process.poll() is None:
                time.sleep(0.01)
            try:
                process.wait(after)
            except subprocess.TimeoutExpired:
                process.send_signal(wished)
        output = process.communicate()[0].decode()
        saved = (tmp_path / "supernet" / f"{LAST}.json").exists()
        finished = process.returncode == 0 and "Stopped" not in output
        assert process.returncode in ENDINGS[wished] | {0} and "Traceback" not in output, output
        if not finished:
            endings[wished.name] += 1
        more = ["--resume"] if saved else ["--overwrite"]
    record_property("endings", dict(endings))
    assert contents(tmp_path / "supernet") == wanted
