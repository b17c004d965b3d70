"""`sweep --size` and `fit --size`: each size for itself, and all side by side."""

import json

import pytest
from command import answer, is_refused_in_a_sentence
from small_supernet import SMALL, SPACE
from vela_stand_in import stand_in_program

from efnas.config import WHOLE
from efnas.core import supernet
from efnas.core.input_size import Size
from efnas.cost import board_sweep, fit
from efnas.cost.board_sweep import SweepResult
from efnas.cost.fit import Fit, Trial
from efnas.cost.sized import costs_of_sizes, front_of_sizes
from efnas.cost.table import DERIVED, FAILED, CostTable, Row
from efnas.vela.compiler import Settings

LARGE, SMALLER = Size(36, 48), Size(24, 32)
SIZES = ["--size", "36x48", "--size", "24x32"]


@pytest.fixture(autouse=True)
def _small_supernet(monkeypatch):
    monkeypatch.setitem(supernet.SUPERNETS, SMALL.name, SMALL)


def table_at(size, epe=None):
    """Latencies grow with the digits and with the rows of the input; errors where `epe` says what they begin with."""
    rows = []
    for arch in SPACE.codes():
        options = {block.name: block.label(digit) for block, digit in zip(SPACE.blocks, arch)}
        digits = 1.0 + sum(digit * place for place, digit in enumerate(arch, start=1))
        rows.append(Row(str(arch), options, digits * size.height / 36, 1.0, 10 * digits, True, 100, 50, 5.0, DERIVED, 0.1,
                        0.0, 0.0, None if epe is None else epe - 0.01 * digits))  # fmt: skip
    proof = {"method": "exact", "subnets": 2, "largest_error": 0.0, "mean_error": 0.0, "largest_error_ms": 0.0,
             "largest_sram_error_kib": 0.0, "largest_flash_error_kib": 0.0, "kendall_tau": None}  # fmt: skip
    about = {"title": "made up", "proofs": [proof], "arena_limit_kib": 100.0, "compiled": 2, "method": "exact"}
    return CostTable(rows, about, SPACE)


def test_each_size_is_summed_up_and_what_failed_is_left_out():
    tables = {size: table_at(size) for size in (LARGE, SMALLER)}
    rows = tables[LARGE].rows
    failed = rows[0]._replace(known=FAILED, latency_ms=None, sram_kib=None, fits=None)
    tables[LARGE] = tables[LARGE]._replace(rows=[failed, *rows[1:]])
    large, smaller = costs_of_sizes(tables)
    assert (smaller.fastest_ms, smaller.slowest_ms) == pytest.approx((1.0 * 24 / 36, 16.0 * 24 / 36))
    assert large.fastest_ms == min(row.latency_ms for row in rows[1:]) and large.fitting == smaller.fitting - 1
    assert smaller.baseline_sram_kib == tables[SMALLER].row(SPACE.baseline).sram_kib


def test_the_front_is_over_all_sizes_where_errors_are_known():
    assert front_of_sizes({LARGE: table_at(LARGE), SMALLER: table_at(SMALLER)}) == []
    tables = {LARGE: table_at(LARGE, 1.0), SMALLER: table_at(SMALLER, 1.05)}
    front = front_of_sizes(tables)
    assert {size for size, _ in front} == {LARGE, SMALLER}
    for _, row in front:
        for table in tables.values():
            assert not [each for each in table.rows if each.latency_ms < row.latency_ms and each.epe <= row.epe]


def test_the_command_sweeps_each_size_into_a_folder_of_its_own(tmp_path, monkeypatch):
    asked = []

    def swept(request, folder, progress, note):
        data = request.files.config.data
        asked.append((folder, data.geometry))
        return SweepResult(folder, table_at(Size(data.input_height, data.input_width), 1.0), [], 2, None)

    monkeypatch.setattr(board_sweep, "sweep_board", swept)
    monkeypatch.setattr(SweepResult, "require_sound", lambda self, tolerance: None)
    words = ["sweep", "--set", "network.name=small", "--vela", stand_in_program(tmp_path), "--no-cache", *SIZES]
    code, said, _ = answer([*words, "--out", tmp_path / "out"])
    assert code == 0 and asked == [(tmp_path / "out" / name, WHOLE) for name in ("36x48", "24x32")]
    assert "What each size costs" in said and "Front over all sizes" in said
    code, said, _ = answer([*words, "--out", tmp_path / "out", "--json"])
    assert [each["size"] for each in json.loads(said)["sizes"]] == ["36x48", "24x32"]


class Compiled:
    """What is asked of a compile."""

    def __init__(self, sram_kib, inference_ms):
        self.sram_kib, self.inference_ms = sram_kib, inference_ms
        self.sram_mb, self.fps, self.flash_kib = sram_kib / 1024, 1000 / inference_ms, 5.0


def test_fit_searches_each_size_and_is_content_where_one_fits(tmp_path, monkeypatch):
    def fitted(files, arch, forms, compilers, limit_kib, legacy_core, keep, progress):
        height = files.config.data.input_height
        trial = Trial("two-scale", compilers[0], Settings("Size", None, False), Compiled(30.0 * height, 2.0 * height))
        return Fit(limit_kib, [trial], [trial], ["it was enough"])

    monkeypatch.setattr(fit, "fit_subnet", fitted)
    words = ["fit", "--arch", "00000", "--set", "network.name=small", "--vela", stand_in_program(tmp_path),
             "--no-cache", *SIZES]  # fmt: skip
    code, said, _ = answer([*words, "--limit-kib", "800"])
    assert code == 0 and "nothing fits" in said and "720.0" in said and "48.00" in said
    assert "Not searched further at 24x32: it was enough." in said
    code, said, _ = answer([*words, "--limit-kib", "800", "--json"])
    large, smaller = json.loads(said)["sizes"]
    assert (large["size"], large["best"]) == ("36x48", None) and smaller["best"]["inference_ms"] == 48.0
    code, _, err = answer([*words, "--limit-kib", "100"])
    assert code == 1 and "Nothing fits 100 KiB" in err


@pytest.mark.parametrize("command", [["sweep"], ["fit", "--arch", "00000"]])
@pytest.mark.parametrize("more, why", [
    (["--size", "36"], "height x width"), (["--size", "36x48", "--width", "48"], "contradicts"), (["--size", "33x48"], "multiple of 2"),
])  # fmt: skip
def test_wrong_sizes_are_one_sentence(tmp_path, command, more, why):
    refused = answer(
        [*command, "--set", "network.name=small", "--vela", stand_in_program(tmp_path), "--no-cache", *more]
    )
    assert is_refused_in_a_sentence(*refused) and why in refused[2]
