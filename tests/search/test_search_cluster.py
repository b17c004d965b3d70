"""The errors of all subnets on a real Dask cluster: those of one process, whatever stops, dies or is another there."""

import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
from command import answer, is_refused_in_a_sentence
from conftest import PROJECT
from dask_cluster import cluster  # noqa: F401
from small_supernet import SPACE
from test_errors import OPENED, _small_supernet, config, whole  # noqa: F401
from vela_stand_in import stand_in_program

from efnas.errors import EfnasError
from efnas.search import pass_engines, passes
from efnas.search.compute import compute_errors
from efnas.search.errors import ERRORS, GrowingErrors
from efnas.search.pass_engines import Pass, pass_engine, settle

KNOWING = f"""
import sys
sys.path.insert(0, {str(PROJECT / "tests")!r})
from efnas.core import supernet
from small_supernet import SMALL
supernet.SUPERNETS[SMALL.name] = SMALL
"""
# What a worker is started with: the second space, graphs that are not rewritten, and passes that take some time.
PRELOAD = f"""{KNOWING}
import time
from conftest import use_plain_graphs
from efnas.search import passes

use_plain_graphs()

class Slow(passes.Passes):
    def errors(self, wanted):
        time.sleep(0.3)
        return super().errors(wanted)

passes.Passes = Slow
"""
PROGRAM = f"{KNOWING}\nfrom efnas.cli.app import main\nmain()"


@pytest.fixture
def computation(config):  # noqa: F811
    with passes.open_passes(config, "last", None, OPENED) as opened:
        return opened.computation


def test_a_worker_dies_the_search_stops_and_goes_on_and_the_errors_are_the_same(
    cluster, config, whole, computation, tmp_path, monkeypatch  # noqa: F811
):  # fmt: skip
    (cluster.folder / "preload.py").write_text(PRELOAD)
    workers = [cluster.worker("--preload", cluster.folder / "preload.py") for _ in range(2)]
    # Paths of the folder that the search was begun in, which the workers do not know.
    monkeypatch.chdir(config.runtime.output_root.parent)
    root, data = (os.path.relpath(path) for path in (config.runtime.output_root, config.data.base_path))
    runtime, data = (
        config.runtime.model_copy(update={"output_root": root}),
        config.data.model_copy(update={"base_path": data}),
    )
    relative = type(config).model_validate(
        {**config.model_dump(), "runtime": runtime.model_dump(), "data": data.model_dump()}
    )
    folder, written = tmp_path / "spread", []
    honest = GrowingErrors.write
    monkeypatch.setattr(
        GrowingErrors, "write", lambda self, first, errors: (written.append(first), honest(self, first, errors))
    )

    def stop(done, total):
        if done == 8:
            raise KeyboardInterrupt

    def kill_one(done, total):
        if done == 16:
            os.kill(workers[0].pid, signal.SIGKILL)

    with pass_engine(cluster.address) as engine:
        changed = SimpleNamespace(computation=computation._replace(of={**computation.of, "checkpoint": "0" * 64}))
        with pytest.raises(
            EfnasError, match="On .*: The checkpoint or the data are not those of the search: checkpoint"
        ):
            list(engine(changed, [Pass(0)]))
        with pytest.raises(KeyboardInterrupt):
            compute_errors(relative, "last", folder, progress=stop, engine=engine)
    assert np.isfinite(np.load(folder / ERRORS)).all(axis=1).sum() == 8
    with pass_engine(cluster.address) as engine:
        found = compute_errors(relative, "last", folder, progress=kill_one, engine=engine)
    assert workers[0].wait(5) and workers[1].poll() is None
    assert sorted(written) == [0, 8, 16, 24]
    np.testing.assert_allclose(found.errors, whole[1].errors, rtol=1e-6)
    assert found.about["of"] == whole[1].about["of"] and found.about["zero_epe"] == whole[1].about["zero_epe"]
    second = whole[1].about["second_recalibration"]
    assert found.about["second_recalibration"] == pytest.approx(second, rel=1e-3, abs=1e-6)


@pytest.fixture
def opened(monkeypatch):
    """The checkpoints that this process opens as a worker would; it keeps none of them."""
    seen, honest = [], passes.open_trained

    def counting(config, which, ranks):  # noqa: F811
        seen.append(which)
        return honest(config, which, ranks)

    monkeypatch.setattr(passes, "open_trained", counting)
    yield seen
    pass_engines._only_thread.submit(pass_engines._kept._open.close).result()
    pass_engines._kept._computation = None


