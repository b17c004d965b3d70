"""Sweeps of a space: which method they end with, what is compiled, kept and named, on costs that are known by formula."""

import csv
import hashlib
import json

import pytest
from test_cost_model import SMALL, additive, with_far_pairs, with_pairs

from efnas.cache import Cache
from efnas.config_files import load_config
from efnas.core.supernet import EDGEFLOW
from efnas.cost.compiles import Compiles, Work
from efnas.cost.model import PAIRS, BoardCost, probes
from efnas.cost.sweep import sweep_space
from efnas.cost.sweep_pictures import draw_sweep
from efnas.cost.sweep_rows import table_of
from efnas.cost.table import CostTable, front, read_table, select_rows, write_table
from efnas.errors import EfnasError
from efnas.vela.board import packaged_profile
from efnas.vela.compiler import Settings

FLOW_SPACE = EDGEFLOW.space
WORK = Work(SMALL, (b"one", b"two", b"three"), None, "4.5.0", packaged_profile(), Settings())


class Engine:
    """Answers by a formula, and remembers for what; fails on `broken`, and dies after so many."""

    def __init__(self, formula, broken=(), dies_after=None):
        self.formula, self.broken, self.dies_after, self.asked = formula, broken, dies_after, []

    def __call__(self, work, archs):
        for arch in archs:
            if len(self.asked) == self.dies_after:
                raise KeyboardInterrupt
            self.asked.append(arch)
            yield arch, "Vela failed." if arch in self.broken else self.formula(arch)


def swept(formula, method="auto", cache=None, broken=(), dies_after=None, exported=None, verify=12):
    engine = Engine(formula, broken, dies_after)
    compiles = Compiles(WORK, cache or Cache(None), engine)
    files = Compiles(WORK, Cache(None), Engine(exported or formula))
    return sweep_space(compiles, files, method, 0.001, verify, seed=0), engine


@pytest.mark.parametrize("formula, method, compiled", [(additive, "additive", 9 + 12), (with_pairs, "pairs", 21 + 12),
                                                       (with_far_pairs, "exact", 81)])  # fmt: skip
def test_auto_ends_with_the_first_method_that_its_proof_accepts(formula, method, compiled):
    found, engine = swept(formula)
    assert found.method == method == found.proofs[-1].method
    assert [proof.method for proof in found.proofs] == ["additive", "pairs", "exact"][: len(found.proofs)]
    assert all(proof.largest_error > 0.001 for proof in found.proofs[:-1])
    assert len(engine.asked) == len(set(engine.asked)) == compiled
    for arch in SMALL.codes():
        assert found.figures(arch) == pytest.approx(formula(arch).figures)


def test_a_method_that_is_named_is_kept_with_its_errors():
    found, engine = swept(with_pairs, "additive")
    assert found.method == "additive" and found.proofs[0].largest_error > 0.001
    assert len(engine.asked) == 9 + 12


def test_chosen_subnets_are_compiled_although_the_others_are_derived():
    chosen = [arch for arch in SMALL.codes() if arch not in swept(additive)[0].costs][:3]
    compiles, files = (Compiles(WORK, Cache(None), Engine(additive)) for _ in range(2))
    found = sweep_space(compiles, files, "additive", 0.001, 12, 0, chosen)
    assert set(chosen) < set(found.costs) and len(found.costs) == 9 + 12 + 3


def test_files_that_were_exported_decide_the_proof():
    heavier = lambda arch: additive(arch)._replace(latency_ms=1.5 * additive(arch).latency_ms)  # noqa: E731
    for method in ("additive", "exact"):
        found, _ = swept(additive, method, exported=heavier)
        assert found.proofs[-1].largest_error == pytest.approx(1 / 3)


