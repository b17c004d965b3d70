"""`.flo` files: what is written reads back, and every broken one is named."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from efnas.data.flow_files import read_flo, write_flo
from efnas.errors import EfnasError

flows = st.tuples(st.integers(1, 6), st.integers(1, 6)).flatmap(
    lambda size: arrays(np.float32, (*size, 2), elements=st.floats(-1e6, 1e6, width=32)))  # fmt: skip


@given(flows)
def test_what_is_written_reads_back(tmp_path_factory, flow):
    path = tmp_path_factory.mktemp("flo") / "a.flo"
    write_flo(path, flow)
    np.testing.assert_array_equal(read_flo(path), flow)


def test_the_bytes_are_those_of_the_format(tmp_path):
    write_flo(tmp_path / "a.flo", np.array([[[1, 2], [3, 4], [5, 6]]], np.float32))
    assert (tmp_path / "a.flo").read_bytes() == struct.pack("<fii6f", 202021.25, 3, 1, 1, 2, 3, 4, 5, 6)


@pytest.mark.parametrize("change, message", [
    (lambda raw: raw[:-1], "is truncated"), (lambda raw: raw[:7], "is truncated"), (lambda raw: b"", "is truncated"),
    (lambda raw: raw + b"\0", "is too long"), (lambda raw: b"PIEH"[::-1] + raw[4:], "not a .flo file"),
    (lambda raw: raw[:4] + struct.pack("<i", -3) + raw[8:], "cannot be"),
    (lambda raw: raw[:4] + struct.pack("<i", 2**31 - 1) + raw[8:], "cannot be"),
    (lambda raw: raw[:12] + struct.pack("<f", float("nan")) + raw[16:], "not finite"),
    (lambda raw: raw[:12] + struct.pack("<f", float("inf")) + raw[16:], "not finite"),
])  # fmt: skip
def test_a_broken_file_is_named(tmp_path, change, message):
    path = tmp_path / "broken.flo"
    write_flo(path, np.ones((4, 5, 2), np.float32))
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(EfnasError, match=message) as error:
        read_flo(path)
    assert "broken.flo" in str(error.value)


@given(st.binary(max_size=64))
def test_any_bytes_are_a_flow_or_an_error_of_ours(tmp_path_factory, raw):
    path = tmp_path_factory.mktemp("flo") / "any.flo"
    path.write_bytes(raw)
    try:
        read_flo(path)
    except EfnasError:
        pass


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(EfnasError, match="nothing.flo"):
        read_flo(tmp_path / "nothing.flo")


def test_real_flow_reads(real_chairs):
    flow = read_flo(real_chairs / "train" / "0000000-flow_01.flo")
    assert flow.shape == (384, 512, 2)
    assert 0.5 < np.linalg.norm(flow, axis=-1).mean() < 100
