"""Which supernet a configuration names."""

from efnas.config import Config
from efnas.core.supernet import Supernet, supernet_named


def supernet_of(config: Config) -> Supernet:
    """Raises EfnasError for a network that there is not, or an input size or width that it cannot have."""
    supernet = supernet_named(config.network.name)
    supernet.require_size(config.data.input_height, config.data.input_width, config.network.base_width)
    return supernet
