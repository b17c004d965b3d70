"""What the shell completes: values of options, and the files that shells load."""
