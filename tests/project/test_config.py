"""The configuration: what a file may hold, what wins, and what a wrong key gets."""

import os

import pytest
import yaml
from conftest import PROJECT
from hypothesis import given
from hypothesis import strategies as st

from efnas.config import Config, all_keys, as_tree
from efnas.config_files import load_config
from efnas.errors import EfnasError
from efnas.runs.manifest import SERIES, build_manifest


def write(tmp_path, text):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    return path


def test_the_order_is_defaults_file_options_set(tmp_path):
    path = write(tmp_path, "train:\n  lr: 0.1\n  batch_size: 4\n  num_epochs: 3\n")
    config = load_config(path, {"train.lr": 0.2, "train.batch_size": 5, "runtime.seed": None}, ["train.lr=0.3"])
    assert (config.train.lr, config.train.batch_size, config.train.num_epochs) == (0.3, 5, 3)
    assert config.runtime.seed == 42


@pytest.mark.parametrize("file", sorted((PROJECT / "configs").glob("*.yaml")), ids=lambda path: path.name)
def test_the_configurations_of_the_project_validate_and_hold_only_what_differs(file):
    config = load_config(file)
    defaults = as_tree(Config())
    for section, values in yaml.safe_load(file.read_text()).items():
        for key, value in values.items():
            assert defaults[section][key] != value, f"{section}.{key} is the default"
    assert as_tree(config) != defaults


def test_the_full_training_is_the_known_one():
    config = load_config(PROJECT / "configs" / "supernet_fc2_180x240.yaml")
    train, evaluation = config.train, config.eval
    assert (train.num_epochs, train.batch_size, train.lr, train.lr_schedule) == (200, 32, 1e-4, "cosine")
    assert (train.weight_decay, train.grad_clip_global_norm, config.runtime.seed) == (4e-5, 5.0, 42)
    assert (train.epoch_mode, train.train_sampling_mode) == ("full_pass", "shuffle_no_replacement")
    assert (evaluation.eval_pool_size, evaluation.bn_recal_batches, evaluation.eval_batches_per_arch) == (12, 32, 16)
    assert (evaluation.early_stop_patience, evaluation.early_stop_min_delta) == (15, 0.002)
    assert (config.data.input_height, config.data.input_width) == (180, 240)


@pytest.mark.parametrize("assignment, message", [
    ("train.lrr=1", "Unknown configuration key 'train.lrr'; did you mean 'train.lr'?"),
    ("train.learning_rate=1", "Unknown configuration key 'train.learning_rate'"),
    ("trian.lr=1", "did you mean 'train'"), ("lr=1", "did you mean 'train.lr'"),
    ("data.synthetic.mtion=1", "did you mean 'data.synthetic.motion'"),
    ("data.augmentation.scle=1", "did you mean 'data.augmentation.scale'"), ("data.augmentation.rotation=-1", "greater than or equal to 0"),
    ("data.augmentation.horizontal_flip=1.5", "less than or equal to 1"), ("data.augmentation.blur=2", "less than or equal to 1.25"),
    ("train.lr=-1", "greater than 0"), ("train.lr=abc", "must be a number"), ("train.lr=.nan", "finite"),
    ("train.lr=.inf", "finite"), ("train.lr=", "valid number"), ("train.batch_size=0", "greater than or equal to 1"),
    ("train.batch_size=2.5", "integer"), ("train.num_epochs=0", "greater than or equal to 1"),
    ("train.lr_schedule=cosin", "'cosine', 'constant' or 'step'"),
    ("train.epoch_mode=fixed_steps", "go together"), ("train.steps_per_epoch=5", "go together"),
    ("train.epoch_mode=by_samples", "go together"),
    ("data.input_height=0", "greater than or equal to 16"),
    ("eval.eval_batches_per_arch=some", "or all"), ("eval.eval_batches_per_arch=0", "from 1"),
    ("eval.best_metric=max", "'mean'"), ("runtime.seed=-1", "greater than or equal to 0"),
    ("runtime.gpu_device=-2", "greater than or equal to -1"), ("runtime.experiment_name=../x", "must begin with a letter or a digit"),
    ("runtime.experiment_name=", "valid string"), ("data.dataset=synthetic", "go together"),
    ("data.synthetic={}", "go together"), ("train=5", "train"), ("train.lr", "section.key=value"),
    ("=5", "section.key=value"), ("train.lr=[", "cannot be read"), ("train.lr=true", "must be a number"),
    ("train.lr='3'", "must be a number"), ("train.lr=2020-13-45", "must be a number"), ("train.lr=1:30", "must be a number"),
    ("train.num_epochs=" + "9" * 5000, "cannot be read"), ("train.lr=" + "[" * 5000, "cannot be read"),
    ("train={lr: 1, lr: 2}", "cannot be read"), ('data.base_path=""', "must not be empty"), ('data.base_path="a\\0b"', "NUL character"), ("eval.full_every=no", "must be a number"),
])  # fmt: skip
def test_a_wrong_setting_gets_one_sentence(assignment, message):
    with pytest.raises(EfnasError) as error:
        load_config(assignments=[assignment])
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text, message", [
    ("train: [1, 2]\n", "train"), ("- a\n- b\n", "not a configuration"), ("train:\n  lr: {\n", "not valid YAML"),
    ("train:\n\tlr: 1\n", "not valid YAML"), ("train:\n  lr: 1\n  lr: 2\n", "has the key 'lr' twice (line 3)"),
    ("a: " + "[" * 5000, "nested too deeply"), ("train: {num_epochs: " + "9" * 5000 + "}", "a number too long (line 1)"), ("just text\n", "not a configuration"), ("train:\n  lrate: 1\n", "c.yaml"),
])  # fmt: skip
def test_a_wrong_file_gets_one_sentence_that_names_it(tmp_path, text, message):
    with pytest.raises(EfnasError) as error:
        load_config(write(tmp_path, text))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_or_a_folder_is_named(tmp_path):
    with pytest.raises(EfnasError, match="no configuration file"):
        load_config(tmp_path / "nothing.yaml")
    with pytest.raises(EfnasError, match="Cannot read"):
        load_config(tmp_path)


