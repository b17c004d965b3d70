"""`efnas doctor`: what this machine can do, and what to do about the rest."""

from efnas.cli.grouping import grouped
from efnas.cli.options import Output, RunOptions
from efnas.errors import CheckFailed


@grouped
def doctor(run: RunOptions = RunOptions(), output: Output = Output()) -> None:
    """Look at Python, TensorFlow, GPUs, threads, memory, Vela, the board's runtime, the data set and the disk.

    Each finding says what to do about it. Exit code 1 when no training can run here.
    """
    from efnas.cli.screen.console import Marked, console, print_json, print_next, print_note, table
    from efnas.cli.screen.tensorflow_messages import quiet_tensorflow

    settings = run.settings()
    try:
        quiet_tensorflow()
    except ImportError:
        pass  # is a finding
    from efnas.export.micro import examine_micro
    from efnas.machine import PROBLEM, examine_machine
    from efnas.training.readiness import examine_data, examine_disk
    from efnas.vela.installed import examine_velas
    from efnas.vela.process import on_waiting

    if not output.as_json:
        on_waiting(print_note)
    findings = [*examine_machine(settings.runtime.threads), *examine_velas(), examine_micro(),
                *examine_data(settings, run.config is not None), examine_disk(settings)]  # fmt: skip
    problems = [finding for finding in findings if finding.state == PROBLEM]
    if output.as_json:
        print_json({"findings": [finding._asdict() for finding in findings], "can_train": not problems})
    else:
        colours = {"fine": "green", "note": "yellow", "problem": "red"}
        marks = {state: Marked(f"[{colour}]{state}[/]") for state, colour in colours.items()}
        rows = [(one.what, marks[one.state], one.said + (f"\n-> {one.to_do}" if one.to_do else "")) for one in findings]
        console().print(table("", ["", "", "found"], rows))
        if not problems:
            print_next(f"efnas train --config {run.config or 'configs/quickstart.yaml'}")
    if problems:
        raise CheckFailed(f"No training can run here: {'; '.join(f'{one.what}: {one.said}' for one in problems)}")
