"""The job scripts of the docs: what they ask efnas for, and when they queue themselves again. SLURM, Horovod's launcher
and efnas are stand-ins."""

import os
import signal
import subprocess
import time

import pytest
from conftest import PROJECT

SCRIPTS = ("train.slurm", "train_nodes.slurm")
STANDS = {"none": [], "young": ["train_manifest.json"], "saved": ["train_manifest.json", "supernet_last.ckpt.json"]}


def job(tmp_path, script, run, trains, state):
    """The job, with an efnas that trains so and a run that is then in this state."""
    programs = {"srun": 'exec "$@"', "horovodrun": f'echo "$@" > {tmp_path}/launched\nshift 5\nHOROVOD_RANK=0 exec "$@"',
                "scontrol": f'[ $1 = show ] && printf "n1\\nn2\\n" && exit\necho "$@" >> {tmp_path}/queue',
                "efnas": f'echo "$@" >> {tmp_path}/asked\nif [ $1 = train ]; then {trains}; fi\n'
                         f"echo '{{\"state\": \"{state}\"}}'"}  # fmt: skip
    for name, body in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "EFNAS": str(tmp_path / "efnas"),
                   "HOROVODRUN": str(tmp_path / "horovodrun"), "SLURM_JOB_ID": "7", "SLURM_JOB_NUM_NODES": "2",
                   "SLURM_JOB_NODELIST": "n[1-2]", "TMPDIR": str(tmp_path)}  # fmt: skip
    return subprocess.Popen(["bash", PROJECT / "docs" / script, "a.yaml", run], env=environment)


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("stands, option", [("none", ""), ("young", " --overwrite"), ("saved", " --resume")])
@pytest.mark.parametrize("state, code, again", [("stopped", 0, True), ("finished", 0, False), ("stopped", 1, False)])
def test_the_job_goes_on_until_the_run_is_finished(tmp_path, script, stands, option, state, code, again):
    run = tmp_path / "run"
    run.mkdir()
    for name in STANDS[stands]:
        (run / name).touch()
    assert job(tmp_path, script, run, f"exit {code}", state).wait() == code
    assert (tmp_path / "asked").read_text().splitlines()[0] == f"train --config a.yaml{option}"
    assert (tmp_path / "queue").exists() == again


def test_the_job_of_several_nodes_hands_its_signal_to_the_first_process_and_waits_until_it_has_saved(tmp_path):
    trains = (
        f"trap 'sleep 0.2; touch {tmp_path}/saved; exit 0' USR1; touch {tmp_path}/begun; while :; do sleep 0.05; done"
    )
    process = job(tmp_path, "train_nodes.slurm", tmp_path / "run", trains, "stopped")
    while not (tmp_path / "begun").exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGUSR1)
    assert process.wait() == 0
    assert (tmp_path / "saved").exists() and (tmp_path / "queue").read_text() == "requeue 7\n"
    assert (tmp_path / "launched").read_text().startswith("-np 8 --gloo -H n1:4,n2:4 ")


def test_what_efnas_prints_of_a_run_is_what_the_script_looks_for():
    import json

    from efnas.runs.listing import FINISHED

    for script in SCRIPTS:
        looked_for = f"'{json.dumps({'state': FINISHED}, indent=1)[3:-2].strip()}'"
        assert looked_for in (PROJECT / "docs" / script).read_text()
