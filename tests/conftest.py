"""What the tests share: a small synthetic data set, a small configuration, and the real data where it is at hand."""

import os
import tempfile
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
# As a user's: with it what C code prints is not held back, and cannot end up among an answer.
os.environ.pop("PYTHONUNBUFFERED", None)
warnings.filterwarnings("ignore", category=FutureWarning)

import numpy as np  # noqa: E402
import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402

settings.register_profile("untimed", deadline=None)  # how fast an example is says how busy the machine is
settings.load_profile("untimed")

PROJECT = Path(__file__).parents[1]
REAL_DATA = Path(os.environ.get("EFNAS_REAL_DATA", PROJECT.parent / "shared" / "data"))


# The files that take longest, the longest first: begun first, they leave no worker alone with one of them at the end.
LONG = ("search/test_alone_commands", "runs/test_repeated_interruption", "search/test_trainings", "runs/test_resume",
        "project/test_second_space", "cost/test_sweep_cli", "cli/test_cli_runs", "training/test_training",
        "cli/test_bad_input", "training/test_training_alone", "export/test_export", "runs/test_beginning",
        "cli/test_held_out_run", "core/test_network", "training/test_step")  # fmt: skip


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class LongestFirst(LoadFileScheduling):
        """By itself it begins with the files that have most tests."""

        def _assign_work_unit(self, node):
            for scope in [f"tests/{name}.py" for name in reversed(LONG)]:
                if scope in self.workqueue:
                    self.workqueue.move_to_end(scope, last=False)
            super()._assign_work_unit(node)

    return LongestFirst(config, log)


def use_plain_graphs() -> None:
    """Tests build many graphs and run each a few times: rewriting a graph would take longer than all its runs. The
    commands that tests start as processes of their own keep TensorFlow's defaults."""
    from efnas.backend import tf

    class PlainSession(tf.Session):
        def __init__(self, target="", graph=None, config=None):
            config = config or tf.ConfigProto()
            config.graph_options.rewrite_options.disable_meta_optimizer = True
            super().__init__(target, graph, config)

    tf.Session = PlainSession


@pytest.fixture(scope="session", autouse=True)
def _plain_graphs():
    use_plain_graphs()


@pytest.fixture(scope="session", autouse=True)
def _own_places(tmp_path_factory):
    """Tests neither use nor fill the user's cache, and leave nothing of a killed command in the temporary folder."""
    place = tmp_path_factory.getbasetemp()
    place = place.parent if "PYTEST_XDIST_WORKER" in os.environ else place  # one cache for all processes
    os.environ["EFNAS_CACHE"] = str(place / "efnas-cache")
    os.environ["TMPDIR"] = str(tmp_path_factory.mktemp("temporary"))
    tempfile.tempdir = None


@pytest.fixture(scope="session")
def real_chairs() -> Path:
    """Six real FlyingChairs pairs: train/ and val/."""
    folder = REAL_DATA / "flying_chairs"
    if not folder.is_dir():
        pytest.skip(f"the real FlyingChairs pairs are not at {folder} (set EFNAS_REAL_DATA)")
    return folder


@pytest.fixture(scope="session")
def small_chairs(tmp_path_factory) -> Path:
    """Twelve training and six validation pairs of 48x64 pixels, small smooth motions."""
    from efnas.data.synthesis import SceneStyle, write_dataset

    out = tmp_path_factory.mktemp("data") / "chairs"
    write_dataset(out, 12, 6, 3, SceneStyle(48, 64, motion=2.0, detail=4.0, structure=24.0, shapes=3))
    return out


@pytest.fixture
def small_settings(small_chairs, tmp_path) -> list:
    """Assignments of a run that trains in seconds."""
    return [
        f"data.base_path={small_chairs}",
        "data.input_height=32",
        "data.input_width=48",
        "network.base_width=4",
        "train.batch_size=4",
        "train.num_epochs=2",
        "train.lr=0.002",
        "eval.bn_recal_batches=2",
        "eval.eval_pool_size=6",
        "eval.eval_batches_per_arch=all",
        "runtime.gpu_device=-1",
        "runtime.threads=1",
        f"runtime.output_root={tmp_path / 'runs'}",
    ]


@pytest.fixture
def graph():
    """A fresh TensorFlow graph as the default one."""
    import tensorflow.compat.v1 as tf

    with tf.Graph().as_default() as made:
        yield made


@pytest.fixture
def rng() -> np.random.RandomState:
    return np.random.RandomState(0)


@pytest.fixture(scope="session")
def run_settings(small_chairs) -> list:
    """Assignments of the run that several tests share: 4 epochs of 3 steps (5, 5 and 2 pairs), in micro batches."""
    return [
        f"data.base_path={small_chairs}", "data.input_height=32", "data.input_width=48", "network.base_width=4",
        "train.batch_size=5", "train.micro_batch_size=3", "train.num_epochs=4", "train.lr=0.002",
        "eval.bn_recal_batches=1", "eval.eval_pool_size=6", "eval.eval_batches_per_arch=1", "eval.full_every=4",
        "runtime.gpu_device=-1", "runtime.threads=1", "checkpoint.every_minutes=0",
    ]  # fmt: skip


@pytest.fixture(scope="session")
def straight_run(run_settings, tmp_path_factory) -> list:
    """What happened in that run, never stopped; the last event says where it is. Its folder is not to be changed."""
    from efnas.config_files import load_config

    root = tmp_path_factory.mktemp("straight")
    return events_of(load_config(assignments=[*run_settings, f"runtime.output_root={root}"]))


@pytest.fixture(scope="module")
def second_space():
    """`small_supernet` among the networks that there are."""
    from small_supernet import SMALL

    from efnas.core import supernet

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(supernet.SUPERNETS, SMALL.name, SMALL)
        yield


@pytest.fixture(scope="session")
def quick_settings(run_settings) -> list:
    """That run of `small_supernet`, which is built in a third of the time: for what is so whatever network is trained."""
    return [*run_settings, "network.name=small"]


QUICK_RUN = []  # of this process


@pytest.fixture(scope="module")
def quick_run(quick_settings, second_space, tmp_path_factory) -> list:
    """What happened in it, as in `straight_run`; trained once."""
    from efnas.config_files import load_config

    if not QUICK_RUN:
        root = tmp_path_factory.mktemp("quick")
        QUICK_RUN.extend(events_of(load_config(assignments=[*quick_settings, f"runtime.output_root={root}"])))
    return QUICK_RUN


def events_of(config, resume=None, overwrite=False, stop_wanted=lambda: None, watch=lambda event: None) -> list:
    """Train; all that happened. `watch` sees each event as it happens."""
    from efnas.training.loop import run_training
    from efnas.training.plan import prepare

    events = []
    for event in run_training(prepare(config, resume), overwrite, resume, stop_wanted):
        watch(event)
        events.append(event)
    return events
