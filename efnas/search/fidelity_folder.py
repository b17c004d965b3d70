"""What a fidelity leaves behind: its figures, a row a subnet, a page to read, and the picture."""

import csv
import io
from pathlib import Path
from typing import List, NamedTuple

import numpy as np

from efnas.core.space import ArchCode
from efnas.files import as_json, write_together
from efnas.search.fidelity import Fidelity, Measured
from efnas.search.fidelity_pictures import FIDELITY_PICTURE, draw_fidelity
from efnas.search.fidelity_trainings import FidelityPlan
from efnas.search.verdict import verdict

COLUMNS = ("arch", "drawn_as", "latency_ms", "supernet_epe", "alone_epe", "first_seed_epe", "second_seed_epe")


class Written(NamedTuple):
    """The paths of the files, and what `fidelity.json` holds."""

    files: List[Path]
    content: dict


def write_fidelity(
    folder: Path, plan: FidelityPlan, measured: Measured, archs: List[ArchCode], said: Fidelity
) -> Written:
    train = plan.trainings[0].config.train
    told = f"each trained alone for {train.num_epochs} epochs in batches of {train.batch_size}"
    baseline = plan.chosen.subnets.index(plan.chosen.baseline)
    content = {"verdict": verdict(said), "budget": {"epochs": train.num_epochs, "batch_size": train.batch_size},
               **said.as_dict(), "subnets_trained": [str(arch) for arch in archs]}  # fmt: skip
    files = {
        "fidelity.csv": _csv(plan, measured, archs),
        "fidelity.json": as_json(content),
        "fidelity.md": _page(said, told),
        FIDELITY_PICTURE: draw_fidelity(measured, said, baseline, f"{len(archs)} subnets, {told}"),
    }
    paths = {folder / name: each for name, each in files.items()}
    write_together(paths)
    return Written(list(paths), content)


def _csv(plan: FidelityPlan, measured: Measured, archs: List[ArchCode]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    twins = {place for couple in plan.chosen.twins for place in couple}
    rows = [] if measured.twice is None else measured.twice.rows.tolist()
    for row, (arch, place) in enumerate(zip(archs, plan.chosen.subnets)):
        how = "baseline" if place == plan.chosen.baseline else "twin" if place in twins else "cell"
        both = ("", "")
        if row in rows:
            both = tuple(float(each[rows.index(row)].mean()) for each in measured.twice[1:])
        latency = measured.latency[row]
        writer.writerow([arch, how, "" if np.isnan(latency) else latency, measured.supernet[row].mean(),
                         measured.alone[row].mean(), *both])  # fmt: skip
    return text.getvalue()


def _page(said: Fidelity, told: str) -> str:
    lines = [
        "# Fidelity",
        "",
        f"{said.subnets} subnets, {told}; {said.trained_twice} of them with a second seed. {said.pairs} pairs.",
        "",
        verdict(said),
        "",
        "| between | Kendall's tau (95 %) | Spearman's rho (95 %) |",
        "|---|---|---|",
        f"| the supernet and training alone | {said.tau} | {said.rho} |",
        f"| one training and another | {said.tau_of_trainings} | {said.rho_of_trainings} |",
        f"| the most that a ranking could reach, by a model | {said.reachable} | |",
        f"| couples within {said.window.share:.0%} of latency ({said.window.couples}) | {said.window.tau} | |",
        "",
        "| best of the supernet | lost, px (95 %) | drawn blindly, px | chance to be as good |",
        "|---|---|---|---|",
        *(
            f"| {each.top} | {each.px:.4f} | {each.random_px:.4f} | {each.as_good_by_chance:.2f} |"
            for each in said.regrets
        ),
        "",
        f"![each subnet in the supernet and alone]({FIDELITY_PICTURE})",
        "",
    ]
    return "\n".join(lines)
