"""`efnas package` with several compilers: the first makes the package, the others only say what they think of it."""

import json
import re

import pytest
from command import answer
from vela_stand_in import LAYERS_5, PRINTED_5, SUMMARY, real_vela, runs_of, stand_in_program

SMALL = ["package", "--arch", "000001000", "--skip-checkpoint", "--height", 32, "--width", 48, "--base-width", 4,
         "--frame", "40x64"]  # fmt: skip
SETTINGS = ["--optimise", "Performance", "--arena", 80_000]
OTHER = {"version": "5.2.0", "layers": LAYERS_5, "printed": PRINTED_5}


def packaged(out, *words):
    """Whose compiler is the project's, with others beside it; and what the screen shows."""
    code, told, said = answer([*SMALL, "--vela", real_vela(), *words, "--out", out])
    assert code == 0, said
    return json.loads((out / "package.json").read_text()), told


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("compilers")


@pytest.fixture(scope="module")
def alone(place):
    return packaged(place / "alone", *SETTINGS)


@pytest.fixture(scope="module")
def beside(place):
    """The other compiler needs more SRAM than the board has."""
    large = {"summary": SUMMARY.replace(",2.0,", ",9000.0,"),
             "printed": PRINTED_5.replace("2048 bytes == 2.0", "9216000 bytes == 9000.0")}  # fmt: skip
    program = stand_in_program(place, **{**OTHER, **large})
    return (*packaged(place / "beside", *SETTINGS, "--vela", program), program)


def test_another_compiler_changes_nothing_of_what_is_packaged(place, alone, beside):
    def content(name):
        return {path.name: path.read_bytes() for path in (place / name).iterdir() if path.name not in told}

    told = ("package.json", "README.md")
    assert content("alone") == content("beside") and "network_vela.tflite" in content("alone")
    about, other = alone[0], beside[0]
    assert about["other_compilers"] == []
    differing = {key for key in about if about[key] != other[key]}
    assert differing == {"other_compilers", "files"}
    assert {name for name, file in about["files"].items() if file != other["files"][name]} == {"README.md"}


def test_each_compiler_is_told_of_with_the_same_figures(beside):
    about, shown, program = beside
    (other,) = about["other_compilers"]
    assert set(other) == set(about["compiler"]) and "not measured on a board" in about["estimates"]
    assert (other["version"], other["inference_ms"], other["sram_kib"]) == ("5.2.0", 200.0, 9000.0)
    assert (other["optimise"], other["arena"], other["flash_bytes"]) == ("Performance", 80_000, len(b"compiled"))
    assert about["compiler"]["fits"] and not other["fits"]
    assert about["compiler"]["arena_bytes"] == about["sram"]["arena"]
    assert about["compiler"]["flash_bytes"] == about["flash"]["model"]["bytes"]
    assert len(runs_of(program)) == 1 and "network.tflite" in runs_of(program)[0]
    assert "each compiler (estimates)" in shown
    assert re.search(r" yes +packaged", shown) and re.search(r"5\.2\.0 .* 200\.0 +no", shown)


def test_one_compiler_alone_shows_no_table_of_compilers(alone):
    assert "each compiler" not in alone[1]


def test_the_parts_of_the_blocks_add_up_to_the_estimate(beside):
    about = beside[0]
    for compiler in (about["compiler"], *about["other_compilers"]):
        assert sum(part["ms"] for part in compiler["by_block"]) == pytest.approx(compiler["inference_ms"])
    assert {"E0", "H2", "Sum2"} <= {part["stage"] for part in about["compiler"]["by_block"]}
    assert [part["stage"] for part in about["other_compilers"][0]["by_block"]] == ["E0", "Sum1"]


def test_the_page_has_the_compilers_and_the_blocks_of_the_packaged_one(place, alone, beside):
    for name, (about, *_) in (("alone", alone), ("beside", beside)):
        page = (place / name / "README.md").read_text()
        compiler = about["compiler"]
        for part in compiler["by_block"]:
            assert f"| {part['stage']} | {part['ms']:.2f} | {part['npu_ms']:.2f} |" in page
        row = f"| {compiler['version']} | `--optimise Performance --arena-cache-size 80000` |"
        assert row in page and f"{compiler['inference_ms']:.1f} | yes | packaged |" in page
        assert "| 200.0 | no |" in page if name == "beside" else "`fits` is" not in page
        assert "weights are random" in page and "$" not in page


@pytest.mark.parametrize("broken, message", [
    ({"code": 1}, "Vela failed with code 1"), ({"summary": ""}, "wrote no network_summary"), ({"version": "words"}, "does not answer as Vela does"),
])  # fmt: skip
def test_another_compiler_that_fails_is_an_error_and_leaves_nothing(tmp_path, broken, message):
    program = stand_in_program(tmp_path, **{**OTHER, **broken})
    words = [*SMALL, *SETTINGS, "--vela", real_vela(), "--vela", program, "--out", tmp_path / "out"]
    code, out, said = answer(words)
    assert (code, out) == (2, "") and said.splitlines()[-1].startswith("Error: ") and message in said, said
    assert {path.name for path in tmp_path.iterdir()} <= {"vela", "runs"}
