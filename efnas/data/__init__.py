"""Optical-flow data: files, folders, packed sets, plans of an epoch, batches; made-up pairs for a first run."""
