"""Running the compiler: real compiles where it is installed, and every way it can go wrong with a stand-in."""

import json
import sys

import pytest
from conftest import PROJECT

from efnas.core.space import FLOW_SPACE
from efnas.deploy import vela as vela_module
from efnas.deploy.compare import Limits, compare
from efnas.deploy.vela import LAYER_HEADER, compile_file, find_vela, load_profile, vela_version
from efnas.errors import EfnasError

GROVE = "grove-vision-ai-v2"
PROJECT_VELA = PROJECT / ".venv-vela" / "bin" / "vela"


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """A real comparison of a narrow network (base width 8, 60x80), files kept."""
    try:
        find_vela()
    except EfnasError as error:
        pytest.skip(str(error))
    keep = tmp_path_factory.mktemp("kept")
    archs = [FLOW_SPACE.baseline, FLOW_SPACE.parse("222200000")]
    return compare(archs, load_profile(GROVE), "Size", Limits(), height=60, width=80, base_width=8, keep=keep), keep


def test_the_baseline_and_its_subnet_cost_the_same_although_described_apart(compared):
    comparison, _ = compared
    subnet = comparison.subnets[0].compiled
    assert subnet.sram_kib == comparison.baseline.sram_kib
    assert subnet.macs == comparison.baseline.macs
    assert (subnet.npu_ops, subnet.cpu_ops) == (comparison.baseline.npu_ops, comparison.baseline.cpu_ops) == (32, 0)
    assert subnet.inference_ms == pytest.approx(comparison.baseline.inference_ms, rel=0.01)


def test_a_deeper_subnet_costs_more_and_is_judged_by_the_limits(compared):
    comparison, _ = compared
    deep = comparison.subnets[1].compiled
    assert deep.inference_ms > comparison.baseline.inference_ms
    assert deep.npu_ops == 32 + 4 * 2 * 3
    content = comparison.as_dict()
    assert content["subnets"][1]["ratio"]["inference_ms"] == deep.inference_ms / comparison.baseline.inference_ms
    assert content["vela"]["version"] == vela_version(find_vela())
    assert content["baseline"]["fits_arena"] is True


def test_operators_are_traced_to_their_stages(compared):
    comparison, _ = compared
    for compiled in (comparison.baseline, comparison.subnets[0].compiled):
        assert {"E0", "EB0", "DB0", "Up1", "H1", "H2Out", "Sum1"} <= {operator.stage for operator in compiled.operators}
        assert sum(operator.macs for operator in compiled.operators) == compiled.macs


def test_kept_files_are_those_compiled(compared):
    _, keep = compared
    assert sorted(path.name for path in keep.iterdir()) == [
        "bilinear_baseline.tflite", "subnet_000001000.tflite", "subnet_222200000.tflite"]  # fmt: skip


@pytest.fixture
def stand_in(tmp_path):
    """Makes a program that answers as Vela does, or does not."""

    def make(
        version="4.5.0",
        summary="",
        layers="",
        printed="NPU operators = 1 (1%)\nCPU operators = 0 (0%)",
        code=0,
        sleep=0,
    ):
        path = tmp_path / "vela"
        path.write_text(f"""#!{sys.executable}
import sys, time, pathlib
if "--version" in sys.argv:
    print({version!r}); sys.exit()
time.sleep({sleep})
out = pathlib.Path(sys.argv[sys.argv.index("--output-dir") + 1])
stem, system = pathlib.Path(sys.argv[1]).stem, sys.argv[sys.argv.index("--system-config") + 1]
(out / f"{{stem}}_summary_{{system}}.csv").write_text({summary!r})
(out / f"{{stem}}_per-layer.csv").write_text({layers!r})
print({printed!r}); sys.exit({code})
""")
        path.chmod(0o755)
        return path

    return make


SUMMARY = ("inferences_per_second,inference_time,sram_memory_used,off_chip_flash_memory_used,nn_macs\n"
           "5.0,0.2,1620.0,2780.0,123\n")  # fmt: skip
LAYERS = ",".join(LAYER_HEADER) + "\nADD,Add,100,1,7.0,1,1,1,0,0,0,5,1,1,Sum1/add,with comma\n"


