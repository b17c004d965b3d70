"""The compiler: finding it, running it, reading its output, and the boards it compiles for."""
