"""Input pipeline at real size: the share of a training that is spent waiting for data (FlyingChairs2 files, batch 4), and
how many samples a second files and packed data give, from memory and from the disk, and what augmentation costs."""

import os
import tempfile
import time
from pathlib import Path

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")

import numpy as np  # noqa: E402
import tensorflow.compat.v1 as tf  # noqa: E402

from efnas.backend import open_session, select_device  # noqa: E402
from efnas.config import Config, Train  # noqa: E402
from efnas.config_augmentation import Augmentation  # noqa: E402
from efnas.core.costs import supernet_variables  # noqa: E402
from efnas.core.supernet import EDGEFLOW  # noqa: E402
from efnas.core.weights import Weights  # noqa: E402
from efnas.data.batches import Batch, BatchReader  # noqa: E402
from efnas.data.flying_chairs import FLOAT16, FLOAT32, index_folder  # noqa: E402
from efnas.data.packed import packed_dataset  # noqa: E402
from efnas.data.packing import write_packed  # noqa: E402
from efnas.data.sampling_plan import training_plan  # noqa: E402
from efnas.data.synthesis import SceneStyle, write_dataset  # noqa: E402
from efnas.training.fair_step import FairStep  # noqa: E402

BATCH, STEPS = 4, 12
PAIRS, ROUNDS, THREADS = 200, 5, 2
FRAMES = {"horizontal_flip": 0.5, "vertical_flip": 0.1, "rotation": 10, "scale": 0.3, "aspect": 0.15}
LIGHT = {"brightness": 0.1, "contrast": 0.2, "gamma": 0.3, "colour": 0.1, "saturation": 0.3, "noise": 5, "blur": 0.8}


def main() -> None:
    tf.logging.set_verbosity(tf.logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        chairs = Path(folder) / "chairs"
        write_dataset(chairs, PAIRS, 1, 1, SceneStyle())
        waiting(index_folder(chairs / "train"))
        sets = {"PNG and .flo files": index_folder(chairs / "train")}
        for flow_type in (FLOAT32, FLOAT16):
            write_packed(chairs, Path(folder) / flow_type, flow_type)
            sets[f"packed, {flow_type} flow"] = packed_dataset(Path(folder) / flow_type, "train")
        rates(sets)
        augmented(sets)


def waiting(dataset) -> None:
    with tf.Graph().as_default():
        reader = BatchReader(dataset, 180, 240, BATCH, flow_clip=50.0, threads=os.cpu_count())
        # The step reads its batch from variables; fetching the next one is a call of its own, whose time is the wait.
        held = Batch(*[tf.get_local_variable(str(n), t.shape[1:].as_list() and [BATCH] + t.shape[1:].as_list())
                       for n, t in enumerate(reader.batch)])  # fmt: skip
        fetch = tf.group(*[variable.assign(tensor) for variable, tensor in zip(held, reader.batch)])
        step = FairStep(EDGEFLOW, Config(train=Train(batch_size=BATCH)))
        weights = Weights(supernet_variables(EDGEFLOW, 32))
        step.connect(Batch(*[tf.identity(variable) for variable in held]), weights, gradients_as_convolutions=True)
        plan = training_plan(1, len(dataset), 0, (STEPS + 2) * BATCH)
        with tf.Session() as session:
            session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
            reader.start(session, plan)
            waiting = stepping = 0.0
            for number in range(STEPS + 2):
                began = time.perf_counter()
                session.run(fetch)
                fetched = time.perf_counter()
                step.run(session, step.draw(number), 1e-4, [BATCH])
                if number >= 2:  # the first calls build executors
                    waiting += fetched - began
                    stepping += time.perf_counter() - fetched
    print(f"Input pipeline, 384x512 PNG and .flo files, crops of 180x240, batch {BATCH}, {STEPS} steps")
    print(f"  step {stepping / STEPS:.2f} s, waiting for data {1000 * waiting / STEPS:.1f} ms a step: "
          f"{waiting / (waiting + stepping):.2%} of the time (goal < 1 %)")  # fmt: skip


def rates(sets: dict) -> None:
    """Samples a second of each set, cold and warm, in turns."""
    found = {(name, cold): [] for name in sets for cold in (True, False)}
    for _ in range(ROUNDS):
        for name, dataset in sets.items():
            forget(dataset)
            found[name, True].append(samples_a_second(dataset))
            found[name, False].append(samples_a_second(dataset))
    print(f"Samples a second, {THREADS} threads, {len(dataset)} pairs in random order (median of {ROUNDS}, quartiles)")
    for name, dataset in sets.items():
        size = sum(path.stat().st_size for path in files_of(dataset)) / len(dataset) / 1e6
        cold, warm = ("{1:6.0f} ({0:.0f} to {2:.0f})".format(*np.percentile(found[name, cold], [25, 50, 75]))
                      for cold in (True, False))  # fmt: skip
        print(f"  {name:<24} {size:.2f} MB a pair   from the disk {cold}   from memory {warm}")


def augmented(sets: dict) -> None:
    """Processor time a sample of each set from memory, as it is and augmented, in turns."""
    cases = {"as they are": None, "geometry": Augmentation(**FRAMES), "light": Augmentation(**LIGHT),
             "both": Augmentation(**FRAMES, **LIGHT)}  # fmt: skip
    print(f"Processor time a sample in ms, {THREADS} threads (median of {ROUNDS})")
    for name, dataset in sets.items():
        found = {case: [] for case in cases}
        for _ in range(ROUNDS):
            for case, augmentation in cases.items():
                found[case].append(1000 / samples_a_second(dataset, augmentation, time.process_time))
        print(f"  {name:<24} {'   '.join(f'{case} {np.median(times):.2f}' for case, times in found.items())}")


def samples_a_second(dataset, augmentation=None, clock=time.perf_counter) -> float:
    with tf.Graph().as_default(), open_session(select_device(-1, THREADS)) as session:
        reader = BatchReader(dataset, 180, 240, BATCH, flow_clip=50.0, threads=THREADS, augmentation=augmentation)
        fetched = [tensor[0, 0, 0, 0] for tensor in reader.batch]
        reader.start(session, training_plan(1, len(dataset), 0, BATCH, augmentation=augmentation))
        session.run(fetched)  # the first call builds executors
        began = clock()
        reader.start(session, training_plan(1, len(dataset), 0, len(dataset), augmentation=augmentation))
        for _ in range(len(dataset) // BATCH):
            session.run(fetched)
        return len(dataset) / (clock() - began)


def files_of(dataset) -> set:
    if dataset.packed:
        return {dataset.source}
    return {path for sample in dataset.samples for path in sample[1:4]}


def forget(dataset) -> None:
    """Take the files out of the system's memory."""
    os.sync()
    for path in files_of(dataset):
        with open(path, "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


if __name__ == "__main__":
    main()
