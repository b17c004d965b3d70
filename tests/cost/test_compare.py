"""Subnets against the baseline: real compiles of a narrow network (base width 8, 60x80), by the command and inside."""

import json

import pytest
from command import efnas
from vela_stand_in import PRINTED, real_vela, stand_in_program

from efnas.cache import Cache, cache_folder
from efnas.config_files import load_config
from efnas.core.network import FLOW_SPACE
from efnas.cost.compare import Limits, compare
from efnas.cost.pictures import draw_comparison, peak_step
from efnas.errors import EfnasError
from efnas.export.network_files import NetworkFiles
from efnas.vela.board import packaged_profile
from efnas.vela.compiler import Settings, Vela
from efnas.vela.parts import parts

SMALL = ["data.input_height=60", "data.input_width=80", "network.base_width=8"]
SMALL_OPTIONS = ["--height", 60, "--width", 80, "--base-width", 8]
ARCHS = [FLOW_SPACE.baseline, FLOW_SPACE.parse("222200000")]


@pytest.fixture(scope="module")
def cache():
    """That of the commands, which need not export the same files again."""
    return Cache(cache_folder())


@pytest.fixture(scope="module", params=[None, "5.2.0"])
def compared(request, cache):
    vela = Vela(real_vela(request.param), packaged_profile(), cache)
    files = NetworkFiles(load_config(assignments=SMALL), cache)
    return compare(ARCHS, files, vela, Settings(), "accumulated", Limits())


def test_the_baseline_and_its_subnet_cost_the_same_although_described_apart(compared):
    baseline, subnet = compared.baseline.compiled, compared.subnets[0].compiled
    assert subnet.sram_kib == baseline.sram_kib
    assert subnet.macs == baseline.macs
    # At this size 5.2 runs one of the 32 operators in two pieces.
    operators = 33 if compared.vela.version == "5.2.0" else 32
    assert (subnet.npu_ops, subnet.cpu_ops) == (baseline.npu_ops, baseline.cpu_ops) == (operators, 0)
    assert subnet.inference_ms == pytest.approx(baseline.inference_ms, rel=0.01)


def test_a_deeper_subnet_costs_more_and_is_judged_by_the_limits(compared):
    deep = compared.subnets[1].compiled
    assert deep.inference_ms > compared.baseline.compiled.inference_ms
    assert deep.npu_ops == compared.baseline.compiled.npu_ops + 4 * 2 * 3
    content = compared.as_dict()
    assert content["subnets"][1]["ratio"]["inference_ms"] == deep.inference_ms / compared.baseline.compiled.inference_ms
    assert content["vela"]["version"] == compared.vela.version
    assert content["baseline"]["fits_arena"] is True
    assert content["subnets"][1]["weights"] == "random, seed 42"


def test_operators_and_tensors_are_traced_to_their_stages(compared):
    blocks = {block.name for block in FLOW_SPACE.blocks} | {"E0", "E1", "Down1", "Down2", "Up1", "Up2", "Sum2", "Sum1"}
    for network in (compared.baseline, *compared.subnets):
        compiled = network.compiled
        assert {operator.stage for operator in compiled.operators} == blocks
        assert sum(operator.macs for operator in compiled.operators) == compiled.macs
        assert {tensor.stage for tensor in compiled.live} <= blocks | {"images"}
        assert sum(map(compiled.milliseconds, compiled.operators)) == pytest.approx(compiled.inference_ms)


def test_the_live_tensors_add_up_to_the_sram(compared):
    for network in (compared.baseline, *compared.subnets):
        step, total = peak_step(network.compiled)
        # The allocator may leave gaps, never overlaps.
        assert 0.9 * network.compiled.sram_kib * 1024 <= total <= network.compiled.sram_kib * 1024


