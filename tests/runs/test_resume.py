"""Resume: an interrupted run is worth exactly as much as an uninterrupted one, and nothing else is continued."""

import json
import signal
import subprocess
import sys
import textwrap

import pytest
from conftest import PROJECT, events_of
from interruption import StopAt, config_of, contents, copied, stopped
from small_supernet import SPACE

from efnas.errors import EfnasError
from efnas.runs.history import EVALUATIONS, PER_ARCH
from efnas.runs.manifest import (
    GROUPS,
    differences,
    identity_sha256,
    load_run_config,
    read_manifest,
    write_manifest,
)
from efnas.runs.resume import NotTheSameRun, Resume, check_resume
from efnas.runs.run_files import BEST, LAST
from efnas.runs.seal import read_seal, read_whole, write_seal
from efnas.training.events import Began, Saved, Stepped, Stopped
from efnas.training.fair_step import FairStep
from efnas.training.plan import prepare

EPOCHS, STEPS_PER_EPOCH = 4, 3


@pytest.fixture(scope="module")
def settings(quick_settings, second_space):
    return quick_settings


@pytest.fixture(scope="module")
def straight(quick_run):
    """The folder of a run that was never stopped."""
    return quick_run[-1].folder


@pytest.fixture(scope="module")
def interrupted(settings, tmp_path_factory):
    """A run that was stopped in the middle of the second epoch."""
    config = config_of(settings, tmp_path_factory.mktemp("interrupted"))
    state = stopped(config, step=STEPS_PER_EPOCH + 1)
    assert STEPS_PER_EPOCH < state["step"] < 2 * STEPS_PER_EPOCH
    return config.runtime.run_folder


class TestAnInterruptedRunEqualsAnUninterruptedOne:
    def test_stopped_in_the_middle_of_an_epoch(self, straight, interrupted, settings, tmp_path):
        root = copied(interrupted, tmp_path)
        outcome = events_of(config_of(settings, root), Resume())[-1]
        assert outcome.steps == EPOCHS * STEPS_PER_EPOCH
        assert contents(outcome.folder) == contents(straight)
        assert (outcome.folder / "supernet_training_report.md").read_text() == (
            straight / "supernet_training_report.md"
        ).read_text()

    def test_stopped_again_in_an_evaluation(self, straight, interrupted, settings, tmp_path):
        config = config_of(settings, copied(interrupted, tmp_path))
        state = stopped(config, evaluation=2, number=signal.SIGUSR1)
        assert (state["step"], state["epochs_done"]) == (2 * STEPS_PER_EPOCH, 1)
        assert len((config.runtime.run_folder / EVALUATIONS).read_text().splitlines()) == 2
        assert contents(events_of(config, Resume())[-1].folder) == contents(straight)

    def test_a_stop_at_the_end_of_an_epoch_does_not_begin_its_evaluation(self, straight, settings, tmp_path):
        config, stop = config_of(settings, tmp_path), StopAt(step=STEPS_PER_EPOCH)
        events = events_of(config, stop_wanted=stop.wanted, watch=stop.watch)
        assert [type(event) for event in events[-3:]] == [Stepped, Saved, Stopped]
        assert contents(events_of(config, Resume())[-1].folder) == contents(straight)

    def test_asked_to_stop_while_the_graph_is_built_it_does_not_take_the_first_step(self, straight, settings, tmp_path):
        config = config_of(settings, tmp_path)
        events = events_of(config, stop_wanted=lambda: signal.SIGTERM)
        assert [type(event) for event in events] == [Began, Saved, Stopped] and events[-1].step == 0
        assert contents(events_of(config, Resume())[-1].folder) == contents(straight)

    def test_killed(self, straight, interrupted, settings, tmp_path):
        """kill -9 in the third epoch, a step after the last of the checkpoints that are saved by the clock."""
        root = copied(interrupted, tmp_path)
        program = textwrap.dedent(f"""
            import sys
            sys.path.insert(0, {str(PROJECT / "tests")!r})
            import conftest
            conftest.use_plain_graphs()  # as in this process: the last bits depend on it
            from efnas.core import supernet
            from small_supernet import SMALL
            supernet.SUPERNETS[SMALL.name] = SMALL
            from interruption import Resume, config_of, kill_self_at
            config = config_of({settings!r}, {str(root)!r}, "checkpoint.every_minutes=1e-9")
            conftest.events_of(config, Resume(), watch=kill_self_at({3 * STEPS_PER_EPOCH - 1}))
        """)
        done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == -signal.SIGKILL, done.stdout.decode()
        assert read_whole(root / "supernet" / LAST).state["step"] == 3 * STEPS_PER_EPOCH - 2
        with open(root / "supernet" / EVALUATIONS, "a") as file:
            file.write("a row that was never finis")
        assert contents(events_of(config_of(settings, root), Resume())[-1].folder) == contents(straight)

    def test_control_a_replayed_sampler_shows(self, straight, interrupted, settings, tmp_path, monkeypatch):
        """Without this the tests above could pass on files that depend on nothing."""
        honest, first = FairStep.draw, STEPS_PER_EPOCH + 1
        monkeypatch.setattr(FairStep, "draw", lambda self, step: honest(self, step - first))
        folder = events_of(config_of(settings, copied(interrupted, tmp_path)), Resume())[-1].folder
        found, wanted = contents(folder), contents(straight)
        assert found[LAST][1] != wanted[LAST][1] and found[PER_ARCH] != wanted[PER_ARCH]


