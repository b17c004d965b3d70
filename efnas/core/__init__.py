"""What a supernet is: its search space, its fair sampler and its network. Knows no data set and no screen."""
