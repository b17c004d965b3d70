"""From a trained supernet to a microcontroller."""
