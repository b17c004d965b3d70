"""Quantisation-aware fine-tuning: a subnet is trained for some steps as its INT8 file computes it.

What is trained are its weights and the ranges of the maps, those of the file to begin with. The statistics of its batch
norms stay what they are, and so does the scale of the input.
"""

import math
from itertools import chain, islice
from types import SimpleNamespace
from typing import Callable, Dict, Iterable, List, NamedTuple, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from efnas.backend import Device, open_session
from efnas.cache import Cache, cache_folder
from efnas.config import Config
from efnas.core.geometry import FLOW_CHANNELS
from efnas.core.weights import constant_moments
from efnas.errors import CheckFailed, EfnasError
from efnas.export.calibration import Calibration
from efnas.export.compose import PASSING
from efnas.export.converter import float_graph
from efnas.export.fake_quantised import Ends, FakeQuantisedLayers
from efnas.export.file_graph import Graph, read_graph
from efnas.export.host import stored_values
from efnas.export.networks import ExportedNetwork, output_channels
from efnas.export.requantised import Ranges, ends_of
from efnas.export.weights import SubnetWeights
from efnas.training.adam import Adam
from efnas.training.gradients import as_convolutions
from efnas.training.loss import flow_loss, multiscale_loss

LOOKED_AT = 4  # batches that the loss is taken of, before and after
# A range grows or shrinks by this many learning rates a step, as a part of itself.
RANGE_RATES = 100.0


class Tuned(NamedTuple):
    """The weights, the ranges of all maps that have their own, and what is told of it: `loss_before` and `loss_after`
    (see `training.loss.flow_loss`) are of the same training pairs."""

    weights: SubnetWeights
    ranges: Ranges
    told: dict


class FineTuning:
    """The graph, in the default one, of a subnet with the scales of its INT8 file `model`.

    `stepped` are the maps of the file by name. Raises EfnasError for a file with others than the network has.
    """

    def __init__(
        self, network: ExportedNetwork, weights: SubnetWeights, model: bytes, form: str, config: Config,
        per_tensor: bool, gradients_as_convolutions: bool = True,
    ):  # fmt: skip
        height, width = config.data.input_height, config.data.input_width
        file = read_graph(model)
        called = _names_of_outputs(network, weights, height, width, form)
        given = file.tensors[file.inputs[0]].quantisation
        self._of_input = given.scale[0], given.zero_point[0].astype(np.float32)
        self.images = tf.placeholder(tf.float32, [None, height, width, 6], file.inputs[0])
        self.truth = tf.placeholder(tf.float32, [None, height, width, FLOW_CHANNELS], "truth")
        begin = weights.trained_as(network.counted(height, width, form).variables)
        self._trained = {name: _variable(name, value) for name, value in begin.items()}
        self._ranges = self._own_ranges(file)
        ends = _ends_of_maps(file, self._ranges)
        layers = FakeQuantisedLayers(
            SimpleNamespace(trained=self._trained), constant_moments(weights.statistics),
            {**ends, **{made: ends[name] for made, name in called.items()}}, per_tensor, gradients_as_convolutions,
        )  # fmt: skip
        maps = network.describe(layers, self.images, output_channels(form))
        self.stepped = {name if name in ends else called[name]: each for name, each in layers.stepped.items()}
        missed = {*ends} - {*self.stepped, *(called.get(name) for name in layers.stepped)}
        if missed:
            raise EfnasError(f"The INT8 file of this TensorFlow has a map that the graph has not: {min(missed)}.")
        self.loss = multiscale_loss(network.supernet.heads, maps, self.truth, flow_loss)
        self._rate = tf.placeholder(tf.float32, [], "rate")
        self._step = self._connect(config.train.grad_clip_global_norm)

    def _own_ranges(self, file: Graph) -> Dict[str, Ends]:
        """Of the maps that have a range of their own, the file's where `growth` is zero."""
        names = [operator.outputs[0] for operator in file.operators if operator.kind not in PASSING]
        begin = np.array([ends_of(file.tensors[name].quantisation) for name in names], np.float32)
        self._growth = _variable("growth", np.zeros_like(begin))
        ends = tf.unstack(begin * tf.exp(RANGE_RATES * self._growth))
        return {name: tuple(tf.unstack(own)) for name, own in zip(names, ends)}

    def _connect(self, clip: float) -> List:
        """The loss, the norm of its gradient, and the update that goes with them."""
        variables = [*self._trained.values(), self._growth]
        *gradients, of_ranges = tf.gradients(self.loss, variables)
        norm = tf.global_norm([*gradients, of_ranges])
        if clip:
            gradients, _ = tf.clip_by_global_norm(gradients, clip)
        adam = Adam(variables)
        with tf.control_dependencies([self.loss, norm]):
            return [self.loss, norm, adam.apply([*gradients, of_ranges], self._rate)]

    def fed(self, images: np.ndarray, truth: np.ndarray) -> dict:
        """Images as the file takes them, and their flow."""
        scale, zero_point = self._of_input
        return {
            self.images: (stored_values(images, scale, zero_point, np.int8) - zero_point) * scale,
            self.truth: truth,
        }

    def step(self, session: tf.Session, images: np.ndarray, truth: np.ndarray, rate: float) -> Tuple[float, float]:
        """One update; the loss before it and the norm of its gradient."""
        loss, norm, _ = session.run(self._step, {**self.fed(images, truth), self._rate: rate})
        return float(loss), float(norm)

    def mean_loss(self, session: tf.Session, batches: Iterable) -> float:
        return float(np.mean([session.run(self.loss, self.fed(*batch)) for batch in batches]))

    def values(self, session: tf.Session) -> Tuple[Dict[str, np.ndarray], Ranges]:
        """The trained variables and the ranges as they are."""
        trained, ranges = session.run([self._trained, self._ranges])
        return trained, {name: (float(low), float(high)) for name, (low, high) in ranges.items()}


