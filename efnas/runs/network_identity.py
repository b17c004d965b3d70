"""Which supernet a configuration names, and what a checkpoint must agree on to fit into it."""

from efnas.config import Config
from efnas.core.supernet import Supernet, supernet_named


def supernet_of(config: Config) -> Supernet:
    """Raises EfnasError for a network that there is not, or an input size or width that it cannot have."""
    supernet = supernet_named(config.network.name)
    supernet.require_size(config.data.input_height, config.data.input_width, config.network.base_width)
    return supernet


def network_identity(config: Config) -> dict:
    """What a checkpoint must agree on to fit into the network of a configuration."""
    supernet = supernet_of(config)
    return {
        "space": supernet.space.name,
        "space_version": supernet.space.version,
        "network_version": supernet.version,
        "base_width": config.network.base_width,
    }
