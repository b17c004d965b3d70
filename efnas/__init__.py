"""efnas: a supernet of optical-flow networks for microcontrollers, trained with strict fairness."""

__version__ = "0.1.0"
