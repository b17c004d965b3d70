"""Whatever bytes are in a file, the program takes them or refuses them in a sentence, and leaves the file as it is.

EFNAS_FUZZ=N tries N examples of each kind, new ones each time; without it the same few are tried.
"""

import json
import math
import os
import signal
from contextlib import contextmanager
from functools import partial

import numpy as np
import pytest
from command import answer, is_refused_in_a_sentence
from damaged_files import config_files, description_files, flow_files, image_files, list_files, run_files, table_files
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutations import WORDS, damaged
from valid_files import CODE, HEIGHT, WIDTH, make_valid_files

from efnas.config import all_keys, as_tree
from efnas.config_files import load_config
from efnas.cost.table import FIGURES, read_table, select_rows
from efnas.data.flow_files import UNKNOWN, read_flo
from efnas.data.flying_chairs import index_list
from efnas.data.images import TRAINABLE, read_image
from efnas.dotted import dotted
from efnas.errors import EfnasError
from efnas.evaluation.frames import read_truth
from efnas.export.flow import file_flow, is_described
from efnas.runs.listing import read_run
from efnas.runs.manifest import MANIFEST, config_values, differences, identity_sha256, manifest_of_config, read_manifest
from efnas.runs.run_files import BEST
from efnas.runs.seal import SEAL, read_whole

EXAMPLES = int(os.environ.get("EFNAS_FUZZ", 0))
HANGS = 60  # seconds after which an example that is still under way never ends


def fuzzed(share: float, few: int):
    """The settings of a test that takes `share` of the examples asked for, or `few`."""
    return settings(max_examples=max(1, int(EXAMPLES * share)) if EXAMPLES else few, derandomize=not EXAMPLES, database=None,
                    deadline=None, suppress_health_check=list(HealthCheck))  # fmt: skip


@pytest.fixture(scope="module")
def valid(tmp_path_factory):
    return make_valid_files(tmp_path_factory.mktemp("valid"))


@contextmanager
def ending():
    def stop(number, frame):
        raise AssertionError(f"still under way after {HANGS} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(HANGS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def finite(values) -> bool:
    return all(math.isfinite(value) for value in values if isinstance(value, (int, float)))


def taken(read):
    """What it reads; None where that is refused in a sentence."""
    with ending():
        try:
            return read()
        except EfnasError as error:
            assert str(error).endswith((".", "?")), str(error)
            return None


def check_config(config):
    tree = dict(dotted(as_tree(config)))
    assert finite(tree.values()) and finite(config.train.lr_step_at)
    for path in (config.data.base_path, config.data.base_path / config.data.train_dir, config.runtime.run_folder):
        os.path.isdir(path)  # a name that the system takes
    identity_sha256(manifest_of_config(config))


def read_config(valid, folder):
    config = load_config(folder / "file.yaml")
    check_config(config)


def read_flow(valid, folder):
    path = folder / "file.flo"
    truth = taken(partial(read_truth, path, HEIGHT, WIDTH))
    assert truth is None or np.isfinite(truth.flow[truth.known]).all()
    assert (np.abs(read_flo(path)) < UNKNOWN).all()


def read_frame(valid, folder):
    taken(partial(read_image, folder / "file.png", TRAINABLE))
    image = read_image(folder / "file.png")
    assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3


def read_list(valid, folder):
    found = index_list(folder / "list.txt", valid.folder / "chairs")
    assert len(found) and all(path.is_file() for sample in found.samples for path in sample[1:])
    found.fingerprint()


def read_run_files(valid, folder):
    manifest = taken(partial(read_manifest, folder))
    if manifest:
        differences(manifest, valid.manifest)
        taken(lambda: check_config(load_config(base=config_values(manifest))))
    run = read_run(folder)
    assert finite(value for value in run.as_dict().values())
    assert isinstance(read_whole(folder / BEST, {"base_width": 4}).data_sha256, str)


def read_costs(valid, folder):
    table = read_table(folder)
    assert finite(value for row in table.rows for value in row.as_dict().values())
    taken(lambda: table.row(table.space.parse(CODE)))
    for column in (*FIGURES, "fits", "known", "arch"):
        taken(lambda: select_rows(table, {"latency_ms": 9.0, "epe": 9.0}, 1.0, True, column, True))  # noqa: B023
        taken(lambda: select_rows(table, {}, 1.0, False, column, False))  # noqa: B023
    json.dumps(table.about["title"], allow_nan=False)


def read_description(valid, folder):
    assert is_described(folder / "net.tflite", b"no network") is False


KINDS = {
    "configuration": (config_files, read_config, [["manifest", "diff", "@run", "@/file.yaml"], ["sample-check", "--cycles", 2, "--config", "@/file.yaml"]]),
    "flow": (flow_files, read_flow, [["infer", "@image", "@image", "--ground-truth", "@/file.flo", "--tflite", "@net"]]),
    "image": (image_files, read_frame, [["infer", "@/file.png", "@image", "--tflite", "@net"]]),
    "index list": (list_files, read_list, [["data", "check", "@chairs", "--list", "@/list.txt"]]),
    "run": (run_files, read_run_files, [["manifest", "show", "@"], ["manifest", "diff", "@", "@run"], ["checkpoint", "show", "@"], ["runs", "show", "@"],
                                        ["runs", "--output-root", "@/.."]]),
    "table": (table_files, read_costs, [["sweep", "query", "@"], ["sweep", "query", "@", "--min-fps", 1, "--fits", "--sort", "epe"],
                                        ["codec", "show", CODE, "--table", "@"]]),
    "description": (description_files, read_description, []),
}  # fmt: skip


@contextmanager
def written(valid, folder, files):
    """The files in a folder, beside those of a run that is whole; they are the same in the end."""
    whole = {path.name: path.read_bytes() for path in (valid.folder / "run").iterdir()}
    whole = {**whole, **files} if MANIFEST in files or f"{BEST}{SEAL}" in files else files
    folder.mkdir(exist_ok=True, parents=True)
    for path in folder.iterdir():
        path.unlink()
    for name, content in whole.items():
        (folder / name).write_bytes(content)
    yield
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == whole


@pytest.mark.parametrize("kind", KINDS)
@fuzzed(0.95, 120)
@given(data=st.data())
def test_a_reader_takes_a_file_or_refuses_it_in_a_sentence(valid, kind, data):
    files, read, _ = KINDS[kind]
    folder = valid.folder / "read" / "one"
    with written(valid, folder, data.draw(files(valid))):
        taken(partial(read, valid, folder))


@fuzzed(0.5, 60)
@given(
    key=st.sampled_from([*all_keys(), "train", "", ".", "a.b.c"]),
    value=st.text() | st.sampled_from([*WORDS, "? [a]", "!!bool x", "&a [*a]"]),
)
def test_an_assignment_is_taken_or_refused_in_a_sentence(key, value):
    taken(lambda: check_config(load_config(assignments=[f"{key}={value}"])))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if KINDS[kind][2]])
