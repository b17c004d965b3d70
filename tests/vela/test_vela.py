"""Finding and running the compiler, and every way it can go wrong, with a stand-in."""

import pytest
from vela_stand_in import LAYERS, PRINTED, SUMMARY, runs_of, stand_in_program

from efnas.cache import Cache
from efnas.errors import EfnasError
from efnas.vela import compiler
from efnas.vela import process as vela_process
from efnas.vela.board import own_profile, packaged_profile
from efnas.vela.compiler import Settings, Vela, find_vela, other_figures

MODEL = b"a model"


def opened(program, cache=None):
    return Vela(program, packaged_profile(), Cache(cache))


@pytest.mark.parametrize("answer, message", [
    ({"code": 3, "printed": "AssertionError"}, r"failed with code 3 \(AssertionError\); its output is in (\S+)\."),
    ({"summary": ""}, r"wrote no network_summary_Grove_Vision_AI_V2.csv; its output is in (\S+)\."),
])  # fmt: skip
def test_a_failed_run_is_an_error_that_keeps_its_output(tmp_path, answer, message):
    with pytest.raises(EfnasError, match=message) as caught:
        opened(stand_in_program(tmp_path, **answer)).compile(MODEL, Settings())
    log = str(caught.value).rsplit(" ", 1)[1].rstrip(".")
    with open(log) as file:
        kept = file.read()
    assert answer.get("printed", PRINTED).strip() in kept and "--memory-mode Grove_Vision_AI_V2" in kept


def test_a_hanging_compiler_is_stopped(tmp_path, monkeypatch):
    vela = opened(stand_in_program(tmp_path, sleep=60))
    monkeypatch.setattr(vela_process, "TIME_LIMIT_SECONDS", 0.5)
    with pytest.raises(EfnasError, match="took longer than 0 s and was stopped"):
        vela.compile(MODEL, Settings())


def test_a_program_that_is_not_vela_is_refused(tmp_path):
    with pytest.raises(EfnasError, match="does not answer as Vela"):
        opened(stand_in_program(tmp_path, version="hello"))
    assert opened(stand_in_program(tmp_path, version="5.2.0")).version == "5.2.0"


def test_a_program_that_answers_in_bytes_is_refused(tmp_path):
    program = tmp_path / "vela"
    program.write_text("#!/bin/sh\nprintf '\\377\\000\\376'\n")
    program.chmod(0o755)
    with pytest.raises(EfnasError, match="does not answer as Vela"):
        opened(program)


def test_the_compiler_is_looked_for_in_order(tmp_path, monkeypatch):
    """Each place is taken away in turn; what is found then stands next in the order."""
    places = {name: tmp_path / name for name in ("given", "environment", "project/.venv-vela/bin", "beside", "path")}
    for folder in places.values():
        folder.mkdir(parents=True)
        stand_in_program(folder)
    given, environment, project, beside, path = (folder / "vela" for folder in places.values())
    monkeypatch.setattr(compiler, "PROJECT", tmp_path / "project")
    monkeypatch.setattr(compiler.sys, "executable", str(beside.with_name("python")))
    monkeypatch.setenv("EFNAS_VELA", str(environment))
    monkeypatch.setenv("PATH", str(path.parent))
    assert find_vela(str(given)) == given
    assert find_vela("4.5.0") == project
    with pytest.raises(EfnasError, match="no Vela at /nowhere"):
        find_vela("/nowhere")
    with pytest.raises(EfnasError, match="'make vela-1.0.0' installs it"):
        find_vela("1.0.0")
    assert find_vela() == environment
    monkeypatch.delenv("EFNAS_VELA")
    for found in (project, beside, path):
        assert find_vela() == found
        found.unlink()
    with pytest.raises(EfnasError, match="No Vela compiler found"):
        find_vela()


def test_versions_with_other_figures_are_named():
    assert [other_figures(version, False) is None for version in ("3.8.0", "3.9.0", "4.5.0", "5.0.0", "5.2.0")] == [
        False, True, True, False, False]  # fmt: skip
    assert other_figures("5.2.0", legacy_core=True) is None


@pytest.mark.parametrize("settings, words", [
    (Settings(), ["--optimise", "Size"]),
    (Settings("Performance", 900000), ["--optimise", "Performance", "--arena-cache-size", "900000"]),
    (Settings("Size", None, True), ["--optimise", "Size", "--debug-force-legacy-core"]),
])  # fmt: skip
def test_settings_reach_the_compiler(tmp_path, settings, words):
    program = stand_in_program(tmp_path)
    opened(program).compile(MODEL, settings)
    assert " ".join(words) in runs_of(program)[0]


