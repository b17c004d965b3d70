"""What a fidelity leaves behind: its figures, a row a subnet, a page to read, pictures, and the errors themselves."""

import csv
import io
from pathlib import Path
from typing import List, Optional

import numpy as np

from efnas.config import frames_told
from efnas.core.alone import BASELINE
from efnas.files import as_json, make_folder, write_together
from efnas.search.against import Against
from efnas.search.budget_pictures import SCHEDULE_PICTURE, draw_schedule
from efnas.search.budgets import Schedule, budgets_of, schedule_csv
from efnas.search.fidelity import fidelity_of, plain
from efnas.search.fidelity_errors import MEASURED, FidelityErrors, measured_file
from efnas.search.fidelity_pictures import FIDELITY_PICTURE, draw_fidelity
from efnas.search.fidelity_told import tables_of
from efnas.search.told import Told, Written, as_markdown
from efnas.search.verdict import verdict, verdict_against, verdict_of_budgets

COLUMNS = ("arch", "drawn_as", "latency_ms", "supernet_epe", "alone_epe", "first_seed_epe", "second_seed_epe")
PICTURES = {FIDELITY_PICTURE: "each subnet in the supernet and alone", SCHEDULE_PICTURE: "what each budget is worth"}


def write_fidelity(
    folder: Path,
    errors: FidelityErrors,
    schedule: Optional[Schedule] = None,
    against: Optional[Against] = None,
) -> Written:
    """Find what the errors say, and write all of it, with that of a schedule or of another supernet if there is one."""
    said = fidelity_of(errors.measured)
    budgets = budgets_of(schedule) if schedule else []
    epochs, batch = errors.budget["epochs"], errors.budget["batch_size"]
    title = f"{said.subnets} subnets, each trained alone for {epochs} epochs in batches of {batch}"
    if against:
        title = f"{title} for {against.of}"
    picture = draw_fidelity(errors.measured, said, errors.drawn_as.index(BASELINE), title)
    files = {"fidelity.csv": _csv(errors), FIDELITY_PICTURE: picture, MEASURED: measured_file(errors)}
    verdicts = [verdict(said)]
    content = {"verdict": verdicts[0], "geometry": errors.geometry, "budget": errors.budget, **said.as_dict(),
               "subnets_trained": errors.archs}  # fmt: skip
    if against:
        verdicts.append(verdict_against(against))
        content["against"] = {"verdict": verdicts[-1], **against._asdict()}
    if schedule:
        verdicts.append(verdict_of_budgets(budgets))
        content.update(schedule_verdict=verdicts[-1], schedule=plain(budgets))
        files["schedule.csv"] = schedule_csv(schedule)
        files[SCHEDULE_PICTURE] = draw_schedule(budgets, str(schedule))
    tables = tables_of(said, budgets, against, errors.geometry)
    pairs = f"{said.pairs} pairs{frames_told(errors.geometry)}"
    told = f"{title}; {said.trained_twice} of them with a second seed. {pairs}."
    files["fidelity.md"] = _page(told, verdicts, tables, [name for name in files if name.endswith(".png")])
    files["fidelity.json"] = as_json(content)
    paths = {folder / name: each for name, each in files.items()}
    make_folder(folder)
    write_together(paths)
    return Written(sorted(paths), content, tables, verdicts)


def _csv(errors: FidelityErrors) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    supernet, alone, latency, _, twice = errors.measured
    rows = [] if twice is None else twice.rows.tolist()
    for row, (arch, how) in enumerate(zip(errors.archs, errors.drawn_as)):
        both = [float(each[rows.index(row)].mean()) for each in twice[1:]] if row in rows else ("", "")
        known = "" if np.isnan(latency[row]) else latency[row]
        writer.writerow([arch, how, known, supernet[row].mean(), alone[row].mean(), *both])
    return text.getvalue()


def _page(told: str, verdicts: List[str], tables: List[Told], pictures: List[str]) -> str:
    lines = ["# Fidelity", "", told, ""]
    for each in verdicts:
        lines += [each, ""]
    for table in tables:
        lines += [f"{table.title}:", "", *as_markdown(table), ""]
    for name in pictures:
        lines += [f"![{PICTURES[name]}]({name})", ""]
    return "\n".join(lines)
