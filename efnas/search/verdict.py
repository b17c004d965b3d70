"""What a fidelity says of a ranking, as one sentence."""

from efnas.search.fidelity import Fidelity

AS_GOOD = 0.1  # a ranking is called as good as another when its tau is surely no more than this below


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