def test_a_killed_sweep_compiles_only_what_is_missing(tmp_path):
    cache = Cache(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        swept(with_far_pairs, "exact", cache, dies_after=50)
    found, engine = swept(with_far_pairs, "exact", cache)
    assert len(engine.asked) == 31
    assert len(found.costs) == 81
    _, engine = swept(with_far_pairs, "exact", cache)
    assert engine.asked == []


def test_other_parts_versions_boards_and_settings_are_compiled_anew(tmp_path):
    cache, arch = Cache(tmp_path), SMALL.baseline
    Compiles(WORK, cache, Engine(additive)).run([arch])
    others = [WORK._replace(parts=(b"one", b"two", b"four")), WORK._replace(version="5.2.0"),
              WORK._replace(settings=Settings("Performance")),
              WORK._replace(profile=packaged_profile()._replace(accelerator="ethos-u55-128"))]  # fmt: skip
    for work, compiled in ((WORK, 0), *((work, 1) for work in others)):
        compiles = Compiles(work, cache, Engine(additive))
        compiles.run([arch])
        assert compiles.compiled == compiled


def test_a_subnet_on_which_the_compiler_fails_is_named_and_the_rest_goes_on():
    broken = SMALL.code((2, 2, 2, 0))
    found, engine = swept(with_far_pairs, "exact", broken=[broken])
    assert found.failed == {broken: "Vela failed."}
    assert len(found.costs) == 80
    with pytest.raises(KeyError):
        found.figures(broken)


def test_a_compiler_that_fails_on_everything_is_one_sentence():
    with pytest.raises(EfnasError, match="fails on all subnets of the proof: Vela failed"):
        swept(additive, broken=set(SMALL.codes()))


def test_a_failing_probe_sends_auto_on_and_ends_what_needs_it():
    probe = probes(SMALL, PAIRS)[-1]
    found, _ = swept(with_pairs, broken=[probe])
    assert found.method == "exact" and list(found.failed) == [probe]
    with pytest.raises(EfnasError, match=f"need subnet {probe}, on which the compiler fails: Vela failed"):
        swept(with_pairs, "pairs", broken=[probe])


@pytest.fixture(scope="module")
def flow_table():
    """A table of the real space with costs by formula, one subnet failed, and three EPEs."""

    def formula(arch):
        return BoardCost(100.0 + sum((place + 1) * digit for place, digit in enumerate(arch)), 1000.0 + 300 * arch[0],
                    500.0, {"E0": 900.0, "EB0": 1000.0 + 300 * arch[0]})  # fmt: skip

    work = WORK._replace(space=FLOW_SPACE)
    broken = FLOW_SPACE.parse("222222222")
    compiles = Compiles(work, Cache(None), Engine(formula))
    compiles.failed[broken] = "Vela failed."
    found = sweep_space(compiles, Compiles(work, Cache(None), Engine(formula)), "additive", 0.001, 4, seed=0)
    epe = {
        FLOW_SPACE.parse(code): value for code, value in (("000000000", 3.0), ("100000000", 2.0), ("010000000", 2.5))
    }
    return table_of(found, work, "accumulated", load_config(), epe)


def test_a_row_says_what_a_subnet_costs_and_how_that_is_known(flow_table):
    assert len(flow_table.rows) == 19_683
    row = flow_table.row(FLOW_SPACE.parse("210000001"))
    options = ["3 residual blocks", "2 residual blocks", "5x5"]
    assert [row.options[name] for name in ("EB0", "EB1", "H2Out")] == options
    assert row.latency_ms == pytest.approx(100 + 2 + 2 + 9) and row.fps == pytest.approx(1000 / 113)
    assert (row.sram_kib, row.fits, row.known) == (1600, False, "derived")
    assert flow_table.row(FLOW_SPACE.baseline).known == "compiled"
    assert flow_table.row(FLOW_SPACE.baseline).fits is True
    failed = flow_table.row(FLOW_SPACE.parse("222222222"))
    assert failed.known == "failed" and failed.latency_ms is None
    assert flow_table.about["failed"] == {"2,2,2,2,2,2,2,2,2": "Vela failed."}


def test_macs_and_parameters_are_those_of_codec(flow_table):
    from efnas.core.costs import subnet_costs

    for code in ("000001000", "120210212"):
        arch = FLOW_SPACE.parse(code)
        total = subnet_costs(EDGEFLOW, arch, 180, 240, 32).total
        assert (flow_table.row(arch).macs, flow_table.row(arch).params) == (total.macs, total.params)


def test_a_table_written_and_read_is_the_same(flow_table, tmp_path):
    write_table(tmp_path, flow_table)
    for path in (tmp_path, tmp_path / "table.csv"):
        again = read_table(path, FLOW_SPACE)
        for one, other in zip(flow_table.rows[::97], again.rows[::97]):
            read = other.as_dict()
            for name, value in one.as_dict().items():
                assert read[name] == (pytest.approx(value, abs=1e-6) if isinstance(value, float) else value)
    assert len((tmp_path / "front.csv").read_text().splitlines()) == 1 + 2


def test_a_table_of_before_rows_said_how_far_their_flash_is_off_has_that_of_its_proof(flow_table, tmp_path):
    write_table(tmp_path, flow_table)
    rows = list(csv.DictReader((tmp_path / "table.csv").open()))
    for row in rows:
        del row["flash_error_kib"]
    with open(tmp_path / "table.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    proofs = [{**flow_table.about["proofs"][-1], "largest_flash_error_kib": 7.5}]
    digest = hashlib.sha256((tmp_path / "table.csv").read_bytes()).hexdigest()
    _about(tmp_path, table_sha256=digest, proofs=proofs)
    again = read_table(tmp_path, FLOW_SPACE)
    assert {row.known: row.flash_error_kib for row in again.rows} == {"derived": 7.5, "compiled": 0.0, "failed": None}


def test_a_query_keeps_its_limits(flow_table):
    rows = select_rows(flow_table, {"latency_ms": 110, "sram_kib": 1300}, None, False, "params", True)
    assert rows and all(row.latency_ms <= 110 and row.sram_kib <= 1300 for row in rows)
    assert [row.params for row in rows] == sorted((row.params for row in rows), reverse=True)
    known = [row for row in flow_table.rows if row.latency_ms is not None]
    assert len(rows) == sum(row.latency_ms <= 110 and row.sram_kib <= 1300 for row in known)
    assert len(select_rows(flow_table, {}, None, True, "fps", True)) == 2 * 19_683 / 3
    with pytest.raises(EfnasError, match="no column 'speed'"):
        select_rows(flow_table, {}, None, False, "speed", False)
    without = flow_table._replace(rows=[row._replace(epe=None) for row in flow_table.rows[:9]])
    with pytest.raises(EfnasError, match="knows the error of no subnet"):
        select_rows(without, {}, None, False, "epe", False)


@pytest.mark.parametrize("at_most, min_fps, error, worst", [
    ({"latency_ms": 110}, None, {"latency_error_ms": 5.0}, {"latency_ms": 105}),
    ({"sram_kib": 1300}, None, {"sram_error_kib": 1.0}, {"sram_kib": 1000}),
    ({"flash_kib": 500}, None, {"flash_error_kib": 0.5}, None),
    ({}, 1000 / 110, {"latency_error_ms": 5.0}, {"latency_ms": 105}),
])  # fmt: skip
def test_every_limit_counts_a_derived_figure_with_its_error(flow_table, at_most, min_fps, error, worst):
    """Frames a second too: a subnet may be as slow as its latency with the error on top."""
    unsure = CostTable([row._replace(**error) for row in flow_table.rows], {}, FLOW_SPACE)
    found = select_rows(unsure, at_most, min_fps, False, "latency_ms", False)
    assert len(found) < len(select_rows(flow_table, at_most, min_fps, False, "latency_ms", False))
    assert bool(found) == (worst is not None)
    for name, value in (worst or {}).items():
        assert max(getattr(row, name) for row in found) == value


def test_the_front_holds_what_no_other_beats(flow_table):
    assert [row.arch for row in front(flow_table.rows)] == ["0,0,0,0,0,0,0,0,0", "1,0,0,0,0,0,0,0,0"]


@pytest.mark.parametrize("change, message", [
    (lambda folder: (folder / "table.json").unlink(), "No such file"),
    (lambda folder: (folder / "table.json").write_text("{"), "it is damaged"),
    (lambda folder: _about(folder, proofs=[]), "it is damaged"), (lambda folder: _about(folder, title=None), "it is damaged"),
    (lambda folder: (folder / "table.csv").write_text("arch\n"), "changed or cut"),
    (lambda folder: _about(folder, space=["another", 1]), r"of another search space \(\['another', 1\]\)"),
    (lambda folder: _about(folder, space=["edgeflow-bilinear", 2]), "of another search space"),
])  # fmt: skip
def test_a_table_that_cannot_be_trusted_is_refused(flow_table, tmp_path, change, message):
    write_table(tmp_path, flow_table)
    change(tmp_path)
    with pytest.raises(EfnasError, match=message):
        read_table(tmp_path, FLOW_SPACE)


def _about(folder, **changes):
    path = folder / "table.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_pictures_are_drawn(flow_table):
    sizes = {name: len(picture) for name, picture in draw_sweep(flow_table, FLOW_SPACE).items()}
    assert list(sizes) == ["latency.png", "macs.png", "blocks.png", "pareto.png"] and min(sizes.values()) > 10_000
