"""An open checkpoint: a session with the weights of a supernet in it. The one way from a run to its weights."""

from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, List, NamedTuple, Optional

import tensorflow.compat.v1 as tf

from efnas.backend import Device, open_session
from efnas.config import Config
from efnas.core.costs import supernet_variables
from efnas.core.space import ArchCode
from efnas.core.supernet import Supernet
from efnas.core.weights import Weights
from efnas.data.sources import DataSets, open_datasets, trained_on
from efnas.evaluation.recalibration import Statistics, moving_averages
from efnas.evaluation.subnets import PoolEvaluation
from efnas.ranks import ALONE, Ranks
from efnas.runs.checkpoints import restore
from efnas.runs.manifest import HOLDOUT, MANIFEST, geometry_of, read_manifest
from efnas.runs.run_files import checkpoint_path
from efnas.runs.seal import Seal, read_seal, require_network
from efnas.runs.supernet import supernet_of


class Trained(NamedTuple):
    """`weights` are the variables of the default graph, with their values in `session`; `seal` is that of the
    checkpoint at `path` that they were read from."""

    config: Config
    supernet: Supernet
    device: Device
    session: tf.Session
    weights: Weights
    path: Path
    seal: Seal
    ranks: Ranks

    def evaluation(self) -> PoolEvaluation:
        """With the data of the configuration; where its run held out another part of the training set
        (`data.val_holdout`), recalibrated on what that left, which it was trained on.

        Raises EfnasError when the data is not there, or the manifest beside the checkpoint is damaged.
        """
        data, sets = self.config.data, open_datasets(self.config.data)
        run = self._run()
        if run is not None and run.get(HOLDOUT) != data.val_holdout:
            mark = {key: run.get(f"data.train.{key}") for key in sets.train.fingerprint()}
            sets = sets._replace(train=trained_on(data, run.get(HOLDOUT), mark) or sets.train)
        return PoolEvaluation(self.supernet, self.weights, self.config, sets, self.device.threads, self.ranks)

    def statistics(self, archs: List[ArchCode]) -> List[Statistics]:
        """Those that subnets infer with. No data set is opened for the averages of the training
        (`eval.bn_recal_batches: 0`); for recalibrated ones it raises as `evaluation` does."""
        if self.config.eval.bn_recal_batches:
            return self.evaluation().statistics(self.session, archs)
        return [moving_averages(self.session, self.weights)] * len(archs)

    def doubt(self, sets: DataSets) -> Optional[str]:
        """What is to be said of errors on the validation pairs, where something is."""
        run, geometry = self._run(), self.config.data.geometry
        said = [sets.doubt()] if sets.doubt() else []
        trained = geometry if run is None else geometry_of(run)
        if trained != geometry:
            said.append(f"Trained with data.geometry: {trained}, measured with {geometry}.")
        return " ".join(said) or None

    def _run(self) -> Optional[dict]:
        """The identity of its run; a checkpoint that was copied elsewhere has none."""
        folder = self.path.parent
        return read_manifest(folder)["identity"] if (folder / MANIFEST).is_file() else None


@contextmanager
def open_trained(config: Config, which: str, ranks: Ranks = ALONE) -> Iterator[Trained]:
    """Open `best` or `last` of the run of a configuration, or the checkpoint at a path.

    Raises EfnasError for a checkpoint that is missing, damaged or of another network.
    """
    path, supernet = checkpoint_path(config, which), supernet_of(config)
    width = config.network.base_width
    require_network(read_seal(path), path, supernet.identity(width))  # before it is built; `restore` looks at the files
    device = ranks.device(config.runtime.gpu_device, config.runtime.threads)
    with tf.Graph().as_default():
        weights = Weights(supernet_variables(supernet, width))
        with open_session(device) as session:
            seal = restore(session, weights.saved, path, supernet.identity(width))
            yield Trained(config, supernet, device, session, weights, path, seal, ranks)