@fuzzed(0.05, 4)
@given(data=st.data())
def test_a_command_answers_or_refuses_in_a_sentence(valid, kind, data):
    files, _, commands = KINDS[kind]
    folder = valid.folder / "commands" / "one"
    with written(valid, folder, data.draw(files(valid))):
        for words in commands:
            command_ends_well(valid, folder, words)


def command_ends_well(valid, folder, words):
    """A command answers in JSON, or refuses in a sentence; a check that fails says so beside its answer."""
    places = {"@": folder, "@run": valid.folder / "run", "@chairs": valid.folder / "chairs", "@net": valid.folder / "net.tflite",
              "@image": valid.folder / "chairs" / "train" / "0000000-img_0.png"}  # fmt: skip
    words = [places.get(word, str(word).replace("@/", f"{folder}/")) for word in words]
    with ending():
        code, out, err = answer([*words, "--json"])
        plain = answer(words)
    assert plain[0] == code, plain
    if code == 2:
        assert is_refused_in_a_sentence(code, out, err) and is_refused_in_a_sentence(*plain), err + plain[2]
    else:
        assert code in (0, 1), err
        json.loads(out)


@fuzzed(0.65, 5)
@given(data=st.data())
def test_a_damaged_network_gives_a_flow_or_is_refused_in_a_sentence(valid, data):
    """Each example takes a process, which may die of it; this one may not."""
    folder = valid.folder / "network"
    images = np.linspace(-1, 1, HEIGHT * WIDTH * 6, dtype=np.float32).reshape(HEIGHT, WIDTH, 6)
    with written(valid, folder, {"net.tflite": data.draw(damaged(valid.network))}):
        flow = taken(lambda: file_flow(folder / "net.tflite")(images))
        assert flow is None or flow.shape == (HEIGHT, WIDTH, 2) and np.isfinite(flow).all()


@fuzzed(0.005, 2)
@given(data=st.data())
def test_the_command_outlives_its_damaged_network(valid, data):
    folder = valid.folder / "network"
    with written(valid, folder, {"net.tflite": data.draw(damaged(valid.network))}):
        command_ends_well(valid, folder, ["infer", "@image", "@image", "--tflite", "@/net.tflite"])