@pytest.mark.parametrize("text", ["network:\n  base_width: 8\n", "train:\n  base_width: 8\n"])
def test_the_width_is_read_by_its_name_of_today_and_of_before(tmp_path, text):
    assert load_config(write(tmp_path, text)).network.base_width == 8
    assert load_config(write(tmp_path, text), assignments=["train.base_width=6"]).network.base_width == 6


def test_a_null_that_stands_for_a_file_is_no_default():
    assert load_config(base={"data.flow_clip": None, "train.lr": 0.5}).data.flow_clip is None
    assert load_config(options={"data.flow_clip": None}).data.flow_clip == 50.0


def test_values_are_read_as_they_are_written(tmp_path, monkeypatch):
    """As YAML 1.2 does: no octal and no sexagesimal numbers, no dates; ~ is the home folder, a byte order mark nothing."""
    monkeypatch.setenv("HOME", "/home/me")
    path = write(tmp_path, "\ufefftrain: {num_epochs: 010, lr: .5e-2}\ndata: {base_path: ~/chairs}\n")
    config = load_config(path)
    assert (config.train.num_epochs, config.train.lr, str(config.data.base_path)) == (10, 0.005, "/home/me/chairs")
    assert load_config(assignments=["train.lr=1"]).train.lr == 1.0


def test_a_section_without_keys_has_its_defaults_and_a_wrong_option_is_not_blamed_on_the_file(tmp_path):
    path = write(tmp_path, "train:\neval:\n  full_every: -1\n")
    with pytest.raises(EfnasError, match="Configuration in .*c.yaml: eval.full_every"):
        load_config(path)
    with pytest.raises(EfnasError, match="Configuration: eval.full_every"):
        load_config(path, assignments=["eval.full_every=-2"])
    assert load_config(path, assignments=["eval.full_every=1"]).train == Config().train


def test_what_is_no_text_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(EfnasError, match="it is no file"):
        load_config(tmp_path / "pipe.yaml")
    (tmp_path / "wide.yaml").write_bytes("train: {lr: 1}".encode("utf-16"))
    with pytest.raises(EfnasError, match="not text in UTF-8"):
        load_config(tmp_path / "wide.yaml")


def test_an_empty_file_means_the_defaults(tmp_path):
    assert load_config(write(tmp_path, "")) == Config()


@given(st.text(max_size=30), st.text(max_size=10))
def test_any_assignment_is_a_configuration_or_an_error_of_ours(key, value):
    try:
        load_config(assignments=[f"{key}={value}"])
    except EfnasError as error:
        assert str(error)


def test_every_key_belongs_to_one_group_of_the_manifest():
    later = [
        "data.val_holdout=4",
        "data.geometry=whole",
        "data.augmentation={}",
        "train.arch=baseline",
        "train.first_values=independent",
        "train.lane_batches=different",
        "train.precision=mixed",
        "train.xla=true",
    ]
    config = load_config(assignments=["data.dataset=synthetic", "data.synthetic={natural: {}}", *later])
    about = {"base_width": 32}, {"train": {"samples": 3}}, {"train.step": "x", SERIES: "2.15"}, "CPU", {"onednn": True}
    manifest = build_manifest(config.changed("runtime", convolution_gradients="own"), *about)
    groups = [set(manifest[name]) for name in ("identity", "tuning", "place")]
    assert not groups[0] & groups[1] and not groups[0] & groups[2] and not groups[1] & groups[2]
    assert set(all_keys()) - {"data.synthetic", "data.synthetic.natural", "data.augmentation"} <= set.union(*groups)
    assert {"train.lr", "train.batch_size", "runtime.seed", "data.input_height", "network.base_width",
            "data.train.samples", "train.step", SERIES} <= groups[0]  # fmt: skip
    assert {"eval.bn_recal_batches", "checkpoint.every_minutes", "computing.onednn", "train.xla"} <= groups[1]
    assert {"data.base_path", "runtime.gpu_device", "host"} <= groups[2]
