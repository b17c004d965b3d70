"""What a shell is told to run: Typer's scripts, with what they lack."""

# Bash ends a completed word with a blank: not where a value or the rest of a path is to follow.
NO_BLANK = "    case ${COMPREPLY[0]} in *[=/]) compopt -o nospace ;; esac\n    return 0"
# Loaded by zsh from $fpath the file is the function itself: it has to answer the first time, too.
AUTOLOADED = """

if [ "$funcstack[1]" = "_%(prog_name)s" ]; then
  %(complete_func)s "$@"
fi
"""


def complete_scripts() -> None:
    """Make them those that `--install-completion` and `--show-completion` give."""
    from typer import _completion_shared as typers

    typers._completion_scripts["bash"] = typers.COMPLETION_SCRIPT_BASH.replace("    return 0", NO_BLANK)
    typers._completion_scripts["zsh"] = typers.COMPLETION_SCRIPT_ZSH.rstrip() + AUTOLOADED
