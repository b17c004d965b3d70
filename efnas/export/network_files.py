"""The `.tflite` files that are compiled: the baseline and subnets, with seeded random weights or those of a run."""

from typing import Callable, Dict, NamedTuple, Optional, Sequence

from efnas.cache import Cache, code_version, key_of
from efnas.config import Config
from efnas.core.space import FLOW_SPACE, ArchCode
from efnas.machine import library_versions
from efnas.runs.run_files import arch_of


class NetworkFiles(NamedTuple):
    """Files for one image pair of height x width. With a `checkpoint` (best, last or a path) the subnets are those of
    a run, recalibrated and calibrated on its training images; the baseline, which no run trains, is always random.

    Random files are cached by their recipe: with a warm cache TensorFlow is not even imported.
    """

    config: Config
    cache: Cache
    checkpoint: Optional[str] = None
    before_tensorflow: Callable[[], None] = lambda: None

    def arch(self, text: str) -> ArchCode:
        """The subnet of a code; of trained weights also `best`, ranked first by `efnas eval`."""
        return arch_of(self.config, text, self.checkpoint) if self.checkpoint else FLOW_SPACE.parse(text)

    def baseline(self, form: str) -> bytes:
        return self._random(None, form)

    def subnet(self, arch: ArchCode, forms: Sequence[str]) -> Dict[str, bytes]:
        """The files of a subnet by output form. Raises EfnasError for a checkpoint that is missing or of another
        network."""
        if self.checkpoint:
            return self._trained(arch, forms)
        return {form: self._random(arch, form) for form in forms}

    def weights_of(self, arch: Optional[ArchCode]) -> str:
        return self.checkpoint if arch and self.checkpoint else f"random, seed {self.config.runtime.seed}"

    def _random(self, arch: Optional[ArchCode], form: str) -> bytes:
        data, seed = self.config.data, self.config.runtime.seed
        size = (data.input_height, data.input_width, self.config.train.base_width)
        key = key_of(code=code_version(), libraries=library_versions(), arch=str(arch), form=form, size=size, seed=seed)
        found = self.cache.get("tflite", key)
        if found:
            return found
        self.before_tensorflow()
        from efnas.export import converter
        from efnas.export.weights import random_weights

        network = converter.subnet_network(arch, size[2]) if arch else converter.baseline_network(size[2])
        weights = random_weights(converter.trained_shapes(network), *size[:2], seed)
        model, _ = converter.checked_file(network, weights, *size[:2], form)
        self.cache.put("tflite", key, model)
        return model

    def _trained(self, arch: ArchCode, forms: Sequence[str]) -> Dict[str, bytes]:
        self.before_tensorflow()
        from efnas.export import converter
        from efnas.export.weights import checkpoint_weights

        data = self.config.data
        network = converter.subnet_network(arch, self.config.train.base_width)
        weights = checkpoint_weights(self.config, self.checkpoint, arch)
        size = (data.input_height, data.input_width)
        return {form: converter.checked_file(network, weights, *size, form)[0] for form in forms}
