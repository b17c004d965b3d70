"""The compiler as a process that stays loaded: what it forks ends as a process of its own would."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
from command import answer
from vela_stand_in import real_vela, stand_in_program

from efnas.cache import Cache
from efnas.errors import EfnasError
from efnas.vela import process as vela_process
from efnas.vela.board import packaged_profile
from efnas.vela.compiler import Settings, Vela
from efnas.vela.process import Service, Services


@pytest.fixture
def service():
    return Service(real_vela())


def version_of(service):
    return service.run([str(service.program), "--version"]).strip()


def test_it_answers_many_times(service):
    assert service.loaded
    assert [version_of(service) for _ in range(3)] == ["4.5.0"] * 3


def test_what_fails_is_an_error_that_keeps_its_output_and_the_next_one_works(service, tmp_path):
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(b"not a network")
    with pytest.raises(EfnasError, match=r"Vela failed with code \d+ .*its output is in (\S+)\.") as failed:
        service.run([str(service.program), str(broken), "--output-dir", str(tmp_path)])
    assert "broken.tflite" in open(str(failed.value).rsplit(" ", 1)[1].rstrip(".")).read()
    assert version_of(service) == "4.5.0"


def test_what_takes_too_long_is_stopped(service, monkeypatch):
    monkeypatch.setattr(vela_process, "TIME_LIMIT_SECONDS", 0.001)
    with pytest.raises(EfnasError, match="took longer than 0 s and was stopped"):
        service.run([str(service.program), "--supported-ops-report"])


def test_a_service_that_was_killed_is_started_again(service):
    assert service.loaded
    os.kill(service._process.pid, signal.SIGKILL)
    assert version_of(service) == "4.5.0"
    assert service.loaded
    assert version_of(service) == "4.5.0"


def test_a_program_that_is_no_script_of_that_environment_is_run_the_plain_way(tmp_path):
    wrapper = tmp_path / "wrapped"
    wrapper.write_text(f'#!/bin/sh\nexec {real_vela()} "$@"\n')
    wrapper.chmod(0o755)
    for program in (wrapper, stand_in_program(tmp_path)):
        service = Service(program)
        assert not service.loaded
        assert version_of(service) == "4.5.0"
    assert Vela(program, packaged_profile(), Cache(None), service.run).compile(b"a model", Settings()).macs == 123


def hanging(folder):
    """A wrapper that waits for another process, which has its output."""
    path = folder / "wrapper"
    path.write_text("#!/bin/sh\necho begun\nsleep 60\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("words", [["--version"], ["network.tflite"]], ids=" ".join)
def test_a_program_that_hangs_is_told_once_and_then_stopped_whoever_has_its_output(tmp_path, monkeypatch, words):
    told = []
    monkeypatch.setattr(vela_process, "NOTICE_SECONDS", 0.1)
    vela_process.on_waiting(told.append)
    for _ in range(2):
        with pytest.raises(
            EfnasError, match=r"took longer than 0 s and was stopped; its output is in (\S+)\."
        ) as stopped:
            vela_process.run([hanging(tmp_path), *words], 0.3)
        assert "begun" in open(str(stopped.value).rsplit(" ", 1)[1].rstrip(".")).read()
    question = " --version" if words == ["--version"] else ""
    assert told == [f"Waiting for {tmp_path}/wrapper{question} since 0 s; Ctrl-C ends it."]


@pytest.mark.parametrize("words, told", [([], True), (["--quiet"], False), (["--json"], False)], ids=str)
def test_who_looks_at_the_console_is_told(tmp_path, monkeypatch, words, told):
    monkeypatch.setattr(vela_process, "NOTICE_SECONDS", 0.001)
    monkeypatch.chdir(tmp_path)
    program = tmp_path / "slow"
    program.write_text("#!/bin/sh\nsleep 0.1\necho no version\n")
    program.chmod(0o755)
    _, _, said = answer(["fit", "--arch", "000001000", "--vela", str(program), *words])
    assert said.count("Waiting for") == told and (f"Note: Waiting for {program} --version since" in said) == told


def test_each_that_asks_at_once_has_a_loaded_compiler_to_itself(tmp_path):
    services = Services(real_vela())
    services.load(2)
    words = [str(services.program), "--version"]
    with ThreadPoolExecutor(3) as pool:
        said = list(pool.map(lambda _: services(words), range(6)))
    assert [each.strip() for each in said] == ["4.5.0"] * 6
    with pytest.raises(EfnasError, match="Vela failed"):
        services([words[0], str(tmp_path / "none.tflite")])
    assert services(words).strip() == "4.5.0"
