"""Training with strict fairness, recalibration and evaluation."""
