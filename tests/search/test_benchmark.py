"""A search as one file: what is read from it without pickle is what the search knows."""

import json

import made_up
import numpy as np
import pytest
from small_supernet import SPACE

from efnas.cost.table import FAILED
from efnas.errors import EfnasError
from efnas.search.answer import with_errors
from efnas.search.benchmark import write_benchmark
from efnas.search.folder import Search


@pytest.fixture
def search():
    errors = made_up.errors()
    table = with_errors(made_up.costs(), errors)
    failed = table.rows[5]._replace(known=FAILED, latency_ms=None, sram_kib=None, flash_kib=None)
    return Search(table._replace(rows=[*table.rows[:5], failed, *table.rows[6:]]), errors)


@pytest.mark.parametrize("whole_floats, close", [(True, 0.0), (False, 2e-3)])
def test_what_is_read_is_what_was_known(search, tmp_path, whole_floats, close):
    size = write_benchmark(search, tmp_path / "space.npz", whole_floats)
    assert (tmp_path / "space.npz").stat().st_size == size
    read = np.load(tmp_path / "space.npz")  # pickle is not allowed by default
    assert [tuple(code) for code in read["codes"]] == [tuple(code) for code in SPACE.codes()]
    np.testing.assert_allclose(read["errors"], search.errors.errors, atol=close)
    np.testing.assert_array_equal(read["latency_ms"], [row.latency_ms or np.nan for row in search.table.rows])
    assert np.isnan(read["latency_ms"]).sum() == 1 and read["macs"].tolist() == [row.macs for row in search.table.rows]
    for place, block in enumerate(SPACE.blocks):
        assert read["blocks"][place] == block.name
        assert read["options"][place].tolist() == [option.label for option in block.options]
    about = json.loads(str(read["about"]))
    assert (about["format"], about["checkpoint"], about["costs"]["title"]) == (1, "0" * 64, "made up")
    assert read["pairs"].tolist() == search.errors.pairs and read["zero_epe"].tolist() == [3.0] * 40


def test_where_it_cannot_be_written_that_is_one_sentence(search, tmp_path):
    with pytest.raises(EfnasError, match="Cannot write"):
        write_benchmark(search, tmp_path / "absent" / "space.npz")