def fine_tuned(
    network: ExportedNetwork, weights: SubnetWeights, model: bytes, form: str, config: Config, calibration: Calibration,
    batches: Iterable, device: Device, progress: Callable[[int, int], None] = lambda done, total: None,
) -> Tuned:  # fmt: skip
    """Train a step a batch (images, flow), at a rate that falls to zero, from the weights and the INT8 file `model`.

    Raises CheckFailed where a loss or a gradient is not finite.
    """
    steps, rate = calibration.tuning
    clip = config.data.flow_clip or np.inf
    batches = ((images, np.clip(truth, -clip, clip)) for images, truth in batches)
    with tf.Graph().as_default():
        own = as_convolutions(config.runtime.convolution_gradients, device, Cache(cache_folder()))
        tuning = FineTuning(network, weights, model, form, config, calibration.per_tensor, own)
        with open_session(device) as session:
            session.run(tf.global_variables_initializer())
            looked_at = list(islice(batches, min(LOOKED_AT, steps)))
            before = tuning.mean_loss(session, looked_at)
            for done, (images, truth) in enumerate(chain(looked_at, batches)):
                _require_finite(done, *tuning.step(session, images, truth, rate * (1 - done / steps)))
                progress(done + 1, steps)
            after = tuning.mean_loss(session, looked_at)
            _require_finite(steps, after)
            trained, ranges = tuning.values(session)
    told = {"steps": steps, "rate": rate, "batch_size": config.train.batch_size, "loss_before": before,
            "loss_after": after, "pairs": sum(len(images) for images, _ in looked_at)}  # fmt: skip
    return Tuned(weights._replace(trained={**weights.trained, **trained}), ranges, told)


def _require_finite(step: int, *values: float) -> None:
    if not all(map(math.isfinite, values)):
        raise CheckFailed(f"The fine-tuning is not finite after {step} steps, and nothing was written: lower its rate.")


def _names_of_outputs(network: ExportedNetwork, weights: SubnetWeights, height: int, width: int, form: str) -> dict:
    """What the file calls its outputs, by the operators that make them here."""
    with tf.Graph().as_default():
        _, outputs = float_graph(network, weights, height, width, form)
        return {output.op.inputs[0].op.name: output.op.name for output in outputs}


def _ends_of_maps(file: Graph, own: Dict[str, Ends]) -> Dict[str, Ends]:
    """Of all maps but the input: an operator that passes values on has those of its input."""
    ends = {}
    for operator in file.operators:
        (name,) = operator.outputs
        ends[name] = ends[operator.inputs[0]] if operator.kind in PASSING else own[name]
    return ends


def _variable(name: str, value: np.ndarray) -> tf.Variable:
    return tf.get_variable(name, initializer=tf.constant(value), use_resource=True)
