"""Completion as a user meets it: in real shells, driven by keys; and that the files of it are those of the program."""

import os
import re
import shutil
import sys
from pathlib import Path

import pexpect
import pytest
from conftest import PROJECT

from efnas.cli.completion.files import FOLDER, NAMES, files

ANSI = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>(][B0]?|\x1b\][^\x07]*\x07|[\x07\r]")
START = {
    "bash": (["--norc", "--noprofile"], "bind 'set show-all-if-ambiguous on'; source {file}"),
    "zsh": (["-f"], "fpath=({folder} $fpath); autoload -Uz compinit; compinit -u -D"),
    "fish": (["--no-config"], "source {file}"),
}


def test_the_files_are_those_of_the_program():
    stale = [str(path) for path, content in files().items() if not path.exists() or path.read_text() != content]
    assert not stale, f"run 'make generated': {stale}"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a configuration and a run in it."""
    root = tmp_path_factory.mktemp("place")
    (root / "configs").mkdir()
    (root / "configs" / "mine.yaml").write_text("# My own.\ntrain: {lr: 0.5}\n")
    run = root / "outputs" / "supernet" / "first_run"
    run.mkdir(parents=True)
    (run / "train_manifest.json").write_text("{}")
    (run / "supernet_best.ckpt.json").write_text('{"state": {"epoch": 7, "best": 1.25, "best_epoch": 6}}')
    return root


class Shell:
    """A shell at its prompt; `tab(line)` types the line and a tab, and says what then stands on the screen."""

    def __init__(self, name: str, place: Path, words=None, setup: str = ""):
        if not shutil.which(name):
            pytest.skip(f"there is no {name} here")
        words, setup = (words, setup) if words else START[name]
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = {**os.environ, "TERM": "xterm", "HOME": str(place), "PATH": path, "PS1": "> "}
        self._shell = pexpect.spawn(name, words, env=environment, cwd=str(place), encoding="utf-8",
                                    dimensions=(50, 220), timeout=20)  # fmt: skip
        self._shell.sendline(setup.format(file=FOLDER / NAMES[name], folder=FOLDER) + "; echo LOA''DED")
        self._shell.expect("LOADED\r?\n")

    def close(self) -> None:
        self._shell.close(force=True)

    def tab(self, line: str, *expected: str) -> str:
        """Raises AssertionError when something expected does not appear within ten seconds."""
        self._shell.send(line + "\t")
        seen = ""
        for _ in range(100):
            try:
                seen += self._shell.read_nonblocking(10_000, timeout=0.1)
            except pexpect.TIMEOUT:
                plain = ANSI.sub("", seen)
                if all(text in plain for text in expected):
                    break
        self._shell.send("\x03")
        self._shell.expect([r"\^C", pexpect.TIMEOUT], timeout=1)
        plain = ANSI.sub("", seen)
        assert all(text in plain for text in expected), plain
        return plain


@pytest.fixture(scope="module", params=list(NAMES))
def shell(request, place):
    made = Shell(request.param, place)
    made.name = request.param
    yield made
    made.close()


@pytest.mark.parametrize("line, expected", [
    ("efnas vela-c", ["efnas vela-compare"]),
    ("efnas train --over", ["efnas train --overwrite"]),
    ("efnas codec show 00", ["000", "001", "002"]),
    ("efnas fit --arch 00000100", ["000001000", "000001001", "000001002"]),
    ("efnas eval --checkpoint b", ["efnas eval --checkpoint best"]),
    ("efnas train --config ", ["configs/mine.yaml"]),
    ("efnas train --set train.weight_d", ["train.weight_decay="]),
    ("efnas eval --experiment-name ", ["first_run"]),
    ("efnas manifest show ", ["outputs/supernet/first_run"]),
    ("efnas vela-compare --profile ", ["grove-vision-ai-v2"]),
    ("efnas sweep --method ", ["auto", "additive", "pairs", "exact"]),
    ("efnas export --out outp", ["outputs/"]),
], ids=lambda value: value if isinstance(value, str) else "")  # fmt: skip
def test_a_tab_completes(shell, line, expected):
    shell.tab(line, *expected)


def test_shells_that_show_help_show_what_a_value_means(shell):
    if shell.name == "bash":
        pytest.skip("bash shows values alone")
    shell.tab("efnas codec show 0000", "H0Out: 7x7", "H0Out: 3x3")
    shell.tab("efnas train --config configs/mine.yaml --set train.lr", "now 0.5")
    shell.tab("efnas eval --experiment-name first_run --checkpoint ", "best EPE 1.250 px")


@pytest.mark.parametrize("name", NAMES)
def test_a_new_shell_completes_from_the_first_tab_after_an_installation(name, tmp_path):
    (tmp_path / ".zshrc").touch()  # else zsh asks what to do about it
    Shell(name, tmp_path, ["-i"], "efnas --install-completion").close()
    new = Shell(name, tmp_path, ["-i"], "cd .")
    new.tab("efnas exp", "efnas export")
    new.tab("efnas eval --checkpoint b", "efnas eval --checkpoint best")
    new.close()


def test_installed_velas_complete():
    if not (PROJECT / ".venv-vela").is_dir():
        pytest.skip("there is no compiler here")
    from efnas.cli.completion.values import velas

    assert "4.5.0" in [value for value, _ in velas(None, "4")]


def test_completion_of_what_is_broken_is_silent(place):
    from typer.main import get_command

    from efnas.cli.app import application
    from efnas.cli.click import Context
    from efnas.cli.completion import values as completion

    broken = place / "broken.yaml"
    broken.write_text("a: [")
    context = Context(get_command(application))
    for config in (broken, place / "absent.yaml", place):
        context.params = {"config": config, "output_root": place / "absent"}
        for complete in completion.BY_METAVAR.values():
            assert all(isinstance(value, str) for value, _ in complete(context, ""))
            complete(context, str(place / "no" / "such"))