def compiled_by(program, tmp_path):
    model = tmp_path / "m.tflite"
    model.write_bytes(b"")
    return compile_file(model, program, "4.5.0", load_profile(GROVE))


def test_tables_are_read_by_position_and_names_may_hold_commas(stand_in, tmp_path):
    found = compiled_by(stand_in(summary=SUMMARY, layers=LAYERS), tmp_path)
    assert (found.sram_kib, found.inference_ms, found.macs, found.npu_ops) == (1620.0, 200.0, 123, 1)
    (operator,) = found.operators
    assert (operator.name, operator.stage, operator.macs, operator.sram_bytes) == (
        "Sum1/add,with comma",
        "Sum1",
        5,
        100,
    )


@pytest.mark.parametrize("answer, message", [
    ({"code": 3, "printed": "AssertionError"}, r"failed with code 3 \(AssertionError\)"),
    ({"summary": "a,b\n1,2\n", "layers": LAYERS}, "another form than known"),
    ({"summary": SUMMARY, "layers": LAYERS.replace("Util%", "Use%")}, "header that is not known"),
    ({"summary": "", "layers": LAYERS}, "is empty"),
    ({"summary": SUMMARY, "layers": LAYERS, "printed": "all well"}, "does not say how many operators"),
])  # fmt: skip
def test_what_is_not_known_is_refused(stand_in, tmp_path, answer, message):
    with pytest.raises(EfnasError, match=message):
        compiled_by(stand_in(**answer), tmp_path)


def test_a_hanging_compiler_is_stopped(stand_in, tmp_path, monkeypatch):
    monkeypatch.setattr(vela_module, "TIME_LIMIT_SECONDS", 0.5)
    with pytest.raises(EfnasError, match="took longer"):
        compiled_by(stand_in(sleep=60), tmp_path)


def test_a_program_that_is_not_vela_is_refused(stand_in):
    with pytest.raises(EfnasError, match="does not answer as Vela"):
        vela_version(stand_in(version="hello"))
    assert vela_version(stand_in(version="5.2.0")) == "5.2.0"


def test_the_compiler_is_looked_for_in_order(stand_in, tmp_path, monkeypatch):
    program = stand_in()
    monkeypatch.setenv("EFNAS_VELA", str(program))
    assert find_vela() == program
    with pytest.raises(EfnasError, match="no Vela at /nowhere"):
        find_vela("/nowhere")
    monkeypatch.delenv("EFNAS_VELA")
    if not PROJECT_VELA.exists():
        monkeypatch.setenv("PATH", str(tmp_path))
        assert find_vela() == program
        monkeypatch.setenv("PATH", "/nowhere")
        with pytest.raises(EfnasError, match="No Vela compiler found"):
            find_vela()


def test_an_unknown_profile_names_those_there_are():
    with pytest.raises(EfnasError, match="the profiles are grove-vision-ai-v2"):
        load_profile("esp32")


@pytest.mark.parametrize("words, message", [
    (["--arch", "12"], "9 digits"), (["--arch", "000001000", "--vela", "/nowhere"], "no Vela at /nowhere"),
    (["--arch", "000001000", "--profile", "esp32"], "no board profile 'esp32'"),
    (["--arch", "000001000", "--optimise", "Speed"], "Size or Performance"),
    (["--arch", "000001000", "--summary", "/nowhere/x.json"], "no folder /nowhere"),
    (["--arch", "000001000", "--keep", __file__], "is a file"),
])  # fmt: skip
def test_bad_words_get_one_sentence_and_exit_code_2(words, message):
    from test_cli import efnas

    done = efnas("vela-compare", *words, code=2)
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_vela_compare_prints_one_json_object_and_exits_by_its_answer(tmp_path):
    from test_cli import efnas

    try:
        find_vela()
    except EfnasError as error:
        pytest.skip(str(error))
    small = ["vela-compare", "--height", 60, "--width", 80, "--base-width", 8, "--arch"]
    summary = tmp_path / "compare_summary.json"
    answer = json.loads(efnas(*small, "000001000", "--json", "--summary", summary).stdout)
    assert answer["subnets"][0]["accepted"] is True
    assert answer == json.loads(summary.read_text())
    refused = efnas(*small, "222200000", "--max-inference-ratio", 1.01, code=1)
    assert "more than 1.01 times" in refused.stderr
