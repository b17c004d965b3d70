"""A folder with everything that runs a subnet on a board and checks it there."""
