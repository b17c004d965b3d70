"""Which network a configuration names: a supernet, or what of it is trained alone."""

from typing import Optional

from efnas.config import Config
from efnas.core.alone import alone, network_named
from efnas.core.space import ArchCode
from efnas.core.supernet import Supernet, supernet_named
from efnas.errors import EfnasError


def supernet_of(config: Config) -> Supernet:
    """What the configuration trains. Raises EfnasError for a network that there is not, or an input size or width that
    it cannot have."""
    supernet, arch = whole_supernet_of(config), _arch_of(config)
    return supernet if arch is None else alone(supernet, arch)


def whole_supernet_of(config: Config) -> Supernet:
    """The supernet with all its subnets, for what asks about no weights that were trained; raises as `supernet_of`."""
    supernet = supernet_named(config.network.name)
    supernet.require_size(config.data.input_height, config.data.input_width, config.network.base_width)
    _arch_of(config)
    return supernet


def in_one_form(config: Config) -> Config:
    """The configuration with what is trained alone written in one way: it is part of what a run is."""
    arch = _arch_of(config)
    if arch is None:
        return config
    return config.changed("train", arch=str(arch))


def _arch_of(config: Config) -> Optional[ArchCode]:
    if config.train.arch is None:
        return None
    try:
        return network_named(supernet_named(config.network.name).space, config.train.arch)
    except EfnasError as error:
        raise EfnasError(f"train.arch: {error}") from error
