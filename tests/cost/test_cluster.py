"""Compiles on a Dask scheduler with two worker processes, one of which is killed; and addresses where there is none."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from test_sweep_cli import parts_of, tiny  # noqa: F401
from vela_stand_in import stand_in_program

from efnas.cache import Cache
from efnas.core.network import FLOW_SPACE
from efnas.core.sampler import random_archs
from efnas.cost.cluster import on_cluster
from efnas.cost.compiles import Compiles, Work
from efnas.errors import EfnasError
from efnas.vela.board import packaged_profile
from efnas.vela.compiler import Settings

ARCHS = random_archs(FLOW_SPACE, 0, 30)


class Cluster:
    def __init__(self, folder):
        self.folder, self.processes = folder, []
        self.scheduler = self._start("scheduler", "--port", "0", "--no-dashboard")
        while not (folder / "scheduler").exists():
            time.sleep(0.05)
        self.address = json.loads((folder / "scheduler").read_text())["address"]

    def worker(self):
        return self._start("worker", "--nthreads", "1", "--no-dashboard", "--no-nanny")

    def _start(self, kind, *words):
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", "--scheduler-file", self.folder / "scheduler"]
        with open(self.folder / f"{kind}{len(self.processes)}.log", "w") as log:
            process = subprocess.Popen([*map(str, command), *words], stdout=log, stderr=log, cwd=self.folder)
        self.processes.append(process)
        return process


@pytest.fixture
def cluster(tmp_path):
    made = Cluster(tmp_path)
    yield made
    for process in made.processes:
        process.kill()
        process.wait()


@pytest.fixture
def work(tiny, tmp_path):  # noqa: F811
    program = stand_in_program(tmp_path, sleep=0.1)
    return Work(FLOW_SPACE, parts_of(tiny), str(program), "4.5.0", packaged_profile(), Settings())


def test_a_worker_that_dies_loses_nothing(cluster, work, tmp_path):
    workers = [cluster.worker(), cluster.worker()]
    compiles = Compiles(work, Cache(tmp_path / "cache"), on_cluster(cluster.address))

    def kill_one(done, total):
        if done == 8:
            os.kill(workers[0].pid, signal.SIGKILL)

    compiles.run(ARCHS, kill_one)
    assert set(compiles.costs) == set(ARCHS) and not compiles.failed
    assert {cost.latency_ms for cost in compiles.costs.values()} == {200}
    assert workers[0].poll() is not None and workers[1].poll() is None
    again = Compiles(work, Cache(tmp_path / "cache"), on_cluster(cluster.address))
    again.run(ARCHS)
    assert again.compiled == 0


def test_workers_may_come_late_and_bring_the_right_compiler(cluster, work):
    notes = []
    engine = on_cluster(cluster.address, notes.append)
    answers = engine(work._replace(version="5.2.0"), ARCHS)
    cluster.worker()
    with pytest.raises(EfnasError, match="is Vela 4.5.0; the sweep is one of Vela 5.2.0"):
        next(answers)
    assert "has no workers yet" in notes[0]


def test_a_scheduler_that_dies_ends_the_sweep_and_keeps_what_there_is(cluster, work, tmp_path):
    cluster.worker()
    compiles = Compiles(work, Cache(tmp_path / "cache"), on_cluster(cluster.address))

    def kill_scheduler(done, total):
        if done == 3:
            cluster.scheduler.kill()

    with pytest.raises(EfnasError, match="is gone; what was compiled is kept"):
        compiles.run(ARCHS, kill_scheduler)
    assert len(compiles.costs) >= 3


@pytest.mark.parametrize("address, message", [
    ("tcp://127.0.0.1:1", "No Dask scheduler answers at 'tcp://127.0.0.1:1': "),
    ("nonsense", "missing port number"),
    ("foo://bar", "unknown address scheme"),
])  # fmt: skip
def test_a_wrong_address_is_one_sentence(address, message, monkeypatch):
    monkeypatch.setattr("efnas.cost.cluster.CONNECT_SECONDS", 0.5)
    with pytest.raises(EfnasError, match=message):
        on_cluster(address)
