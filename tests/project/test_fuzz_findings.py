"""What the fuzzer found once, input by input: each ended in a traceback, was taken for sound, or looked like another."""

import io
import json
import zlib
from functools import partial

import pytest
from command import answer, efnas, is_refused_in_a_sentence
from mutations import DEEP, as_json
from PIL import Image
from valid_files import CODE, make_valid_files, sealed_anew

from efnas.config_files import load_config
from efnas.core.supernet import SUPERNETS
from efnas.cost.table import ABOUT, TABLE, read_table
from efnas.data.flying_chairs import index_list
from efnas.data.images import read_image
from efnas.errors import EfnasError
from efnas.export.flow import is_described
from efnas.runs.listing import DAMAGED, STOPPED, read_run
from efnas.runs.manifest import MANIFEST, read_manifest
from efnas.runs.progress import RunProgress, histories_of
from efnas.runs.run_files import BEST, LAST
from efnas.runs.seal import SEAL, read_seal, read_whole
from efnas.strict_yaml import read_yaml


@pytest.fixture
def valid(tmp_path):
    return make_valid_files(tmp_path)


@pytest.mark.parametrize("text, said", [
    ("? [a]\n: 1", "a key that is no word"), ("train: {? {a: 1} : 2}", "a key that is no word"), ("!!bool foo", "true or false"),
    ("!!map [1]", "no keys"), ("!!set [1]", "not valid YAML"), ("!!timestamp foo", "not valid YAML"), ("!!timestamp 2020-13-45", "not valid YAML"),
    ("train: {lr: !!int 0x1}", "before what is none"), ("data: {base_path: ~nobody-here/x}", "home folder"),
    ('data: {base_path: "\\ud800"}', "a file can hold"), ('data: {train_list: "\\ud800"}', "a file can hold"),
])  # fmt: skip
def test_configuration(tmp_path, text, said):
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(EfnasError, match=said):
        load_config(tmp_path / "a.yaml")


def test_a_value_that_unfolds_to_billions_is_repeated_in_brief():
    nested = "&a0 [x]"
    for depth in range(1, 40):
        nested = f"&a{depth} [{nested}, *a{depth - 1}, *a{depth - 1}]"
    with pytest.raises(EfnasError) as caught:
        load_config(assignments=[f"train.lr={nested}"])
    assert "train.lr" in str(caught.value) and len(str(caught.value)) < 500


def test_sections_that_add_one_another_are_read_in_no_time(tmp_path):
    lines = [f"a{depth}: &a{depth} {{<<: [*a{depth - 1}, *a{depth - 1}]}}" for depth in range(1, 60)]
    assert read_yaml("\n".join(["a0: &a0 {k: 1, l: 2}", *lines]))["a59"] == {"k": 1, "l": 2}


def test_what_a_message_repeats_stays_on_one_line(tmp_path):
    (tmp_path / "a.yaml").write_text('"a\\nb\\e[2J": 1')
    code, out, err = answer(["sample-check", "--config", tmp_path / "a.yaml"])
    assert is_refused_in_a_sentence(code, out, err) and "'a\\nb\\x1b[2J'" in err


@pytest.mark.parametrize("line", ["/", "train/../../..", "x" * 300, "a b " + "x" * 300])
def test_index_list(valid, line):
    (valid.folder / "list.txt").write_text(line)
    with pytest.raises(EfnasError, match="line 1"):
        index_list(
            valid.folder / "list.txt",
            valid.folder / "chairs" if line != "train/../../.." else valid.folder.__class__("/"),
        )


def test_an_index_list_of_another_editor_is_read(valid):
    (valid.folder / "list.txt").write_bytes(b"\xef\xbb\xbftrain/0000000\r\ntrain/0000001\r\n")
    assert len(index_list(valid.folder / "list.txt", valid.folder / "chairs")) == 2


