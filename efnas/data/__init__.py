"""Optical-flow data: files, folders, plans of an epoch, batches for TensorFlow, and made-up pairs for a first run."""
