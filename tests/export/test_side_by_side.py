"""Files made beside each other in forked processes."""

import os
import signal

import pytest

from efnas.errors import CheckFailed, EfnasError
from efnas.export.side_by_side import forked


def test_answers_come_in_order_from_other_processes():
    made = list(forked([lambda n=n: b"%d of %d" % (n, os.getpid()) for n in range(5)]))
    numbers, processes = zip(*(each.split(b" of ") for each in made))
    assert numbers == (b"0", b"1", b"2", b"3", b"4")
    assert len({*processes, b"%d" % os.getpid()}) == 6


def failed():
    raise CheckFailed("The file is not the network.")


def killed():
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("job, error, told", [
    (failed, CheckFailed, "The file is not the network"), (killed, EfnasError, "was ended from outside"),
])  # fmt: skip
def test_one_that_fails_ends_it_with_its_error(job, error, told):
    made = forked([lambda: b"whole", job])
    assert next(made) == b"whole"
    with pytest.raises(error, match=told):
        next(made)
