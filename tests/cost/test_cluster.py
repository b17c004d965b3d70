"""Compiles on a real Dask scheduler whose workers are killed, come late or are others; and addresses where there is none."""

import os
import signal
import socket
import sys

import pytest
from dask_cluster import cluster  # noqa: F401
from test_sweep_cli import parts_of, tiny  # noqa: F401
from vela_stand_in import stand_in_program

from efnas.cache import Cache
from efnas.cluster import Cluster
from efnas.core.network import FLOW_SPACE
from efnas.core.sampler import random_archs
from efnas.cost.cluster import compile_engine
from efnas.cost.compiles import Compiles, Work
from efnas.errors import EfnasError
from efnas.vela.board import packaged_profile
from efnas.vela.compiler import Settings

ARCHS = random_archs(FLOW_SPACE, 0, 30)


@pytest.fixture
def work(tiny, tmp_path):  # noqa: F811
    program = stand_in_program(tmp_path, sleep=0.1)
    return Work(FLOW_SPACE, parts_of(tiny), str(program), "4.5.0", packaged_profile(), Settings())


def test_a_worker_that_dies_loses_nothing(cluster, work, tmp_path):  # noqa: F811
    workers = [cluster.worker(), cluster.worker()]

    def kill_one(done, total):
        if done == 8:
            os.kill(workers[0].pid, signal.SIGKILL)

    with compile_engine(cluster.address) as engine:
        compiles = Compiles(work, Cache(tmp_path / "cache"), engine)
        compiles.run(ARCHS, kill_one)
        assert set(compiles.costs) == set(ARCHS) and not compiles.failed
        assert {cost.latency_ms for cost in compiles.costs.values()} == {200}
        assert workers[0].poll() is not None and workers[1].poll() is None
        again = Compiles(work, Cache(tmp_path / "cache"), engine)
        again.run(ARCHS)
    assert again.compiled == 0


def test_workers_may_come_late_and_bring_the_right_compiler(cluster, work):  # noqa: F811
    notes = []
    with compile_engine(cluster.address, notes.append) as engine:
        answers = engine(work._replace(version="5.2.0"), ARCHS)
        cluster.worker()
        said = f"On {socket.gethostname()}: .* is Vela 4.5.0; the sweep is one of Vela 5.2.0"
        with pytest.raises(EfnasError, match=said):
            next(answers)
    assert "has no workers yet" in notes[0]


def test_a_scheduler_that_dies_ends_the_sweep_and_keeps_what_there_is(cluster, work, tmp_path):  # noqa: F811
    cluster.worker()

    def kill_scheduler(done, total):
        if done == 3:
            cluster.scheduler.kill()

    with pytest.raises(EfnasError, match="is gone; what was compiled is kept"):  # noqa: SIM117
        with compile_engine(cluster.address) as engine:
            compiles = Compiles(work, Cache(tmp_path / "cache"), engine)
            compiles.run(ARCHS, kill_scheduler)
    assert len(compiles.costs) >= 3


def test_what_kills_every_worker_has_an_answer_and_nothing_is_asked_once_it_is_left(cluster):  # noqa: F811
    from distributed import Client

    for _ in range(5):
        cluster.worker()

    def answer(shared, item):
        if item == "deadly":
            os._exit(1)
        return item, shared

    with Cluster(cluster.address) as entered:
        for item, expected in (("deadly", "died"), ("good", 7)):
            answers = entered.spread(answer, 7, [item], "all is kept", lambda item: (item, "died"))
            assert list(answers) == [(item, expected)]
        with pytest.raises(EfnasError, match="needs the efnas of this side: No module named 'of_another'"):
            list(entered.spread(lambda shared, item: __import__("of_another"), 7, [1], "", None))
    with Client(cluster.address) as other:
        asking = other.run_on_scheduler(lambda dask_scheduler: [*dask_scheduler.clients])
        assert not any(name.startswith("efnas") for name in asking)


def test_without_dask_it_is_said_how_to_have_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(EfnasError, match="--dask needs Dask: pip install"):
        Cluster("tcp://127.0.0.1:1")


@pytest.mark.parametrize("address, message", [
    ("tcp://127.0.0.1:1", "No Dask scheduler answers at 'tcp://127.0.0.1:1': "),
    ("nonsense", "missing port number"),
    ("foo://bar", "unknown address scheme"),
])  # fmt: skip
def test_a_wrong_address_is_one_sentence(address, message, monkeypatch):
    monkeypatch.setattr("efnas.cluster.CONNECT_SECONDS", 0.5)
    with pytest.raises(EfnasError, match=message):
        Cluster(address)
