"""Another supernet beside the same trainings: the file that keeps them, and what is said of it."""

import json

import numpy as np
import pytest
from fidelity_tables import NOTHING, figures, measured
from made_up import SPACE
from scipy import stats

from efnas.config import CROP
from efnas.errors import EfnasError
from efnas.runs.seal import sealed
from efnas.search.against import Against, compared
from efnas.search.agreement import Estimate
from efnas.search.fidelity import fidelity_of
from efnas.search.fidelity_errors import MEASURED, FidelityErrors, measured_file, read_measured
from efnas.search.fidelity_folder import write_fidelity
from efnas.search.verdict import verdict_against

SUBNETS = 12


def known(seed=0, like=0.7, **given):
    table = measured(seed, subnets=SUBNETS, pairs=40, twice=6, like=like, **given)
    archs = [str(SPACE.at(place)) for place in range(SUBNETS)]
    pairs = [f"{number:07}" for number in range(40)]
    how = ["baseline"] + ["cell"] * (SUBNETS - 1)
    budget = {"epochs": 3, "batch_size": 4}
    return FidelityErrors("first", [SPACE.name, SPACE.version], archs, how, pairs, "0" * 64, CROP, budget, table)


def test_the_errors_come_back_from_their_file(tmp_path):
    made = known()
    latency = np.append(made.measured.latency[:-1], np.nan)
    for twice in (made.measured.twice, None):
        wrote = made._replace(measured=made.measured._replace(latency=latency, twice=twice))
        (tmp_path / MEASURED).write_text(measured_file(wrote))
        read = read_measured(tmp_path)
        assert read[:-1] == wrote[:-1]
        assert figures(fidelity_of(read.measured, resamples=20)) == pytest.approx(
            figures(fidelity_of(wrote.measured, resamples=20)), nan_ok=True, rel=0
        )


def test_a_file_that_is_not_as_it_was_written_is_one_sentence(tmp_path):
    text = measured_file(known())
    content = json.loads(text)
    content.pop("seal_sha256")
    file = tmp_path / MEASURED
    with pytest.raises(EfnasError, match=f"There is no {MEASURED} in"):
        read_measured(tmp_path)
    other = [{**content, "format": 2}, {**content, "more": 1}, {**content, "alone": content["alone"][1:]}, {}]
    damaged = [text.encode()[:-9], text.replace("cell", "twin", 1).encode(), b"", b"\xff\x00", b"[]", b"[" * 100_000]
    for wrong in damaged + [sealed(each).encode() for each in other]:
        file.write_bytes(wrong)
        with pytest.raises(EfnasError, match=f"{MEASURED} is damaged"):
            read_measured(tmp_path)
    file.unlink()
    file.mkdir()
    with pytest.raises(EfnasError, match=f"{MEASURED} is damaged"):
        read_measured(tmp_path)


def test_the_gain_is_the_difference_of_the_taus_that_scipy_finds():
    made, other = known(), known(seed=3)
    own = made._replace(measured=made.measured._replace(supernet=other.measured.supernet))
    alone = made.measured.alone.mean(axis=1)
    taus = [stats.kendalltau(each.measured.supernet.mean(axis=1), alone).correlation for each in (own, made)]
    found = compared(own, made, resamples=50)
    assert (found.of, found.tau.value) == ("first", pytest.approx(taus[1]))
    assert found.gain.value == pytest.approx(taus[0] - taus[1]) and abs(found.gain.value) > 0.1


def test_both_taus_share_their_resamples():
    made = known(like=0.9, own=1.0)
    nudged = made.measured.supernet + 0.05 * np.random.default_rng(0).standard_normal((SUBNETS, 1))
    near = made._replace(measured=made.measured._replace(supernet=nudged))
    found = compared(near, made, resamples=300)
    assert found.tau == fidelity_of(made.measured, resamples=300).tau
    # Drawn apart, each would bring an uncertainty as large as this one.
    assert found.gain.low <= 0 <= found.gain.high
    assert found.gain.high - found.gain.low < (found.tau.high - found.tau.low) / 3
    better = made._replace(measured=made.measured._replace(supernet=made.measured.alone))
    worse = made._replace(measured=made.measured._replace(supernet=-made.measured.alone))
    gain = compared(better, worse, resamples=300).gain
    assert gain.value == pytest.approx(2) and gain.low > 1


def test_the_sentence_follows_the_interval_of_the_gain():
    def said(*gain):
        return verdict_against(Against("first", Estimate(0.5, 0.2, 0.7), Estimate(*gain)))

    assert said(0.3, 0.1, 0.5) == (
        "It ranks better than first: its tau less that of first, 0.50 (0.20 to 0.70), is +0.30 (+0.10 to +0.50)."
    )
    assert "ranks worse than first" in said(-0.3, -0.5, -0.1)
    assert "cannot be told" in said(0.3, -0.1, 0.5)
    assert "cannot be said" in said(0.3) and "cannot be said" in said(*NOTHING)


def test_what_is_written_of_another_says_so_everywhere(tmp_path):
    made = known()
    own = known(seed=1)._replace(name="second")
    own = own._replace(measured=made.measured._replace(supernet=own.measured.supernet))
    against = compared(own, made)
    written = write_fidelity(tmp_path / "out", own, against=against)
    content = json.loads((tmp_path / "out" / "fidelity.json").read_text())
    assert content["against"]["of"] == "first" and content["against"]["gain"] == list(against.gain)
    assert content["tau"]["value"] - content["against"]["tau"][0] == pytest.approx(against.gain.value)
    page = (tmp_path / "out" / "fidelity.md").read_text()
    for table in written.tables:
        assert all(f"| {' | '.join(row)} |" in page for row in table.rows)
    assert all(sentence in page for sentence in written.verdicts) and len(written.verdicts) == 2
    assert f"{against.gain:+.2f}" in page and f"{against.gain:+.2f}" in written.verdicts[1]
    # From what is kept a third one can be compared.
    assert read_measured(tmp_path / "out").name == "second"
