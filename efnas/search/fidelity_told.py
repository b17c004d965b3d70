"""The tables that a fidelity is told in."""

from typing import List, Optional, Sequence

from efnas.config import CROP, frames_told
from efnas.search.against import Against
from efnas.search.budgets import Budget
from efnas.search.fidelity import Fidelity
from efnas.search.told import Told


def tables_of(
    said: Fidelity, budgets: Sequence[Budget], against: Optional[Against], geometry: str = CROP
) -> List[Told]:
    """Of the agreement by errors of this geometry, of the budgets if there are some, and of what is lost."""
    tables = [
        _agreement(said, against, f"On {said.pairs} pairs{frames_told(geometry)}"),
        _budgets(said, budgets),
        _regrets(said),
    ]
    return [each for each in tables if each.rows]


def _agreement(said: Fidelity, against: Optional[Against], title: str) -> Told:
    rows = [("the supernet and training alone", f"{said.subnets}", f"{said.tau}", f"{said.rho}")]
    if against:
        rows.append((f"the supernet {against.of} and training alone", f"{said.subnets}", f"{against.tau}", ""))
        rows.append((f"the tau of this supernet less that of {against.of}", "", f"{against.gain:+.2f}", ""))
    if said.trained_twice:
        twice = f"{said.trained_twice}"
        rows.append(("one training and another", twice, f"{said.tau_of_trainings}", f"{said.rho_of_trainings}"))
        rows.append(("the most that a ranking could reach, by a model", "", f"{said.reachable}", ""))
    if said.window.couples:
        within = f"couples within {said.window.share:.0%} of latency"
        rows.append((within, f"{said.window.couples} couples", f"{said.window.tau}", ""))
    return Told(title, ("between", ">subnets", ">Kendall's tau (95 %)", ">rho (95 %)"), rows)


def _budgets(said: Fidelity, budgets: Sequence[Budget]) -> Told:
    columns = (">epochs", ">steps", ">mean px", ">between subnets px", ">tau between seeds (95 %)",
               ">tau with the longest (95 %)")  # fmt: skip
    rows = [
        (
            f"{each.epochs}",
            f"{each.steps:,}",
            f"{each.epe:.4f}",
            "" if each.between_subnets is None else f"{each.between_subnets:.4f}",
            f"{each.ceiling}",
            "" if each.with_longest is None else f"{each.with_longest}",
        )
        for each in budgets
    ]
    return Told(f"Trained for longer and shorter, {said.trained_twice} subnets", columns, rows)


def _regrets(said: Fidelity) -> Told:
    columns = (">best of the supernet", ">lost, px (95 %)", ">drawn blindly, px", ">chance to be as good")
    rows = [(f"{each.top}", f"{each.px:.4f}", f"{each.random_px:.4f}", f"{each.as_good_by_chance:.2f}")
            for each in said.regrets]  # fmt: skip
    return Told("Training only these alone", columns, rows)
