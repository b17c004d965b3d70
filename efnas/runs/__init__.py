"""What a run is on disk: the names of its files, its manifest, checkpoints, histories, lock and report."""