def test_a_worker_of_many_threads_opens_the_checkpoint_once(whole, computation, opened):  # noqa: F811
    with ThreadPoolExecutor(4) as pool:
        settled = list(pool.map(lambda number: settle(computation, Pass(number)), range(4)))
    np.testing.assert_array_equal(np.concatenate([errors for _, errors in settled]), whole[1].errors)
    assert [wanted for wanted, _ in settled] == [Pass(number) for number in range(4)]
    assert {errors.dtype for _, errors in settled} == {np.dtype("float32")} and len(opened) == 1
    few = settle(computation._replace(pairs=4, of={**computation.of, "pairs": computation.of["pairs"][:4]}), Pass(1))
    np.testing.assert_allclose(few[1], whole[1].errors[8:16, :4], atol=1e-5)
    assert len(opened) == 2 and settle(computation, Pass(3, 1))[1].shape == (8, 6)


def test_a_worker_with_other_files_refuses_and_writes_none(config, small_chairs, computation, opened, tmp_path):  # noqa: F811
    def with_data(path):
        return computation._replace(
            config=config.model_copy(update={"data": config.data.model_copy(update={"base_path": path})})
        )

    fewer = shutil.copytree(small_chairs, tmp_path / "chairs")
    for path in fewer.glob("train/0000000*"):
        path.unlink()
    with pytest.raises(EfnasError, match="not those of the search: data is .*'samples': 11.* and not .*'samples': 12"):
        settle(with_data(fewer), Pass(0))
    with pytest.raises(EfnasError, match="no data set at .*absent: workers need the folders"):
        settle(with_data(tmp_path / "absent"), Pass(0))
    with pytest.raises(EfnasError, match="no checkpoint"):
        settle(computation._replace(checkpoint=str(tmp_path / "absent.ckpt")), Pass(0))
    assert not (tmp_path / "absent").exists()
    assert settle(computation, Pass(0))[1].shape == (8, 6)  # what was refused leaves nothing behind


def test_the_path_of_textures_stays_as_the_data_set_has_it(config):  # noqa: F811
    data = {
        **config.data.model_dump(),
        "dataset": "synthetic",
        "base_path": "chairs",
        "synthetic": {"textures": "photos"},
    }
    relative = type(config).model_validate({**config.model_dump(), "data": data})
    sent = pass_engines.Computation.seen_from_anywhere(relative, "last.ckpt", None, (), {})
    assert str(sent.config.data.synthetic.textures) == "photos"
    assert sent.config.data.base_path.is_absolute() and os.path.isabs(sent.checkpoint)


def words_of(config, tmp_path):  # noqa: F811
    return ["search", "--checkpoint", "last", "--output-root", config.runtime.output_root, "--vela", stand_in_program(tmp_path),
            "--no-cache", "--out", tmp_path / "search"]  # fmt: skip


@pytest.mark.parametrize("address, message", [
    ("nonsense", "missing port number"), ("foo://bar", "unknown address scheme"), ("tcp://127.0.0.1:1", "No Dask scheduler answers"),
])  # fmt: skip
def test_where_no_cluster_answers_it_is_said_and_nothing_is_written(config, tmp_path, monkeypatch, address, message):  # noqa: F811
    monkeypatch.setattr("efnas.cluster.CONNECT_SECONDS", 0.5)
    code, out, err = answer([*words_of(config, tmp_path), "--dask", address])
    assert is_refused_in_a_sentence(code, out, err) and message in err
    assert not (tmp_path / "search").exists() and not list(tmp_path.glob(".*"))


def test_an_interrupt_while_the_cluster_works_is_one_line(cluster, config, tmp_path):  # noqa: F811
    """It waits for workers, of which there are none yet."""
    words = [*words_of(config, tmp_path), "--dask", cluster.address]
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, *map(str, words)], stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if "has no workers yet" in line:
            break
    process.send_signal(signal.SIGINT)
    assert process.stderr.read() == "Stopped: interrupted.\n"
    assert process.wait(30) == 130
    assert (
        not np.isfinite(np.load(tmp_path / "search" / ERRORS)).any()
        and len(np.load(tmp_path / "search" / ERRORS)) == SPACE.size
    )
