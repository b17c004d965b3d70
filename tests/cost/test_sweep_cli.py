"""`efnas sweep` as a user runs it: real compiles of a narrow network, kills, failures, and the commands that ask it."""

import hashlib
import json
import signal
import subprocess
import sys

import pytest
from command import efnas
from vela_stand_in import real_vela, runs_of, stand_in_program

from efnas.cache import Cache
from efnas.config_files import load_config
from efnas.core.network import FLOW_SPACE
from efnas.cost.proof import held_out
from efnas.export.compose import Composer
from efnas.export.network_files import NetworkFiles

SMALL = ["--height", 60, "--width", 80, "--base-width", 8]
TINY = ["--height", 32, "--width", 48, "--base-width", 4]


# The command, which kills itself once the answers of five compiles are kept.
KILLED_AFTER_FIVE = """
import os, signal
from efnas.cache import Cache
from efnas.cli.app import main

keep, kept = Cache.put, []

def keep_five(self, kind, key, content):
    keep(self, kind, key, content)
    kept.extend([key] * (kind == "cost"))
    if len(kept) == 5:
        os.kill(os.getpid(), signal.SIGKILL)

Cache.put = keep_five
main()
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def own_cache(cache, monkeypatch):
    monkeypatch.setenv("EFNAS_CACHE", str(cache))


@pytest.fixture(scope="module")
def table(cache, tmp_path_factory):
    """The table of a sweep with the real compiler, which was killed on the way and run again."""
    real_vela()
    folder = tmp_path_factory.mktemp("sweep")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EFNAS_CACHE", str(cache))
        words = ["sweep", *SMALL, "--method", "additive", "--tolerance", 5, "--verify", 4, "--out", folder]
        killed = subprocess.run([sys.executable, "-c", KILLED_AFTER_FIVE, *map(str, words)], stdout=subprocess.DEVNULL)
        entries = lambda: {path: path.stat().st_mtime_ns for path in (cache / "cost").rglob("*.gz")}  # noqa: E731
        before = entries()
        assert (killed.returncode, len(before)) == (-signal.SIGKILL, 5) and not (folder / "table.csv").exists()
        answer = json.loads(efnas(*words, "--json").stdout)
        after = entries()
        assert len(after) == 19 + 4 and before.items() <= after.items()
        compiled = {path: path.stat().st_mtime_ns for path in cache.rglob("*.gz")}
        assert json.loads(efnas(*words, "--json").stdout) == answer
        assert {path: path.stat().st_mtime_ns for path in cache.rglob("*.gz")} == compiled
    return folder, answer


def test_a_sweep_says_how_far_its_figures_can_be_trusted(table):
    folder, answer = table
    assert answer["method"] == "additive" and answer["vela"]["version"] == "4.5.0"
    (proof,) = answer["proofs"]
    # Of a network as narrow as this one the terms hold to a per cent; at full width to 1e-15 (make bench).
    assert proof["subnets"] == 4 and 0 < proof["largest_error"] < 0.05
    assert len((folder / "table.csv").read_text().splitlines()) == 1 + 19_683
    assert {path.name for path in folder.glob("*.png")} == {"latency.png", "macs.png", "blocks.png"}


def test_a_query_finds_what_meets_a_budget(table):
    folder, _ = table
    one = json.loads(efnas("sweep", "query", folder / "table.csv", "--arch", "000001000", "--json").stdout)
    assert one["found"] == 1 and one["rows"][0]["known"] == "compiled"
    limit = one["rows"][0]["latency_ms"]
    words = ["sweep", "query", folder, "--fits", "--sort", "params", "--top", 3]
    found = json.loads(efnas(*words, "--max-ms", limit, "--json").stdout)
    assert 3 < found["found"] < 19_683 and len(found["rows"]) == 3
    assert all(row["latency_ms"] <= limit for row in found["rows"])
    assert found["rows"][0]["params"] == max(row["params"] for row in found["rows"])
    assert "No subnet meets" in efnas(*words, "--max-ms", 0.1).stdout


def test_codec_and_vela_compare_show_the_row(table, own_cache, tmp_path):
    folder, _ = table
    row = json.loads(efnas("codec", "show", "120001000", "--table", folder, "--json").stdout)["sweep"]
    words = ["vela-compare", "--arch", "120001000", *SMALL, "--table", folder, "--max-inference-ratio", 9]
    answer = json.loads(efnas(*words, "--json", cwd=tmp_path).stdout)
    assert answer["sweep"] == [row]
    assert row["latency_ms"] == pytest.approx(answer["subnets"][0]["inference_ms"], rel=0.05)
    assert "derived" in efnas("codec", "show", "120001000", "--table", folder).stdout


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Files of a tiny network and their cache."""
    cache = Cache(tmp_path_factory.mktemp("tiny"))
    config = load_config(assignments=["data.input_height=32", "data.input_width=48", "network.base_width=4"])
    return NetworkFiles(config, cache)


def parts_of(files):
    return tuple(files.subnet(arch, "accumulated") for arch in FLOW_SPACE.uniform_codes())


def test_a_subnet_on_which_the_compiler_fails_is_named_the_table_written_and_the_exit_code_1(
    tiny, tmp_path, monkeypatch
):
    monkeypatch.setenv("EFNAS_CACHE", str(tiny.cache.folder))
    broken = held_out(FLOW_SPACE, 4, seed=42)[-1]
    digest = hashlib.sha256(Composer(FLOW_SPACE, parts_of(tiny)).compose(broken)).hexdigest()
    program = tmp_path / "failing"
    program.write_text(f"""#!/bin/sh
if [ -f "$1" ] && sha256sum "$1" | grep -q {digest}; then echo boom; exit 3; fi
exec {stand_in_program(tmp_path)} "$@"
""")
    program.chmod(0o755)
    words = ["sweep", *TINY, "--verify", 4, "--vela", program, "--out", tmp_path / "out"]
    ended = efnas(*words, code=1)
    assert f"fails on 1 subnets: {broken}: Vela failed with code 3 (boom)" in ended.stderr.replace("\n", " ")
    row = json.loads(efnas("sweep", "query", tmp_path / "out", "--arch", "000001000", "--json").stdout)["rows"][0]
    assert row["latency_ms"] == 200
    assert f'"{broken}"' in (tmp_path / "out" / "table.csv").read_text()
    count = len(runs_of(program))
    efnas(*words, code=1)
    assert len(runs_of(program)) == count  # what failed is tried again, all else is known


def test_derived_figures_that_are_off_are_written_and_the_exit_code_is_1(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("EFNAS_CACHE", str(tiny.cache.folder))
    real_vela("5.2.0")
    words = ["sweep", *TINY, "--verify", 8, "--vela", "5.2.0", "--method", "additive", "--tolerance", 0]
    ended = efnas(*words, "--out", tmp_path, code=1)
    assert "By additive the latency is off by up to" in ended.stderr
    assert (tmp_path / "table.csv").exists()
