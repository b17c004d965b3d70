"""What every subnet of a space costs on a board: derived from a few compiles where that is proved, else compiled.

The proof are held-out subnets, compiled for real. Some of them are exported one by one by TensorFlow's converter and
compiled as `vela-compare` does: that checks the composition of files, too, on which everything else here rests.
"""

from functools import partial
from typing import Callable, Dict, Iterable, List, NamedTuple, Optional, Tuple

from efnas.core.space import ArchCode, SearchSpace
from efnas.cost.compiles import Compiles
from efnas.cost.model import ADDITIVE, EXACT, PAIRS, BoardCost, CostModel, probes
from efnas.cost.proof import Proof, held_out, prove
from efnas.errors import EfnasError

AUTO = "auto"
EXPORTED = 4  # one of so many subnets of the proof is exported
METHODS = (AUTO, ADDITIVE, PAIRS, EXACT)
ProgressBar = Callable[..., None]  # (done, total, what)


class Sweep(NamedTuple):
    """`costs` are compiled subnets, `failed` what the compiler said where it failed; `model` derives the others.

    `proofs` has one a method that was tried, in their order; the last is that of the table.
    """

    space: SearchSpace
    method: str
    costs: Dict[ArchCode, BoardCost]
    failed: Dict[ArchCode, str]
    model: Optional[CostModel]
    proofs: List[Proof]

    def figures(self, arch: ArchCode) -> Tuple[float, float, float]:
        """Latency in ms, SRAM and flash in KiB. Raises KeyError for a subnet on which the compiler failed."""
        if arch in self.costs:
            return self.costs[arch].figures
        if self.model is None or arch in self.failed:
            raise KeyError(arch)
        return self.model.predict(arch)


def sweep_space(
    compiles: Compiles, exported: Compiles, method: str, tolerance: float, verify: int, seed: int,
    chosen: Iterable[ArchCode] = (), progress: ProgressBar = lambda done, total, what: None,
    note: Callable[[str], None] = lambda line: None,
) -> Sweep:  # fmt: skip
    """Costs of the whole space by `method`, or by the first that keeps within `tolerance` (a fraction of the latency).

    Subnets that are `chosen` are compiled whatever the method. Of `verify` held-out ones `exported` compiles some as
    files of their own. `note` is told when a method is given up. Raises EfnasError when the compiler fails on a subnet
    that a method cannot do without.
    """
    space = compiles.work.space
    proofs: List[Proof] = []
    for candidate in (ADDITIVE, PAIRS, EXACT) if method == AUTO else (method,):
        exact = candidate == EXACT
        wanted = list(space.codes()) if exact else probes(space, candidate)
        if exact:
            note(f"Compiling all {space.size:,} subnets. Stop it at any time: run again, it goes on where it was.")
        compiles.run(wanted, partial(progress, what=f"Compiling: {candidate}"))
        lost = [arch for arch in wanted if arch in compiles.failed]
        if lost and not exact:
            if method != AUTO:
                raise EfnasError(
                    f"The terms of {candidate} need subnet {lost[0]}, on which the compiler fails: "
                    f"{compiles.failed[lost[0]]} --method exact compiles the others."
                )
            note(f"The compiler fails on {lost[0]}, which {candidate} terms need; going on.")
            continue
        model = None if exact else CostModel(space, candidate, compiles.costs)
        held = held_out(space, verify, seed)
        compiles.run(held, partial(progress, what="Compiling the proof"))
        exported.run(held[: -(-verify // EXPORTED)], partial(progress, what="Exporting the proof"))
        failed = {**compiles.failed, **exported.failed}
        # Where everything is compiled only the composition of the files is left to be shown.
        true = {**({} if exact else {arch: compiles.costs.get(arch) for arch in held}), **exported.costs}
        true = {arch: cost for arch, cost in true.items() if arch not in failed}
        if not true:
            raise EfnasError(f"The compiler fails on all subnets of the proof: {next(iter(failed.values()))}")
        predict = model.predict if model else lambda arch: compiles.costs[arch].figures
        proofs.append(prove(candidate, predict, true))
        if proofs[-1].largest_error <= tolerance:
            break
        if method == AUTO and not exact:
            note(f"{candidate} terms are off by up to {proofs[-1].largest_error:.2%} of the latency; going on.")
    compiles.run(chosen, partial(progress, what="Compiling the chosen"))
    failed.update(compiles.failed)
    return Sweep(space, candidate, {**compiles.costs, **exported.costs}, failed, model, proofs)