class TestTheCache:
    def test_the_same_compile_is_done_once(self, tmp_path):
        program = stand_in_program(tmp_path)
        one = opened(program, tmp_path / "cache").compile(MODEL, Settings())
        same = opened(program, tmp_path / "cache").compile(MODEL, Settings())
        assert one == same and len(runs_of(program)) == 1

    def test_file_version_settings_and_board_are_part_of_the_key(self, tmp_path):
        cache = tmp_path / "cache"
        program = stand_in_program(tmp_path)
        vela = opened(program, cache)
        vela.compile(MODEL, Settings())
        vela.compile(b"another model", Settings())
        vela.compile(MODEL, Settings("Performance"))
        vela.compile(MODEL, Settings("Performance", 900000))
        vela.compile(MODEL, Settings(legacy_core=True))
        opened(stand_in_program(tmp_path, version="4.4.0"), cache).compile(MODEL, Settings())
        profile = packaged_profile()
        Vela(program, profile._replace(accelerator="ethos-u55-128"), Cache(cache)).compile(MODEL, Settings())
        other = profile._replace(ini=profile.ini.replace("400e6", "200e6"))
        Vela(program, other, Cache(cache)).compile(MODEL, Settings())
        assert len(runs_of(program)) == 8
        # A name and a limit change no result.
        renamed = profile._replace(name="mine", arena_limit_kib=1.0)
        Vela(program, renamed, Cache(cache)).compile(MODEL, Settings())
        assert len(runs_of(program)) == 8

    def test_a_damaged_entry_is_compiled_again(self, tmp_path):
        program = stand_in_program(tmp_path)
        opened(program, tmp_path / "cache").compile(MODEL, Settings())
        (entry,) = (tmp_path / "cache").rglob("*.gz")
        entry.write_bytes(entry.read_bytes()[:-9])
        opened(program, tmp_path / "cache").compile(MODEL, Settings())
        assert len(runs_of(program)) == 2

    def test_a_cache_that_cannot_be_written_is_done_without(self, tmp_path):
        program = stand_in_program(tmp_path)
        (tmp_path / "file").write_text("")
        assert opened(program, tmp_path / "file" / "cache").compile(MODEL, Settings()).npu_ops == 1

    def test_what_is_refused_is_not_kept(self, tmp_path):
        program = stand_in_program(tmp_path, layers=LAYERS.replace("Util%", "Use%"))
        for _ in range(2):
            with pytest.raises(EfnasError):
                opened(program, tmp_path / "cache").compile(MODEL, Settings())
        assert len(runs_of(program)) == 2

    def test_keeping_the_compiled_file_compiles(self, tmp_path):
        program = stand_in_program(tmp_path)
        vela = opened(program, tmp_path / "cache")
        vela.compile(MODEL, Settings())
        vela.compile(MODEL, Settings(), keep=tmp_path / "kept.tflite")
        assert (tmp_path / "kept.tflite").read_bytes() == b"compiled"


class TestProfiles:
    def test_an_unknown_name_is_answered_with_those_there_are(self):
        with pytest.raises(EfnasError, match="the profiles are grove-vision-ai-v2"):
            packaged_profile("esp32")

    def test_the_packages_own_section_is_not_shown_to_vela(self):
        profile = packaged_profile()
        assert "efnas" not in profile.ini and "OffChipFlash_clock_scale = 0.015625" in profile.ini
        assert (profile.accelerator, profile.arena_limit_kib) == ("ethos-u55-64", 1432)

    def test_a_users_file_must_have_the_sections(self, tmp_path):
        ini = tmp_path / "mine.ini"
        ini.write_text("[System_Config.A]\ncore_clock=1e6\n[Memory_Mode.B]\nconst_mem_area=Axi1\n")
        profile = own_profile(ini, "ethos-u55-128", "A", "B")
        assert (profile.name, profile.accelerator, profile.arena_limit_kib) == ("mine", "ethos-u55-128", None)
        with pytest.raises(EfnasError, match=r"no section \[Memory_Mode.C\]; of that kind it has B"):
            own_profile(ini, "ethos-u55-128", "A", "C")
        with pytest.raises(EfnasError, match=r"no section \[System_Config.B\]"):
            own_profile(ini, "ethos-u55-128", "B", "B")

    @pytest.mark.parametrize("content", [None, b"no section here", b"\xff\xfe\x00"])
    def test_a_file_that_is_no_ini_is_refused(self, tmp_path, content):
        ini = tmp_path / "mine.ini"
        if content is not None:
            ini.write_bytes(content)
        with pytest.raises(EfnasError, match="Cannot read the board profile"):
            own_profile(ini, "ethos-u55-128", "A", "B")


def test_the_stand_in_is_read_as_the_real_one_is(tmp_path):
    compiled = opened(stand_in_program(tmp_path)).compile(MODEL, Settings())
    assert SUMMARY.split("\n")[1].split(",")[2] == str(compiled.sram_kib)
