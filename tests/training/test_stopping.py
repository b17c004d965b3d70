"""What a process does when it is asked to stop."""

import os
import signal
import subprocess
import sys
import time

import pexpect
import pytest


def heed_hangups():
    """In a child: as a terminal starts it, also where the tests themselves run under nohup."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.mark.parametrize("numbers, code", [(["SIGTERM"], 143), (["SIGINT"], 130), (["SIGUSR1"], 0), (["SIGHUP"], 129),
                                           (["SIGINT", "SIGINT"], 130), (["SIGTERM", "SIGINT", "SIGINT"], 130)])  # fmt: skip
def test_signals_are_heard_at_once_and_answered_with_their_code(numbers, code):
    program = """
import hashlib, sys, time
from efnas.training.stopping import RunStopped, StopRequest
with StopRequest(lambda number: print(number.name, flush=True)) as request:
    print("ready", flush=True)
    while not request.wanted():
        time.sleep(0.01)
    if len(sys.argv) > 1:
        hashlib.pbkdf2_hmac("sha256", b"", b"", 10**9)  # as a step of TensorFlow: minutes without a Python instruction
sys.exit(RunStopped("", request.wanted()).exit_code)
"""
    more = ["two"] * (len(numbers) > 1)
    process = subprocess.Popen([sys.executable, "-c", program, *more], stdout=subprocess.PIPE, text=True,
                               preexec_fn=heed_hangups)  # fmt: skip
    try:
        assert process.stdout.readline() == "ready\n"
        for place, number in enumerate(numbers):
            process.send_signal(getattr(signal, number))
            if place == 0:
                assert process.stdout.readline() == f"{number}\n"
            time.sleep(0.2)  # two signals of one kind that wait at the same time are one
        assert process.wait(timeout=30) == code
    finally:
        process.kill()


def test_a_run_under_nohup_outlives_its_terminal():
    program = """
import time
from efnas.training.stopping import StopRequest
with StopRequest() as request:
    print("ready", flush=True)
    while not request.wanted():
        time.sleep(0.01)
print(request.wanted().name, flush=True)
"""
    process = subprocess.Popen(["nohup", sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGHUP)
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "SIGTERM\n"
    finally:
        process.kill()
        process.wait()


def test_a_run_goes_on_when_nobody_reads_its_output_any_more():
    program = """
import sys
from efnas.cli.screen.training import training_screen
screen = training_screen(False, None)
screen.say("one")
sys.stdin.readline()
screen.say("two")
print("three", file=sys.stderr)
"""
    process = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)  # fmt: skip
    assert process.stdout.readline() == "one\n"
    process.stdout.close()
    assert "three" in process.communicate("go on\n")[1]


def test_a_run_whose_terminal_is_lost_saves_and_answers(tmp_path):
    program = """
import sys, time
from pathlib import Path

import typer
from efnas.cli import app
from efnas.cli.screen.tensorflow_messages import messages_for_a_log
from efnas.cli.screen.training import training_screen
from efnas.training.stopping import RunStopped, StopRequest

commands = typer.Typer()

@commands.command()
def train():
    with messages_for_a_log() as messages, training_screen(False, messages) as screen:
        with StopRequest(screen.stopping) as request:
            screen.say("ready")
            while not request.wanted():
                time.sleep(0.01)
            screen.say("it goes on")
            Path(SAVED).write_text("saved")
            raise RunStopped("saved", request.wanted())

SAVED = sys.argv.pop()
sys.argv.append("train")
app.load = lambda name: typer.main.get_command(commands)
app.main()
"""
    terminal = pexpect.spawn(sys.executable, ["-c", program, str(tmp_path / "saved")], timeout=60,
                             preexec_fn=heed_hangups)  # fmt: skip
    terminal.expect("ready")
    os.close(terminal.child_fd)  # as when a connection breaks: the kernel sends SIGHUP
    assert os.WEXITSTATUS(os.waitpid(terminal.pid, 0)[1]) == 129
    terminal.closed = terminal.ptyproc.closed = True
    assert (tmp_path / "saved").exists()
