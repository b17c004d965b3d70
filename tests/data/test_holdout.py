"""A validation set that is held out of the training folder: which pairs, and that nothing else changes."""

import shutil

import numpy as np
import pytest

from efnas.config_files import load_config
from efnas.core.sampler import HOLDOUT, counter_stream
from efnas.data.flying_chairs import index_folder, planned_folder
from efnas.data.holdout import held_out
from efnas.data.sources import open_datasets, planned_datasets, trained_on
from efnas.errors import EfnasError


def names_of(dataset):
    return [sample.name for sample in dataset.samples]


def sets_of(base, *more, **options):
    return open_datasets(load_config(assignments=[f"data.base_path={base}", *more]).data, **options)


def listed(chairs, names):
    """A list of the training pairs by other names: one of three paths each."""
    lines = (f"{name} train/{number:07}-img_1.png train/{number:07}-flow_01.flo" for number, name in enumerate(names))
    (chairs / "list.txt").write_text("\n".join(lines))
    return "data.train_list=list.txt"


@pytest.fixture
def chairs(small_chairs, tmp_path):
    return shutil.copytree(small_chairs, tmp_path / "chairs")


@pytest.mark.parametrize("count", [1, 5, 11])
def test_every_pair_is_in_exactly_one_set_and_both_keep_the_order_of_the_folder(small_chairs, count):
    whole, sets = index_folder(small_chairs / "train"), sets_of(small_chairs, f"data.val_holdout={count}")
    assert (len(sets.train), len(sets.val)) == (12 - count, count)
    assert sorted(sets.train.samples + sets.val.samples) == list(whole.samples)
    assert names_of(sets.train) == sorted(names_of(sets.train)) and names_of(sets.val) == sorted(names_of(sets.val))
    assert sets.shared() == 0 and sets.doubt() is None


def test_the_pairs_are_those_with_the_least_numbers_of_a_counter(tmp_path):
    """Against a plain sort; the seed is that of no run, so the split of a folder is the same for all of them."""
    whole = planned_folder(tmp_path, range(1000))
    numbers = counter_stream(0, HOLDOUT, 0).random_raw(1000).tolist()
    least = sorted(range(1000), key=lambda place: numbers[place])[:64]
    assert names_of(held_out(whole, 64)[1]) == [f"{place:07}" for place in sorted(least)]
    assert set(names_of(held_out(whole, 32)[1])) < set(names_of(held_out(whole, 64)[1]))
    quarters = np.histogram(least, bins=4, range=(0, 1000))[0]
    assert quarters.min() >= 8  # of 16 on average: from all of the folder, not from one end


def test_neither_the_seed_of_a_run_nor_the_place_of_the_folder_changes_the_split(small_chairs, chairs):
    one = sets_of(small_chairs, "data.val_holdout=4").fingerprints()
    assert sets_of(chairs, "data.val_holdout=4", "runtime.seed=7").fingerprints() == one
    for other in ("data.val_holdout=5", "data.val_holdout=null"):
        changed = sets_of(small_chairs, other).fingerprints()
        assert changed["train"] != one["train"] and changed["val"] != one["val"]


def test_the_official_validation_set_is_not_looked_at(chairs):
    shutil.rmtree(chairs / "val")
    assert len(sets_of(chairs, "data.val_holdout=4").val) == 4
    with pytest.raises(EfnasError, match="no folder .*val"):
        sets_of(chairs)


def test_frames_of_one_scene_stay_together(chairs):
    names = [f"train/../{scene}/../train/{frame:07}-img_0.png" for frame, scene in enumerate("aaaabbbccdde")]
    for scene in "abcde":
        (chairs / scene).mkdir()
    sets = sets_of(chairs, listed(chairs, names), "data.val_holdout=5")
    of = [{name.split("/")[2] for name in names_of(each)} for each in sets]
    assert of[0].isdisjoint(of[1]) and of[0] | of[1] == set("abcde")
    assert len(sets.val) in (4, 5)  # 3 and 1 leave no room for another two


@pytest.mark.parametrize("count", [12, 13, 10**9])
def test_a_set_that_leaves_nothing_to_train_on_is_one_sentence(small_chairs, count):
    with pytest.raises(EfnasError, match=f"takes {count:,} of the 12 pairs of .*train: none is left to train on"):
        sets_of(small_chairs, f"data.val_holdout={count}")


def test_scenes_that_are_all_too_large_are_one_sentence(chairs):
    names = [f"{'train/../train' if frame < 6 else 'train'}/{frame:07}-img_0.png" for frame in range(12)]
    with pytest.raises(EfnasError, match="whole scenes are held out, and none is so small"):
        sets_of(chairs, listed(chairs, names), "data.val_holdout=5")
    assert len(sets_of(chairs, "data.val_holdout=6").val) == 6


def test_a_synthetic_set_is_parted_as_planned_before_it_is_written(tmp_path):
    synthetic = ["data.dataset=synthetic", "data.synthetic.height=24", "data.synthetic.width=32",
                 "data.synthetic.train_pairs=5", "data.synthetic.val_pairs=1", "data.val_holdout=2"]  # fmt: skip
    planned = sets_of(tmp_path / "made", *synthetic, write=False)
    assert not (tmp_path / "made").exists() and (len(planned.train), len(planned.val)) == (3, 2)
    written = sets_of(tmp_path / "made", *synthetic)
    assert written.fingerprints() == planned.fingerprints() and written.train.samples == planned.train.samples
    data = load_config(assignments=[f"data.base_path={tmp_path / 'made'}", *synthetic]).data
    assert planned_datasets(data).val.samples == written.val.samples


def test_what_a_run_was_trained_on_is_found_again_by_what_it_held_out(small_chairs, chairs):
    data = load_config(assignments=[f"data.base_path={small_chairs}"]).data
    own = sets_of(small_chairs, "data.val_holdout=4").train
    assert trained_on(data, 4, own.fingerprint()).samples == own.samples
    assert trained_on(data, 5, own.fingerprint()) is None
    for file in (chairs / "train").glob("0000003-*"):  # another data set
        file.unlink()
    assert trained_on(load_config(assignments=[f"data.base_path={chairs}"]).data, 4, own.fingerprint()) is None


def test_validation_pairs_that_are_training_pairs_are_counted_by_their_files(chairs):
    assert sets_of(chairs).shared() == 0
    same = sets_of(chairs, "data.val_dir=train")
    assert same.shared() == 12 and same.doubt().startswith("12 of the 12 validation pairs are training pairs too")
    (chairs / "list.txt").write_text("./train/0000003\nval/../train/0000005\nval/0000013\n")
    assert sets_of(chairs, "data.val_list=list.txt").shared() == 2
