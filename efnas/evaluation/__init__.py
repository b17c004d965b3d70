"""What looks at weights: recalibration, the error of subnets, inference on images, panels."""
