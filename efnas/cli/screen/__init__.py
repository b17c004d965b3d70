"""What commands show: the console, tables, progress, and where TensorFlow's own messages go."""
