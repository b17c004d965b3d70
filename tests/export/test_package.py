"""`efnas package`: what is in the folder, and which packages are refused."""

import hashlib
import json
import re
import zlib

import numpy as np
import pytest
from command import answer, is_refused_in_a_sentence
from vela_stand_in import LAYERS_5, PRINTED_5, real_vela, runs_of, stand_in_program

from efnas.core.supernet import EDGEFLOW
from efnas.data.synthesis import SceneStyle, make_pair
from efnas.errors import CheckFailed, EfnasError
from efnas.export.host import Interpreter, flow_of_outputs
from efnas.export.package.network import deployed_network
from efnas.export.package.room import Room, places
from efnas.export.package.vectors import reference_kernels
from efnas.vela.board import DEFAULT_PROFILE, PROFILES, own_profile, packaged_profile

MEMORY = packaged_profile().memory


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A package of random weights, and what the command answered."""
    real_vela()
    out = tmp_path_factory.mktemp("package") / "below" / "package"
    code, told, said = answer(["package", "--arch", "000001000", "--skip-checkpoint", "--height", 32, "--width", 48,
                               "--base-width", 4, "--frame", "40x64", "--grey", "--optimise", "Performance",
                               "--arena", 80_000, "--per-tensor", "--out", out, "--json"])  # fmt: skip
    assert code == 0, said
    return out, json.loads(told)


def test_the_folder_describes_itself(made):
    folder, about = made
    assert about == json.loads((folder / "package.json").read_text())
    assert sorted([*about["files"], "package.json"]) == sorted(path.name for path in folder.iterdir())
    for name, told in about["files"].items():
        content = (folder / name).read_bytes()
        assert told == {"bytes": len(content), "crc32": f"{zlib.crc32(content):08x}",
                        "sha256": hashlib.sha256(content).hexdigest()}  # fmt: skip
    assert about["scales"] == "from all values seen, one a kernel"
    assert about["source"]["weights"] == "random" and about["versions"]["vela"] == about["compiler"]["version"]
    assert (about["compiler"]["optimise"], about["compiler"]["arena"]) == ("Performance", 80_000)
    assert about["form"] == "two-scale"
    assert not [path for path in folder.parent.iterdir() if path != folder]


def test_the_header_has_the_figures(made):
    folder, about = made
    header = dict(re.findall(r"#define EFNAS_(\w+) (.+)", (folder / "efnas_network.h").read_text()))
    model = about["files"]["network_vela.tflite"]
    assert header["MODEL_CRC32"] == f"0x{model['crc32']}u" and int(header["MODEL_BYTES"]) == model["bytes"]
    assert (header["HEIGHT"], header["WIDTH"], header["CANVAS_WIDTH"]) == ("32", "48", "48")
    assert (header["FRAME_HEIGHT"], header["FRAME_WIDTH"], header["FRAME_CHANNELS"]) == ("40", "64", "1")
    assert header["MODEL_ADDRESS"] == "0x3a200000u" and header["ARENA_BYTES"] == str(about["arena_bytes"])
    assert header["ARCH"] == '"0,0,0,0,0,1,0,0,0"' and "vela" in header["VERSIONS"]
    for name, port in zip(("FLOW", "RESIDUAL"), sorted(about["outputs"], key=lambda port: port["shape"])):
        assert float(header[f"{name}_SCALE"][:-1]) == pytest.approx(port["scale"], rel=1e-7)
        assert header[f"{name}_ZERO_POINT"] == f"({port['zero_point']})"
        assert about["outputs"][int(header[f"{name}_OUTPUT"])] == port


def test_the_peak_of_the_sram_counts_everything(made):
    _, about = made
    sram = dict(about["sram"])
    total, limit = sram.pop("total"), sram.pop("limit")
    assert (limit, total) == (1_421_976, sum(sram.values()))
    assert sram["arena"] == about["arena_bytes"] > about["compiler"]["sram_kib"] * 1024
    assert (sram["frame"], sram["kept frame"]) == (40 * 64, 32 * 48 * 3)
    flash = about["flash"]
    assert flash["vectors"]["address"] % 4096 == 0
    assert flash["vectors"]["address"] >= flash["model"]["address"] + flash["model"]["bytes"]


def test_the_vectors_are_synthetic_frames_and_the_files_own_answers(made):
    folder, _ = made
    model = (folder / "network.tflite").read_bytes()
    network = deployed_network(model, (folder / "network_vela.tflite").read_bytes())
    vectors = np.frombuffer((folder / "vectors.bin").read_bytes(), np.uint8).reshape(3, -1)
    values = {port.name: int(np.prod(port.shape)) for port in network.outputs}
    assert vectors.shape[1] == 32 * 48 * 6 + sum(values.values()) + 8
    interpreter = Interpreter(model)
    for index, vector in enumerate(vectors):
        pair = make_pair(SceneStyle(32, 48), 1, index)
        frames = vector[: 32 * 48 * 6].reshape(2, 32, 48, 3)
        np.testing.assert_array_equal(frames, [pair.first, pair.second])
        at, outputs = frames.size, []
        for port in (network.flow, network.residual):
            stored = vector[at : at + values[port.name]].view(np.int8).reshape(port.shape[1:])
            outputs.append((stored.astype("f") - port.zero_point) * port.scale)
            at += stored.size
        images = np.concatenate(list(frames), -1).astype("f") / 127.5 - 1
        # Its kernels may be optimised ones, which differ by a few steps.
        steps = 3 * (network.flow.scale + network.residual.scale)
        np.testing.assert_allclose(flow_of_outputs(outputs, 32, 48), interpreter.flow(images), atol=steps)
    assert np.ptp(outputs[0]) > 0


def test_reference_kernels_are_asked_for(made, monkeypatch):
    import tflite_runtime.interpreter as runtime

    asked, honest = [], runtime.Interpreter
    monkeypatch.setattr(runtime, "Interpreter", lambda **words: (asked.append(words), honest(**words))[1])
    reference_kernels((made[0] / "network.tflite").read_bytes())
    assert asked[0]["experimental_op_resolver_type"] == runtime.OpResolverType.BUILTIN_REF


def packaged(tmp_path, *words, **fields):
    """The answer of the command for random weights, and a board whose description is changed in these fields."""
    text = (PROFILES / f"{DEFAULT_PROFILE}.ini").read_text()
    for name, value in fields.items():
        text = re.sub(rf"^{name}=.*\n", "" if value is None else f"{name}={value}\n", text, flags=re.MULTILINE)
    (tmp_path / "own.ini").write_text(text)
    name = "Grove_Vision_AI_V2"
    return answer(["package", "--arch", "000001000", "--skip-checkpoint", "--height", 36, "--width", 48, "--base-width", 4,
                   "--vela-config", tmp_path / "own.ini", "--system-config", name, "--memory-mode", name,
                   "--accelerator-config", "ethos-u55-64", "--out", tmp_path / "out", *words])  # fmt: skip


def test_the_settings_are_searched_within_what_the_rest_leaves(tmp_path):
    (tmp_path / "other").mkdir()
    other = stand_in_program(tmp_path / "other", "5.2.0", layers=LAYERS_5, printed=PRINTED_5)
    code, out, said = packaged(tmp_path, "--json", "--vela", real_vela(), "--vela", other, sram_free=72_000)
    assert code == 0, said
    about = json.loads(out)
    assert about["sram"]["total"] <= 72_000 and about["compiler"]["optimise"] == "Performance"
    # Whatever it is told, this one answers alike: of equal settings it is the plainest.
    assert [each["optimise"] for each in about["other_compilers"]] == ["Size"] and len(runs_of(other)) > 2


@pytest.mark.parametrize("words, fields, message", [
    (["--frame", "600x800"], {}, "needs 1,466,604 bytes"), (["--optimise", "Size"], {"sram_free": 40_000}, "bytes of SRAM (arena"),
    ([], {"sram_free": 40_000}, "bytes of SRAM (arena"), (["--optimise", "Size"], {"flash": "0x20f000"}, "of the flash (model"),
])  # fmt: skip
def test_a_package_without_room_is_a_failed_check_and_leaves_nothing(tmp_path, words, fields, message):
    real_vela()
    code, out, said = packaged(tmp_path, *words, **fields)
    assert (code, out) == (1, "") and message in said, said
    assert [path.name for path in tmp_path.iterdir()] == ["own.ini"]


@pytest.mark.parametrize("fields, message", [
    ({"flash": None}, "does not describe the board's memory"), ({"sram": "much"}, "holds no number"),
])  # fmt: skip
def test_a_board_whose_memory_is_not_described_is_refused(tmp_path, fields, message):
    real_vela()
    answered = packaged(tmp_path, **fields)
    assert is_refused_in_a_sentence(*answered) and message in answered[2], answered


def test_a_profile_of_a_users_own_may_describe_the_memory(tmp_path):
    names = ("ethos-u55-64", "Grove_Vision_AI_V2", "Grove_Vision_AI_V2")
    own, given = own_profile(PROFILES / f"{DEFAULT_PROFILE}.ini", *names), packaged_profile()
    assert own == given and "efnas" not in own.ini


def test_addresses_are_aligned_and_files_do_not_overlap():
    found = places(MEMORY, 0xB7B000, {"model": 4097, "vectors": 1})
    assert found == {"model": (0xB7B000, 4097), "vectors": (0xB7D000, 1)}
    for address in (0x1FF000, 0x200800):
        with pytest.raises(EfnasError, match="multiple of 0x1000 from 0x200000 on"):
            places(MEMORY, address, {})
    Room({"arena": 1_421_976}, {"model": (0x200000, 0xE00000)}).require(MEMORY)
    with pytest.raises(CheckFailed, match="1,421,977 bytes of SRAM"):
        Room({"arena": 1_421_977}, {}).require(MEMORY)
    with pytest.raises(CheckFailed, match="end at 0x1000001 of the flash"):
        Room({}, {"model": (0x200000, 0xE00001)}).require(MEMORY)


def test_another_network_than_was_exported_is_found(made):
    folder, _ = made
    compiled = (folder / "network_vela.tflite").read_bytes()
    from efnas.export.converter import convert
    from efnas.export.networks import subnet_network
    from efnas.export.weights import random_weights

    network = subnet_network(EDGEFLOW, EDGEFLOW.space.parse("000001000"), 4)
    other = convert(network, random_weights(network.variables(), 32, 48, 1), 32, 48, "accumulated")
    with pytest.raises(CheckFailed, match="other inputs and outputs"):
        deployed_network(other, compiled)
