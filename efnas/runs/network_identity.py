"""Which network a run trains: what a checkpoint must agree on to fit into it."""

from efnas.config import Config
from efnas.core.network import NETWORK_VERSION
from efnas.core.space import FLOW_SPACE


def network_identity(config: Config) -> dict:
    """What a checkpoint must agree on to fit into the network of a configuration."""
    return {
        "space": FLOW_SPACE.name,
        "space_version": FLOW_SPACE.version,
        "network_version": NETWORK_VERSION,
        "base_width": config.train.base_width,
    }
