"""The command line: one thin module a command reads the options, calls one function and shows the answer."""
