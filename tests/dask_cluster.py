"""A real Dask scheduler with worker processes on this machine; they end with the test."""

import json
import subprocess
import sys
import time

import pytest


class LocalCluster:
    def __init__(self, folder):
        self.folder, self.processes = folder, []
        self.scheduler = self._start("scheduler", "--port", "0", "--no-dashboard")
        written = folder / "scheduler"
        while not written.exists() or not written.read_text().endswith("}"):  # it is seen while it is being written
            time.sleep(0.05)
        self.address = json.loads(written.read_text())["address"]

    def worker(self, *words):
        return self._start("worker", "--nthreads", "1", "--no-dashboard", "--no-nanny", *words)

    def _start(self, kind, *words):
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", "--scheduler-file", self.folder / "scheduler"]
        with open(self.folder / f"{kind}{len(self.processes)}.log", "w") as log:
            process = subprocess.Popen(list(map(str, [*command, *words])), stdout=log, stderr=log, cwd=self.folder)
        self.processes.append(process)
        return process


@pytest.fixture
def cluster(tmp_path):
    folder = tmp_path / "dask"
    folder.mkdir()
    made = LocalCluster(folder)
    yield made
    for process in made.processes:
        process.kill()
        process.wait()
