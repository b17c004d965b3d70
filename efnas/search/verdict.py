"""What a fidelity says of a ranking, of the budgets of a schedule and of another supernet: one sentence each."""

from typing import List

from efnas.search.against import Against
from efnas.search.budgets import Budget
from efnas.search.fidelity import Fidelity

AS_GOOD = 0.1  # a ranking is called as good as another when its tau is surely no more than this below
RANKS, NOT_RANKS = 0.6, 0.3  # a budget ranks from this tau between two trainings on, where its interval excludes that


def verdict(fidelity: Fidelity) -> str:
    """What the ranking is worth, in one sentence that says no more than the intervals do."""
    tau, theirs, against = fidelity.tau, fidelity.tau_of_trainings, fidelity.against_training
    of = f"tau {tau}, of {fidelity.subnets} subnets"
    second = f"two trainings of {fidelity.trained_twice} have {theirs}"
    if tau.low is None:
        return f"What the ranking is worth cannot be said from so few subnets or scenes, or errors all alike: {of}."
    if tau.high < 0:
        return f"The ranking is worse than chance, it is turned round: {of}."
    if tau.low <= 0:
        if theirs.low is None:
            return f"The ranking cannot be told from chance: {of}; too few were trained twice to say why."
        if theirs.low <= 0:
            return (
                "Training alone cannot be told from chance: this budget cannot rank these networks, whatever the "
                f"supernet says; train longer, or more subnets twice ({second}; the supernet: {of})."
            )
        return f"The ranking cannot be told from chance: {of}, while training alone agrees with itself: {second}."
    said = f"The ranking is better than chance: {of}"
    if against.low is None:
        return f"{said}; too few were trained twice to say how good a ranking could be."
    if against.high < 0:
        return f"The ranking is better than chance and not as good as a second training: {of}; {second}."
    if against.low >= -AS_GOOD:
        return f"The ranking is as good as a second training: {of}; {second}."
    return (
        f"{said}; whether it is as good as a second training cannot be told: {second}, it is above that by {against}."
    )


def verdict_of_budgets(budgets: List[Budget]) -> str:
    """The shortest budget at which training alone agrees with itself, and how far it then ranks as the longest does."""
    for each in budgets:
        ceiling = each.ceiling
        if ceiling.low is not None and ceiling.value >= RANKS and ceiling.low > NOT_RANKS:
            long = f"{each.epochs} epoch{'s' if each.epochs > 1 else ''} ({each.steps:,} steps)"
            longest = "" if each.with_longest is None else f", and {each.with_longest} with the longest budget"
            return f"The shortest budget that ranks is {long}: two trainings have tau {ceiling}{longest}."
    if all(each.ceiling.low is None for each in budgets):
        return "Which budget ranks cannot be said: too few subnets were trained twice, or on too few scenes."
    return (
        f"None of these budgets ranks: at none have two trainings a tau of {RANKS} with an interval above {NOT_RANKS}; "
        "train longer, or more subnets twice."
    )


def verdict_against(found: Against) -> str:
    """Whether it ranks better than another supernet."""
    by = f"its tau less that of {found.of}, {found.tau}, is {found.gain:+.2f}"
    if found.gain.low is None:
        return f"Whether it ranks better than {found.of} cannot be said from so few subnets or scenes: {by}."
    if found.gain.low > 0:
        return f"It ranks better than {found.of}: {by}."
    if found.gain.high < 0:
        return f"It ranks worse than {found.of}: {by}."
    return f"Whether it ranks better than {found.of} cannot be told: {by}."