def test_the_picture_is_drawn(compared, tmp_path):
    draw_comparison(compared, tmp_path / "memory.png")
    assert (tmp_path / "memory.png").stat().st_size > 20_000
    bare = compared._replace(baseline=compared.baseline._replace(compiled=compared.baseline.compiled._replace(live=[])))
    with pytest.raises(EfnasError, match="nothing to draw"):
        draw_comparison(bare, tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()


def test_random_files_are_exported_once(cache, compared):
    def never():
        raise AssertionError("TensorFlow was to be imported")

    warm = NetworkFiles(load_config(assignments=SMALL), cache, before_tensorflow=never)
    files = NetworkFiles(load_config(assignments=SMALL), cache)
    assert warm.subnet(ARCHS[0], "accumulated") == files.subnet(ARCHS[0], "accumulated")
    for other in (["runtime.seed=1"], ["network.base_width=4"], ["data.input_width=96"]):
        with pytest.raises(AssertionError):
            NetworkFiles(load_config(assignments=SMALL + other), cache, before_tensorflow=never).baseline("accumulated")


def test_vela_compare_prints_one_json_object_and_exits_by_its_answer(tmp_path):
    real_vela()
    small = ["vela-compare", *SMALL_OPTIONS, "--skip-checkpoint", "--arch"]
    done = efnas(*small, "000001000", "--json", "--keep", tmp_path / "kept", "--plot", "memory.png", cwd=tmp_path)
    answer = json.loads(done.stdout)
    assert answer["subnets"][0]["accepted"] is True
    assert answer == json.loads((tmp_path / "compare_summary.json").read_text())
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == [
        "bilinear_baseline.tflite", "bilinear_baseline_vela.tflite", "subnet_000001000.tflite",
        "subnet_000001000_vela.tflite"]  # fmt: skip
    refused = efnas(*small, "222200000", "--max-inference-ratio", 1.01, code=1, cwd=tmp_path)
    assert "more than 1.01 times" in refused.stderr


def test_a_version_with_other_figures_is_announced_in_one_line(tmp_path):
    program = stand_in_program(tmp_path, version="5.9.0", printed=PRINTED)
    done = efnas("vela-compare", "--arch", "000001000", *SMALL_OPTIONS, "--vela", program, "--json", cwd=tmp_path)
    assert done.stderr.startswith("Note: Vela 5.9.0 has another core") and len(done.stderr.splitlines()) == 1
    assert "another core" in json.loads(done.stdout)["vela"]["notice"]


def test_the_reference_figures_of_the_full_network_to_the_last_digit():
    """DESIGN section 11: Vela 4.5.0, Size, accumulated, random weights."""
    vela = Vela(real_vela(), packaged_profile(), Cache(None))
    if vela.version != "4.5.0":
        pytest.skip(f"the reference figures are those of Vela 4.5.0, this is {vela.version}")
    archs = [FLOW_SPACE.parse(code) for code in ("000001000", "111111111", "222222222")]
    settings = Settings("Size")
    found = compare(archs, NetworkFiles(load_config(), Cache(None)), vela, settings, "accumulated", Limits())
    for network in (found.baseline, found.subnets[0]):
        compiled = network.compiled
        assert (compiled.sram_mb, compiled.macs) == (1.58203125, 3_606_543_360)
        assert (compiled.npu_ops, compiled.cpu_ops) == (32, 0)
        assert compiled.inference_ms == pytest.approx(192.2270575, abs=0.001)
    ratios = [each["ratio"]["inference_ms"] for each in found.as_dict()["subnets"]]
    assert ratios == pytest.approx([1.0, 1.10, 1.18], abs=0.005)
    assert [subnet.compiled.inference_ms for subnet in found.subnets[1:]] == pytest.approx([211.79, 227.20], abs=0.01)
    assert not any(subnet.failed for subnet in found.subnets)


def test_the_parts_of_the_blocks_add_up_and_none_is_busier_than_its_block_takes(compared):
    profile = compared.vela.profile
    for network in (compared.baseline, *compared.subnets):
        compiled = network.compiled
        found = parts(compiled, profile)
        assert [part.stage for part in found] == list(dict.fromkeys(each.stage for each in compiled.operators))
        assert sum(part.ms for part in found) == pytest.approx(compiled.inference_ms)
        assert sum(part.macs for part in found) == compiled.macs
        for part in found:
            assert max(part.npu_ms, part.sram_ms, part.weights_ms) <= part.ms * (1 + 1e-9), part.stage
        busiest = sum(max(part[2:5]) for part in found)
        assert busiest == pytest.approx(compiled.inference_ms, rel=0.02)
    # 5.2 says how long the memory of the weights is busy, 4.5 counts that in the NPU's.
    assert any(part.weights_ms for part in found) == (compared.vela.version == "5.2.0")
