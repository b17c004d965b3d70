"""JSON of files that may be damaged: what is nested deeper than a reader can follow is an error as any other.

NaN and Infinity are read: a sweep whose proof had no rank correlation wrote the one, a run that was never evaluated
the other. Whoever needs a finite number asks for one.
"""

import json
from typing import Any


def read_json(text: str) -> Any:
    """Raises ValueError for what is no JSON."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
