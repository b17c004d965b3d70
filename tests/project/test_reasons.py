"""What is told of an error of a library: one line, and the one that says what went wrong."""

import pytest

from efnas.errors import reason_of

OF_A_GRAPH = """Graph execution error:

Detected at node 'IteratorGetNext' defined at (most recent call last):
    File "batches.py", line 77, in __init__
Node: 'IteratorGetNext'
End of sequence
\t [[{{node IteratorGetNext}}]]

Original stack trace for 'IteratorGetNext':
"""


@pytest.mark.parametrize("text, told", [
    (OF_A_GRAPH, "End of sequence"), ("End of sequence\n\t [[node x]]", "End of sequence"), ("no space", "no space"),
    ("", "OSError"), ("Node: 'x'", "Node: 'x'"),
])  # fmt: skip
def test_the_line_that_says_what_went_wrong_is_told(text, told):
    assert reason_of(OSError(text)) == told
