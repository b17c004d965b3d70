"""What is damaged in a run is found before anything is written, and named; what is whole is offered."""

import pytest
from interruption import copied

from efnas.errors import EfnasError
from efnas.runs.history import EVALUATIONS, PER_ARCH
from efnas.runs.manifest import read_manifest
from efnas.runs.resume import Resume, check_resume
from efnas.runs.run_files import BEST


@pytest.fixture(scope="module")
def straight(quick_run):
    return quick_run[-1].folder


def flip(file):
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(bytes(raw))


def truncate(file):
    file.write_bytes(file.read_bytes()[:-3])


@pytest.mark.parametrize("damage", [flip, truncate])
@pytest.mark.parametrize("part", ["index", "data", "seal", "manifest", EVALUATIONS, PER_ARCH])
def test_damage_is_found_named_and_the_other_checkpoint_offered(straight, tmp_path, part, damage):
    folder = copied(straight, tmp_path) / "supernet"
    fresh = read_manifest(folder)
    files = {"index": "supernet_last.ckpt.*.index", "data": "supernet_last.ckpt.*.data*",
             "seal": "supernet_last.ckpt.json", "manifest": "train_manifest.json"}  # fmt: skip
    (file,) = folder.glob(files.get(part, part))
    damage(file)
    with pytest.raises(EfnasError) as caught:
        check_resume(folder, fresh, Resume())
    assert file.name in str(caught.value) and "damaged" in str(caught.value)
    try:
        other = check_resume(folder, fresh, Resume("best")).checkpoint.name
    except EfnasError:
        other = None
    # An older checkpoint needs less of a table; the manifest is needed by both.
    assert ("--resume-from best" in str(caught.value)) == (other == BEST)
    assert other == BEST or part not in ("index", "data", "seal")
