"""Arch codes: every way to write one down, and what is wrong with the wrong ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efnas.core.network import FLOW_SPACE
from efnas.core.space import ArchCode, ChoiceBlock, Option, SearchSpace
from efnas.errors import EfnasError

codes = st.tuples(*[st.integers(0, 2)] * 9).map(ArchCode)


def test_the_space_has_19683_subnets_and_each_comes_once():
    assert FLOW_SPACE.size == 19683
    assert len(set(FLOW_SPACE.codes())) == 19683


@given(codes)
def test_every_way_of_writing_a_code_reads_back(code):
    assert FLOW_SPACE.parse(str(code)) == code
    assert FLOW_SPACE.parse(code.compact) == code
    assert FLOW_SPACE.parse(f"#{FLOW_SPACE.index_of(code)}") == code
    assert FLOW_SPACE.at(FLOW_SPACE.index_of(code)) == code


def test_indices_follow_the_enumeration():
    assert [FLOW_SPACE.index_of(code) for code in FLOW_SPACE.codes()] == list(range(19683))


def test_the_baseline_is_depth_one_and_heads_7_5_7_7_7():
    labels = [block.label(digit) for block, digit in zip(FLOW_SPACE.blocks, FLOW_SPACE.baseline)]
    assert labels == ["1 residual block"] * 4 + ["7x7", "5x5", "7x7", "7x7", "7x7"]


@given(codes)
def test_the_light_to_heavy_order_changes_heads_only_and_is_its_own_inverse(code):
    other = FLOW_SPACE.other_order(code)
    assert other[:4] == code[:4]
    assert tuple(2 - digit for digit in other[4:]) == code[4:]
    assert FLOW_SPACE.other_order(other) == code


@given(codes)
def test_shifts_of_a_code_use_every_option_of_every_block_once(code):
    assert all(sorted(column) == [0, 1, 2] for column in zip(*FLOW_SPACE.shifts(code)))


def test_options_are_encoded_by_their_values():
    assert str(FLOW_SPACE.encode({"EB0": "3", "h1": "7x7", "H2Out": "3"})) == "2,0,0,0,0,0,0,0,2"


@pytest.mark.parametrize(
    "text, message",
    [
        ("00000100", "has 9 digits"), ("0000010000", "has 9 digits"), ("000001003", "Digit 3 for block H2Out"),
        ("0,0,,0,0,1,0,0,0", "Field 3"), ("0,0,0,0,0,1,0,0,", "Field 9"), ("", "is empty"), ("   ", "is empty"),
        ("0000a1000", "'a' (field 5"), ("0,0,0,0,0,-1,0,0,0", "'-1' (field 6"), ("#19683", "outside the space"),
        ("#", "not an index"), ("#-1", "not an index"), ("#1.5", "not an index"), ("0 0 0 0 0 1 0 0 0", "not a digit"),
        ("00000100²", "not a digit"), ("baseline", "'baseline' is no arch code"),
    ],
)  # fmt: skip
def test_a_wrong_code_gets_one_clear_sentence(text, message):
    with pytest.raises(EfnasError) as error:
        FLOW_SPACE.parse(text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@given(st.text(max_size=20))
def test_any_text_is_a_code_or_an_error_of_ours(text):
    try:
        assert len(FLOW_SPACE.parse(text)) == 9
    except EfnasError:
        pass


def test_unknown_blocks_and_options_are_errors():
    with pytest.raises(EfnasError, match="no choice block 'EB7'"):
        FLOW_SPACE.encode({"EB7": "1"})
    with pytest.raises(EfnasError, match="no option '9'"):
        FLOW_SPACE.encode({"H1": "9"})


def blocks_of(*counts):
    return tuple(
        ChoiceBlock(str(n), tuple(Option(k, str(k), str(k)) for k in range(count))) for n, count in enumerate(counts)
    )


@pytest.mark.parametrize("counts", [(2, 3), (0, 0), (11, 11)])
def test_a_space_with_unequal_too_few_or_too_many_options_is_refused(counts):
    with pytest.raises(ValueError):
        SearchSpace("s", 1, blocks_of(*counts), ArchCode((0, 0)))


def test_a_space_with_one_option_a_block_is_one_subnet():
    space = SearchSpace("s", 1, blocks_of(1, 1), ArchCode((0, 0)))
    assert (space.size, list(space.codes()), space.uniform_codes()) == (1, [(0, 0)], ((0, 0),))
    assert space.parse("#0") == space.parse("00") == space.other_order(space.baseline) == (0, 0)
