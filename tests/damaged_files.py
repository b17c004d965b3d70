"""What the fuzzer puts in place of the files of each kind: contents by the name of the file."""

import json
from functools import partial

from hypothesis import strategies as st
from mutations import NUMBERS, WORDS, as_json, changed, changed_png, damaged
from valid_files import sealed_anew

from efnas.config import all_keys, as_tree
from efnas.config_files import load_config
from efnas.cost.table import ABOUT, TABLE
from efnas.runs.manifest import MANIFEST
from efnas.runs.run_files import BEST, LAST
from efnas.runs.seal import SEAL


def config_files(valid):
    texts = list(valid.configs) + [json.dumps(as_tree(load_config())).encode()]
    trees = changed(as_tree(load_config())).map(lambda tree: as_json(tree).encode("utf-8", "surrogatepass"))
    words = st.sampled_from(
        [
            *all_keys(),
            *"{}[],:?-&*!|>%@`#",
            "&a",
            "*a",
            "<<",
            "!!bool",
            "!!map",
            "!!set",
            "!!timestamp",
            "!!binary",
            "---",
            *WORDS[:20],
        ]
    )
    yaml = st.lists(words | st.sampled_from(NUMBERS).map(str), max_size=9).flatmap(
        lambda parts: st.sampled_from(["", " ", "\n", ": "]).map(lambda glue: glue.join(parts).encode("utf-8", "replace")))  # fmt: skip
    contents = st.sampled_from(texts).flatmap(damaged) | trees | yaml | st.text().map(str.encode)
    return contents.map(lambda content: {"file.yaml": content})


def flow_files(valid):
    return (damaged(valid.flow) | st.binary(max_size=40)).map(lambda content: {"file.flo": content})


def image_files(valid):
    one = st.sampled_from(valid.images)
    contents = one.flatmap(changed_png) | one.flatmap(changed_png) | one.flatmap(damaged) | st.binary(max_size=40)
    return contents.map(lambda content: {"file.png": content})


def list_files(valid):
    lines = st.lists(
        st.sampled_from([*WORDS, "train/0000001", "train", "0000001", "#", " "]) | st.text(max_size=9), max_size=6
    )
    contents = st.sampled_from(valid.lists).flatmap(damaged) | lines.map(
        lambda words: "\n".join(words).encode("utf-8", "surrogatepass")
    )
    return contents.map(lambda content: {"list.txt": content})


def run_files(valid):
    manifest = changed(valid.manifest).map(
        lambda tree: as_json(sealed_anew(tree, "sha256", partial(json.dumps, sort_keys=True)))
    )
    seal = changed(valid.seal).map(
        lambda tree: as_json(sealed_anew(tree, "seal_sha256", partial(json.dumps, indent=1))) + "\n"
    )
    manifests = manifest.map(str.encode) | damaged(as_json(valid.manifest).encode(), 2)
    seals = seal.map(str.encode) | damaged((valid.folder / "run" / f"{BEST}{SEAL}").read_bytes(), 2)
    best = seals.map(lambda content: {f"{BEST}{SEAL}": content, f"{LAST}{SEAL}": content})
    return manifests.map(lambda content: {MANIFEST: content}) | best


def table_files(valid):
    word = st.sampled_from([*map(str, NUMBERS), "", "yes", "compiled", "derived", "failed"]) | st.sampled_from(
        [*WORDS, '"']
    )

    @st.composite
    def cells(draw):
        rows = [line.split(",") for line in valid.table.splitlines()]
        for _ in range(draw(st.integers(1, 3))):
            row = draw(st.sampled_from(rows))
            row[draw(st.integers(0, len(row) - 1))] = draw(word)
        return "\n".join(map(",".join, rows)).encode("utf-8", "replace") + b"\n"

    whole = valid.table.encode()

    def files(table, about=valid.about):
        about = sealed_anew(about, "table_sha256", lambda _: table.decode("utf-8", "replace"))
        return {TABLE: table, ABOUT: as_json(about).encode()}

    tables, abouts = cells() | damaged(whole, 2), changed(valid.about)
    torn = damaged(as_json(valid.about).encode(), 1).map(lambda content: {**files(whole), ABOUT: content})
    return tables.map(files) | abouts.map(lambda about: files(whole, about)) | torn


def description_files(valid):
    contents = (changed({"sha256": "0" * 64}).map(lambda tree: as_json(tree).encode()) | st.binary(max_size=9)
                | damaged(b'{"sha256": "0"}'))  # fmt: skip
    return contents.map(lambda content: {"net.tflite": b"no network", "net.tflite.json": content})