class TestWhatIsContinued:
    def fresh(self, folder):
        return read_manifest(folder)

    def test_a_finished_run_says_so(self, straight, settings):
        before = contents(straight)
        (outcome,) = events_of(config_of(settings, straight.parent), Resume())
        assert (outcome.steps, outcome.seconds) == (EPOCHS * STEPS_PER_EPOCH, 0.0)
        assert contents(straight) == before

    def test_nothing_to_resume_is_an_error(self, settings, tmp_path):
        with pytest.raises(EfnasError, match="no manifest"):
            events_of(config_of(settings, tmp_path), Resume())
        folder = tmp_path / "supernet"
        folder.mkdir(exist_ok=True)
        write_manifest(folder, prepare(config_of(settings, tmp_path)).manifest)
        with pytest.raises(EfnasError, match="no checkpoint: .* --overwrite begins it anew"):
            check_resume(folder, self.fresh(folder), Resume())

    def test_every_identity_key_blocks_every_tuning_key_is_shown_and_no_place_key_counts(self, straight):
        stored = read_manifest(straight)
        assert min(len(stored[group]) for group in GROUPS) >= 8
        for group in GROUPS:
            for key, value in stored[group].items():
                fresh = json.loads(json.dumps(stored))
                fresh[group][key] = "another" if value != "another" else "yet another"
                assert [(each.group, each.key) for each in differences(stored, fresh)] == [(group, key)]
                if group != "identity":
                    found = check_resume(straight, fresh, Resume()).found
                    assert [each.key for each in found] == [key]
                    continue
                with pytest.raises(NotTheSameRun, match="schedule|" + key.replace(".", r"\.")) as caught:
                    check_resume(straight, fresh, Resume())
                assert [each.key for each in caught.value.found] == [key]
                extend = Resume(allow=[key], schedule="extend")
                history = check_resume(straight, fresh, extend).manifest["history"]
                assert history[-1]["changed"] == {key: [value, fresh[group][key]]}

    def test_only_the_key_that_is_named_is_let_through(self, straight):
        fresh = json.loads(json.dumps(read_manifest(straight)))
        fresh["identity"].update({"train.lr": 1.0, "train.batch_size": 1})
        with pytest.raises(NotTheSameRun, match="train.batch_size differs"):
            check_resume(straight, fresh, Resume(allow=["train.lr"]))
        with pytest.raises(EfnasError, match="no identity key"):
            check_resume(straight, fresh, Resume(allow=["train.lr", "train.batch_size", "eval.full_every"]))

    def test_the_keys_of_a_section_in_a_section_are_let_through_together(self, straight):
        fresh = json.loads(json.dumps(read_manifest(straight)))
        fresh["identity"].update({"data.augmentation.noise": 2.0, "data.augmentation.blur": 0.5})
        found = check_resume(straight, fresh, Resume(allow=["data.augmentation"])).found
        assert {each.key for each in found} == {"data.augmentation.noise", "data.augmentation.blur"}
        with pytest.raises(NotTheSameRun, match="data.augmentation.blur differs"):
            check_resume(straight, fresh, Resume(allow=["data.augmentation.noise"]))
        with pytest.raises(EfnasError, match="no identity key"):
            check_resume(straight, fresh, Resume(allow=["data"]))

    def test_more_epochs_ask_what_to_do_with_the_schedule(self, straight, settings, tmp_path):
        root = copied(straight, tmp_path)
        longer = config_of(settings, root, f"train.num_epochs={EPOCHS + 1}")
        with pytest.raises(NotTheSameRun, match="--extend-schedule"):
            check_resume(root / "supernet", prepare(longer).manifest, Resume())
        keep = Resume(schedule="keep")
        kept = prepare(longer, keep)
        assert kept.config.train.schedule_epochs == EPOCHS
        found = check_resume(root / "supernet", kept.manifest, keep)
        assert found.manifest["history"][0]["schedule"] == "keep"
        outcome = events_of(longer, Resume(schedule="extend"))[-1]
        assert outcome.steps == (EPOCHS + 1) * STEPS_PER_EPOCH
        (entry,) = read_manifest(outcome.folder)["history"]
        assert entry["changed"] == {"train.num_epochs": [EPOCHS, EPOCHS + 1]}
        assert events_of(longer, Resume())[-1].seconds == 0.0

    def test_a_null_of_the_run_stays_null_when_it_is_read_again(self, settings, tmp_path):
        """Its default is not null: a resume without --config must not train on with that."""
        config = config_of(settings, tmp_path, "data.flow_clip=null", "train.num_epochs=2")
        stopped(config, step=1)
        again = load_run_config(None, {"runtime.output_root": tmp_path})
        assert again.data.flow_clip is None and again == config
        assert events_of(again, Resume())[-1].steps == 2 * STEPS_PER_EPOCH

    def test_an_option_is_read_beside_what_the_run_was_trained_with(self, settings, tmp_path):
        """Alone it would contradict the defaults."""
        config = config_of(settings, tmp_path, "train.epoch_mode=fixed_steps", "train.steps_per_epoch=3")
        stopped(config, step=1)
        again = load_run_config(None, {"runtime.output_root": tmp_path}, ["train.steps_per_epoch=2"])
        assert (again.train.epoch_mode, again.train.steps_per_epoch) == ("fixed_steps", 2)

    def test_a_run_of_the_time_before_the_network_had_a_section_goes_on(
        self, interrupted, straight, settings, tmp_path
    ):
        folder = copied(interrupted, tmp_path) / "supernet"
        as_it_was_written(folder)
        assert read_manifest(folder)["identity"]["network.name"] == SPACE.name
        again = load_run_config(None, {"runtime.output_root": tmp_path})
        assert again.network.base_width == 4
        assert contents(events_of(again, Resume())[-1].folder) == contents(straight)
        assert events_of(again, Resume())[-1].seconds == 0.0
        with pytest.raises(NotTheSameRun, match="network.base_width"):
            prepared = prepare(config_of(settings, tmp_path, "network.base_width=6"))
            check_resume(folder, prepared.manifest, Resume())

    def test_a_checkpoint_of_another_run_is_refused(self, straight, tmp_path):
        root = copied(straight, tmp_path)
        manifest = read_manifest(root / "supernet")
        manifest["identity"]["runtime.seed"] = 7
        write_manifest(root / "supernet", manifest)
        assert identity_sha256(manifest) != identity_sha256(read_manifest(straight))
        with pytest.raises(EfnasError, match="of another run than the manifest"):
            check_resume(root / "supernet", manifest, Resume())


def as_it_was_written(folder):
    """Turn the run in a folder into one with a manifest of format 2, and checkpoints that name its identity."""
    manifest = read_manifest(folder)
    identity = {key: value for key, value in manifest["identity"].items() if key != "network.name"}
    identity["train.base_width"] = identity["network.base_width"]
    place = {key: value for key, value in manifest["place"].items() if key != "train.init_from"}
    old = {**manifest, "format": 2, "identity": identity, "place": place}
    write_manifest(folder, old)
    for name in (BEST, LAST):
        seal = read_seal(folder / name)
        state = {**seal.state, "identity_sha256": identity_sha256(old)}
        write_seal(folder / name, state, seal.prefix.name.rsplit(".", 1)[1], seal.sha256)
