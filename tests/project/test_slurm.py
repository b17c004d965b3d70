"""The job script of the docs: what it asks efnas for, and when it queues itself again. SLURM and efnas are stand-ins."""

import os
import subprocess

import pytest
from conftest import PROJECT

STANDS = {"none": [], "young": ["train_manifest.json"], "saved": ["train_manifest.json", "supernet_last.ckpt.json"]}


@pytest.mark.parametrize("stands, option", [("none", ""), ("young", " --overwrite"), ("saved", " --resume")])
@pytest.mark.parametrize("state, code, again", [("stopped", 0, True), ("finished", 0, False), ("stopped", 1, False)])
def test_the_job_goes_on_until_the_run_is_finished(tmp_path, stands, option, state, code, again):
    run = tmp_path / "run"
    run.mkdir()
    for name in STANDS[stands]:
        (run / name).touch()
    programs = {"srun": 'exec "$@"', "scontrol": f'echo "$@" >> {tmp_path}/queue',
                "efnas": f'echo "$@" >> {tmp_path}/asked\n[ $1 = train ] && exit {code}\n'
                         f"echo '{{\"state\": \"{state}\"}}'"}  # fmt: skip
    for name, body in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "EFNAS": str(tmp_path / "efnas"),
                   "SLURM_JOB_ID": "7"}  # fmt: skip
    ended = subprocess.run(["bash", PROJECT / "docs" / "train.slurm", "a.yaml", run], env=environment)
    assert ended.returncode == code
    assert (tmp_path / "asked").read_text().splitlines()[0] == f"train --config a.yaml{option}"
    assert (tmp_path / "queue").exists() == again


def test_what_efnas_prints_of_a_run_is_what_the_script_looks_for():
    import json

    from efnas.runs.listing import FINISHED

    script = (PROJECT / "docs" / "train.slurm").read_text()
    assert f"'{json.dumps({'state': FINISHED}, indent=1)[3:-2].strip()}'" in script
