"""The `.tflite` files that are compiled: the baseline and subnets, with seeded random weights or those of a run."""

import sys
from functools import partial
from threading import Thread
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence

from efnas.cache import Cache, key_of
from efnas.config import Config
from efnas.core.space import ArchCode
from efnas.core.supernet import Supernet
from efnas.export.code_version import exporting_code_version
from efnas.export.networks import ExportedNetwork, baseline_network, subnet_network
from efnas.export.ready import ReadyFile
from efnas.machine import library_versions
from efnas.runs.run_files import arch_of, checkpoint_path
from efnas.runs.seal import read_whole
from efnas.runs.supernet import supernet_of, whole_supernet_of


class NetworkFiles(NamedTuple):
    """Files for one image pair of height x width. With a `checkpoint` (best, last or a path) the subnets are those of
    a run, recalibrated and calibrated on its training images; the baseline beside them is always random. With a `ready`
    file of the one network that there is, nothing is exported, and `checkpoint` only says what it is.

    Random files are cached by their recipe: with a warm cache TensorFlow is not even imported.
    """

    config: Config
    cache: Cache
    checkpoint: Optional[str] = None
    before_tensorflow: Callable[[], None] = lambda: None
    importing: Optional[Thread] = None
    ready: Optional[ReadyFile] = None

    @property
    def supernet(self) -> Supernet:
        return supernet_of(self.config) if self.checkpoint else whole_supernet_of(self.config)

    def arch(self, text: str) -> ArchCode:
        """The subnet of a code; of trained weights also `best`, ranked first by `efnas eval` or trained alone."""
        return arch_of(self.config, text, self.checkpoint)

    def require_checkpoint(self) -> None:
        """Raises EfnasError for a checkpoint that is missing, damaged or of another network, before work is done."""
        if self.checkpoint and not self.ready:
            expected = self.supernet.identity(self.config.network.base_width)
            read_whole(checkpoint_path(self.config, self.checkpoint), expected)

    def baseline(self, form: str) -> bytes:
        return self._random(baseline_network(whole_supernet_of(self.config), self.config.network.base_width), form)

    def subnets(self, archs: List[ArchCode], forms: Sequence[str]) -> Iterator[Dict[str, bytes]]:
        """The files of each subnet by output form, one after the other. Raises EfnasError for a checkpoint that is
        missing or of another network."""
        if self.ready:
            yield dict.fromkeys(forms, self.ready.model)
            return
        networks = [subnet_network(self.supernet, arch, self.config.network.base_width) for arch in archs]
        if not self.checkpoint:
            for network in networks:
                yield {form: self._random(network, form) for form in forms}
            return
        self.before_tensorflow()
        from efnas.evaluation.trained import open_trained
        from efnas.export.converter import checked_file
        from efnas.export.weights import trained_weights

        with open_trained(self.config, self.checkpoint) as trained:
            weights = trained_weights(trained, trained.evaluation(), archs)
        for network, own in zip(networks, weights):
            yield {form: checked_file(network, own, *self._size(), form)[0] for form in forms}

    def begun(self, archs: List[ArchCode], form: str) -> "NetworkFiles":
        """The same; where `beside_baseline` will export them beside each other, TensorFlow is being imported meanwhile:
        it takes as long as the compiler takes to load."""
        missing = [each for each in self._beside(archs) if not self.cache.get("tflite", self._key(each, form))]
        if self.checkpoint or len(missing) < 2 or "tensorflow" in sys.modules:
            return self
        importing = Thread(target=_import_converter, args=[self.before_tensorflow])
        importing.start()
        return self._replace(importing=importing)

    def beside_baseline(self, archs: List[ArchCode], form: str) -> Iterator[bytes]:
        """The file of the baseline, then those of subnets; as many at once as there are cores, where it has `begun`."""
        if self.importing is None:
            yield self.baseline(form)
            yield from (files[form] for files in self.subnets(archs, [form]))
            return
        from efnas.export.side_by_side import forked

        self.importing.join()
        yield from forked([partial(self._random, network, form) for network in self._beside(archs)])

    def _beside(self, archs: List[ArchCode]) -> List[ExportedNetwork]:
        supernet, width = whole_supernet_of(self.config), self.config.network.base_width
        return [baseline_network(supernet, width), *(subnet_network(supernet, arch, width) for arch in archs)]

    def subnet(self, arch: ArchCode, form: str) -> bytes:
        (files,) = self.subnets([arch], [form])
        return files[form]

    def weights_of(self, arch: Optional[ArchCode]) -> str:
        return self.checkpoint if arch and self.checkpoint else f"random, seed {self.config.runtime.seed}"

    def _key(self, network: ExportedNetwork, form: str) -> str:
        """Of a random file in the cache."""
        supernet, width = network.supernet, self.config.network.base_width
        return key_of(code=exporting_code_version(supernet), libraries=library_versions(), network=network.name,
                      form=form, supernet=[supernet.name, supernet.space.version, supernet.version],
                      size=[*self._size(), width], seed=self.config.runtime.seed)  # fmt: skip

    def _random(self, network: ExportedNetwork, form: str) -> bytes:
        seed, key = self.config.runtime.seed, self._key(network, form)
        found = self.cache.get("tflite", key)
        if found:
            return found
        self.before_tensorflow()
        from efnas.export.converter import checked_file
        from efnas.export.weights import random_weights

        model, _ = checked_file(network, random_weights(network.variables(), *self._size(), seed), *self._size(), form)
        self.cache.put("tflite", key, model)
        return model

    def _size(self) -> tuple:
        return self.config.data.input_height, self.config.data.input_width


def _import_converter(before: Callable[[], None]) -> None:
    before()
    from efnas.export import converter, weights  # noqa: F401
