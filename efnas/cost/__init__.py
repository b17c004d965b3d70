"""What networks cost on a board: compared, fitted, and swept over the whole space."""