def test_a_deep_image_cut_in_its_pixels(tmp_path):
    file = io.BytesIO()
    Image.new("I;16", (9, 9)).save(file, "PNG")
    raw = file.getvalue()
    start = raw.index(b"IDAT")
    length = int.from_bytes(raw[start - 4 : start], "big")
    pixels = zlib.compress(zlib.decompress(raw[start + 4 : start + 4 + length])[:50])
    chunk = b"IDAT" + pixels
    cut = (
        raw[: start - 4]
        + len(pixels).to_bytes(4, "big")
        + chunk
        + zlib.crc32(chunk).to_bytes(4, "big")
        + raw[start + 8 + length :]
    )
    (tmp_path / "a.png").write_bytes(cut)
    with pytest.raises(EfnasError, match="no whole image"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize("kind", [b"iCCP", b"tRNS"])
def test_an_image_with_an_empty_part(tmp_path, kind):
    file = io.BytesIO()
    Image.new("1", (9, 9)).save(file, "PNG")
    raw = file.getvalue()
    (tmp_path / "a.png").write_bytes(raw[:-12] + b"\0\0\0\0" + kind + zlib.crc32(kind).to_bytes(4, "big") + raw[-12:])
    with pytest.raises(EfnasError, match="no whole image"):
        read_image(tmp_path / "a.png")


def test_what_pillow_warns_of_stays_off_the_screen(valid):
    image = valid.folder / "chairs" / "train" / "0000000-img_0.png"
    Image.open(image).convert("P").save(image, transparency=b"\0" * 9)
    assert efnas("data", "check", valid.folder / "chairs" / "train", "--quiet").stderr == ""


MANIFESTS = [{"identity": 5}, {"place": None}, {"tuning": []}, {"history": [{}]}, {"history": 1}, {"history": [{"identity_sha256": "0", "changed": {"a": 1}}]},
             {"history": [{"identity_sha256": "0", "changed": {"a": [1, 2]}}]}, {"history": DEEP}]  # fmt: skip


@pytest.mark.parametrize("change", MANIFESTS, ids=repr)
def test_manifest(valid, change):
    tree = sealed_anew({**valid.manifest, **change}, "sha256", partial(json.dumps, sort_keys=True))
    (valid.folder / "run" / MANIFEST).write_text(as_json(tree))
    with pytest.raises(EfnasError, match="damaged"):
        read_manifest(valid.folder / "run")


SEALS = [{"state": []}, {"state": "null"}, {"generation": 1.5}, {"generation": "../x"}, {"generation": "\0"}, {"generation": "a" * 300}, {"sha256": "x"},
         {"sha256": {}}, {"state": DEEP}]  # fmt: skip


@pytest.mark.parametrize("change", SEALS, ids=repr)
def test_seal(valid, change):
    tree = sealed_anew({**valid.seal, **change}, "seal_sha256", partial(json.dumps, indent=1))
    (valid.folder / "run" / f"{BEST}{SEAL}").write_text(as_json(tree) + "\n")
    with pytest.raises(EfnasError, match="damaged"):
        read_seal(valid.folder / "run" / BEST)
    with pytest.raises(EfnasError, match="damaged"):
        read_whole(valid.folder / "run" / BEST)


@pytest.mark.parametrize("change", [
    {"zero_epe": float("inf")}, {"step": "7"}, {"step": 7.5}, {"step": -1}, {"step": True}, {"best": float("nan")}, {"zero_epe": None}, {"best": 10**400}, {"best": -float("inf")}, {"fairness_counts": "x"},
    {"histories": [1]}, {"histories": {"a.csv": ["1", "0"]}}, {"fairness_counts": [[1], [1, 2]]}, {"fairness_counts": [[10**400]]}, {"fairness_counts": []},
], ids=repr)  # fmt: skip
def test_where_a_run_stands(valid, change):
    state = {**valid.seal["state"], "best": 2.5, "zero_epe": 3.5, **change}
    with pytest.raises(EfnasError, match=f"{list(change)[0]} is "):
        RunProgress.of_state(state)
        histories_of(state)
    tree = sealed_anew({**valid.seal, "state": state}, "seal_sha256", partial(json.dumps, indent=1))
    (valid.folder / "run" / f"{LAST}{SEAL}").write_text(as_json(tree) + "\n")
    assert is_refused_in_a_sentence(*answer(["checkpoint", "show", valid.folder / "run"]))
    assert read_run(valid.folder / "run").state == (STOPPED if "histories" in change else DAMAGED)


def rewritten(valid, table, about):
    (valid.folder / "sweep" / TABLE).write_text(table)
    about = sealed_anew({**valid.about, **about}, "table_sha256", lambda _: table)
    (valid.folder / "sweep" / ABOUT).write_text(as_json(about))
    return valid.folder / "sweep"


@pytest.mark.parametrize("old, new", [
    ("arch", "ar\0ch"), ("7x7", "x" * 140_000), (",1.5,", ",nan,"), (",1.5,", ",inf,"), (",1.5,", ",-1.5,"), (",1.5,", ",,"), (",100000,", ",1" + "0" * 400 + ","),
    ("compiled", "guessed"), (",yes,", ",maybe,"), ("0,0,0,0", "0,0,9,0"), (",2.5,,\n", ",2.5,\n"), (",2.5,,\n", ",2.5,,,9\n"),
])  # fmt: skip
def test_table(valid, old, new):
    assert old in valid.table
    with pytest.raises(EfnasError, match="it is damaged"):
        read_table(rewritten(valid, valid.table.replace(old, new, 1), {}))


@pytest.mark.parametrize("about, said", [
    ({"title": DEEP}, "it is damaged"), ({"space": [["a"], 1]}, "another search space"), ({"space": [{}]}, "another search space"),
])  # fmt: skip
def test_what_a_table_is(valid, about, said):
    with pytest.raises(EfnasError, match=said):
        read_table(rewritten(valid, valid.table, about))


def test_a_table_without_the_subnet_asked_for(valid):
    with pytest.raises(EfnasError, match="no row of 0,0,0,0,0,1,0,0,0"):
        read_table(valid.folder / "sweep").row(SUPERNETS["edgeflow-bilinear"].space.parse(CODE))


def test_a_description_nested_too_deeply_describes_nothing(tmp_path):
    (tmp_path / "net.tflite.json").write_text("[" * 5000)
    assert not is_described(tmp_path / "net.tflite", b"")


def test_a_folder_with_brackets_in_its_name_is_shown_as_it_is(valid):
    place = {**valid.manifest["place"], "data.base_path": "/data/[/old]/[red]x"}
    tree = sealed_anew({**valid.manifest, "place": place}, "sha256", partial(json.dumps, sort_keys=True))
    (valid.folder / "run" / MANIFEST).write_text(as_json(tree))
    code, out, _ = answer(["manifest", "show", valid.folder / "run"])
    assert code == 0 and "/data/[/old]/[red]x" in out
