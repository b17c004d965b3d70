"""One process a run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from efnas.errors import EfnasError
from efnas.runs.lock import RunLock


def test_the_second_process_on_a_folder_is_refused(tmp_path):
    program = f"from pathlib import Path; from efnas.runs.lock import RunLock\nwith RunLock(Path({str(tmp_path / 'run')!r})): print(1)"
    with RunLock(tmp_path / "run"):
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert f"is being trained by process {os.getpid()} on" in done.stderr
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "1\n"


def test_the_lock_of_a_dead_process_is_free(tmp_path):
    program = f"import os\nfrom pathlib import Path; from efnas.runs.lock import RunLock\nwith RunLock(Path({str(tmp_path / 'run')!r})): os.kill(os.getpid(), 9)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == -9
    assert (tmp_path / ".run.lock").exists()
    with RunLock(tmp_path / "run"):
        pass


def test_a_folder_that_cannot_be_written_is_one_sentence():
    with pytest.raises(EfnasError, match="Cannot write the lock"), RunLock(Path("/proc/efnas/run")):
        pass
