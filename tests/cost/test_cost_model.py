"""Terms that derive what was not compiled, and the proof that they hold, on costs that are known by formula."""

import json

import numpy as np
import pytest

from efnas.core.network import FLOW_SPACE
from efnas.core.space import ArchCode, ChoiceBlock, Option, SearchSpace
from efnas.cost.model import ADDITIVE, PAIRS, BoardCost, CostModel, probes
from efnas.cost.proof import held_out, prove

THREE = tuple(Option(number, str(number), str(number)) for number in (1, 2, 3))
SMALL = SearchSpace("small", 1, tuple(ChoiceBlock(name, THREE) for name in "ABCD"), ArchCode((0, 1, 0, 2)))
OPTIONS = np.array([[5.0, 7.0, 11.0], [2.0, 3.0, 4.5], [0.5, 9.0, 1.0], [8.0, 1.0, 4.0]])
MEETING = np.array([[0.0, 2.0, 1.0], [3.0, 0.0, 5.0], [1.0, 4.0, 0.0]])


def additive(arch):
    stages = {name: 100.0 * digit + place for place, (name, digit) in enumerate(zip("ABCD", arch))}
    latency = 40 + sum(options[digit] for options, digit in zip(OPTIONS, arch))
    return BoardCost(latency, max(stages.values()), 2 * latency, stages)


def with_pairs(arch):
    met = sum(MEETING[one, other] for one, other in zip(arch, arch[1:]))
    return additive(arch)._replace(latency_ms=additive(arch).latency_ms + met)


def with_far_pairs(arch):
    return with_pairs(arch)._replace(latency_ms=with_pairs(arch).latency_ms + MEETING[arch[0], arch[3]])


def model_of(method, formula):
    return CostModel(SMALL, method, {arch: formula(arch) for arch in probes(SMALL, method)})


def test_the_flow_space_needs_19_probes_and_51_with_pairs():
    for method, count in ((ADDITIVE, 19), (PAIRS, 51)):
        found = probes(FLOW_SPACE, method)
        assert len(found) == len(set(found)) == count
        assert found[0] == FLOW_SPACE.baseline
    assert set(probes(FLOW_SPACE, ADDITIVE)) < set(probes(FLOW_SPACE, PAIRS))


@pytest.mark.parametrize("method, formula", [(ADDITIVE, additive), (PAIRS, additive), (PAIRS, with_pairs)])
def test_terms_derive_every_subnet_of_a_space_they_hold_for(method, formula):
    model = model_of(method, formula)
    for arch in SMALL.codes():
        assert model.predict(arch) == pytest.approx(formula(arch).figures)


@pytest.mark.parametrize("method, formula", [(ADDITIVE, with_pairs), (PAIRS, with_far_pairs)])
def test_terms_that_do_not_hold_are_exact_at_the_probes_alone(method, formula):
    model = model_of(method, formula)
    for arch in probes(SMALL, method):
        assert model.predict(arch) == pytest.approx(formula(arch).figures)
    assert any(model.predict(arch)[0] != pytest.approx(formula(arch).latency_ms) for arch in SMALL.codes())


def test_terms_are_differences_from_the_base():
    terms = model_of(ADDITIVE, additive).terms
    assert terms[()][0] == additive(SMALL.baseline).latency_ms
    assert terms[((0, 2),)][0] == pytest.approx(OPTIONS[0, 2] - OPTIONS[0, 0])
    assert terms[((3, 0),)][0] == pytest.approx(OPTIONS[3, 0] - OPTIONS[3, 2])


def test_held_out_subnets_are_never_probes_and_come_from_the_seed():
    chosen = held_out(FLOW_SPACE, 200, seed=1)
    assert len(set(chosen)) == 200
    assert not set(chosen) & set(probes(FLOW_SPACE, PAIRS))
    assert chosen[:24] == held_out(FLOW_SPACE, 24, seed=1) != held_out(FLOW_SPACE, 24, seed=2)


def test_a_proof_measures_what_is_off():
    archs = [SMALL.code(digits) for digits in ((0, 0, 0, 0), (1, 1, 1, 1), (2, 2, 2, 2))]
    true = {arch: BoardCost(latency, 100.0, 10.0, {}) for arch, latency in zip(archs, (100.0, 200.0, 400.0))}
    said = dict(zip(archs, ((101.0, 100.0, 10.0), (200.0, 97.0, 10.0), (150.0, 100.0, 12.0))))
    proof = prove("additive", said.get, true)
    assert proof.subnets == 3
    assert proof.largest_error == pytest.approx(250 / 400)
    assert proof.mean_error == pytest.approx((0.01 + 0 + 0.625) / 3)
    assert (proof.largest_error_ms, proof.largest_sram_error_kib, proof.largest_flash_error_kib) == (250, 3, 2)
    assert proof.kendall_tau == pytest.approx(1 / 3)
    assert prove("exact", lambda arch: true[arch].figures, true).largest_error == 0


def test_of_subnets_that_are_all_as_fast_there_is_no_order_and_json_can_say_so():
    same = {arch: BoardCost(40.0, 1.0, 2.0, {"A": 1.0}) for arch in held_out(SMALL, 6, 0)}
    proof = prove(ADDITIVE, lambda arch: (40.0, 1.0, 2.0), same)
    assert proof.kendall_tau is None and "NaN" not in json.dumps(proof._asdict())
