"""The search for settings that fit: over landscapes made up to be hard, and over real compiles."""

import json

import pytest
from command import efnas
from vela_stand_in import LAYERS, PRINTED, SUMMARY, real_vela

from efnas.cost.fit import FINEST_KIB, Trial, front_of, search_settings
from efnas.cost.pictures import draw_fit
from efnas.errors import EfnasError
from efnas.vela.compiler import Settings
from efnas.vela.output import read_output

ANY = read_output("4.5.0", PRINTED, SUMMARY, LAYERS)


class Landscape:
    """A compiler whose SRAM (KiB) and latency (ms) are a function of form, what is optimised, and arena in KiB."""

    version = "9.9.9"

    def __init__(self, cost):
        self.cost, self.asked = cost, []

    def compile(self, model, settings, keep=None):
        arena = settings.arena and settings.arena / 1024
        self.asked.append((model.decode(), settings.optimise, arena))
        sram, latency = self.cost(model.decode(), settings.optimise, arena)
        return ANY._replace(sram_kib=float(sram), inference_ms=float(latency))


def narrow(form, optimise, arena):
    """One good window of 20 KiB, 500 to 520; beyond it everything is slower and larger."""
    if form == "large":
        return 2000, 100
    if optimise == "Size":
        return 400, 900
    if arena < 500:
        return arena - 5, 850
    return (498, 170) if arena < 520 else (arena - 3, 180)


def test_a_narrow_window_is_found_and_no_form_that_cannot_fit_is_searched():
    vela = Landscape(narrow)
    found = search_settings({"small": b"small", "large": b"large"}, [vela], 1000)
    best = found.best
    assert (best.form, best.compiled.sram_kib, best.compiled.inference_ms) == ("small", 498, 170)
    assert 500 <= best.settings.arena / 1024 < 500 + FINEST_KIB
    assert [asked for asked in vela.asked if asked[0] == "large"] == [("large", "Size", None)]
    assert found.notes and "2000.0 KiB, more than the limit" in found.notes[0]
    assert len(set(vela.asked)) == len(vela.asked) < 100


def test_an_arena_beyond_the_limit_may_still_end_within_it():
    def cost(form, optimise, arena):
        return (400, 900) if optimise == "Size" else (450, 170) if arena >= 520 else (450, 800)

    assert search_settings({"form": b"form"}, [Landscape(cost)], 500).best.compiled.inference_ms == 170


def test_the_best_really_fits():
    def cost(form, optimise, arena):
        return (400, 2000) if optimise == "Size" else (arena + 100, 1000 - arena / 10)

    found = search_settings({"form": b"form"}, [Landscape(cost)], 600)
    assert found.best.compiled.sram_kib <= 600
    assert any(trial.compiled.sram_kib > 600 for trial in found.front)


def test_nothing_fits_is_an_answer_and_no_compile_at_all_an_error():
    found = search_settings({"form": b"form"}, [Landscape(lambda *_: (700, 100))], 600)
    assert found.best is None and found.as_dict()["best"] is None

    def failing(form, optimise, arena):
        raise EfnasError("it crashed")

    with pytest.raises(EfnasError, match="No compile succeeded: it crashed"):
        search_settings({"form": b"form"}, [Landscape(failing)], 600)


def test_a_setting_that_fails_is_named_and_the_search_goes_on(tmp_path):
    def cost(form, optimise, arena):
        if arena == 448:
            raise EfnasError("Allocation exceeds staging limit")
        return narrow("small", optimise, arena)

    found = search_settings({"form": b"form"}, [Landscape(cost)], 1000)
    (failed,) = [trial for trial in found.trials if trial.compiled is None]
    assert failed.as_dict() == {"form": "form", "vela": "9.9.9", "optimise": "Performance", "arena": 448 * 1024,
                                "legacy_core": False, "error": "Allocation exceeds staging limit"}  # fmt: skip
    assert found.best.compiled.inference_ms == 170
    draw_fit(found, tmp_path / "fit.png")
    assert (tmp_path / "fit.png").stat().st_size > 10_000


def test_the_front_holds_what_nothing_beats():
    def trial(sram, latency, arena=None):
        compiled = ANY._replace(sram_kib=sram, inference_ms=latency)
        return Trial("form", None, Settings("Performance", arena), compiled)

    equal = [trial(2, 5, 30), trial(2, 5, 10)]
    front = front_of([trial(3, 5), trial(1, 9), *equal, trial(2, 6), trial(4, 4), trial(5, 4)])
    assert [(each.compiled.sram_kib, each.compiled.inference_ms) for each in front] == [(1, 9), (2, 5), (4, 4)]
    assert front[1].settings.arena == 10


def test_fit_searches_real_compiles_and_a_second_search_compiles_nothing(tmp_path, monkeypatch):
    real_vela()
    monkeypatch.setenv("EFNAS_CACHE", str(tmp_path / "cache"))
    words = ["fit", "--arch", "000001000", "--height", 60, "--width", 80, "--base-width", 8, "--limit-kib", 100]
    answer = json.loads(efnas(*words, "--json", "--keep", tmp_path / "kept", "--plot", tmp_path / "fit.png").stdout)
    best = answer["best"]
    assert best["sram_kib"] <= 100 and best in answer["front"]
    assert {trial["form"] for trial in answer["trials"]} == {"accumulated", "two-scale", "packed"}
    assert (tmp_path / "kept" / f"subnet_000001000_{best['form']}_vela.tflite").stat().st_size > 1000
    entries = sorted((tmp_path / "cache").rglob("*.gz"))
    again = efnas(*words).stdout
    assert sorted((tmp_path / "cache").rglob("*.gz")) == entries
    assert f"{best['sram_kib']:,.1f}" in again
    proposed = again.splitlines()[-1].split()
    assert proposed[:3] == ["Next:", "efnas", "vela-compare"]
    (compared,) = json.loads(efnas(*proposed[2:], "--json", cwd=tmp_path).stdout)["subnets"]
    assert (compared["inference_ms"], compared["sram_mb"]) == (best["inference_ms"], best["sram_mb"])
    assert "the least SRAM found is" in efnas(*words[:-1], 5, code=1).stderr
