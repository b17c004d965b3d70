"""The searches of several sizes in one folder: each in a folder of its own, named by its size, and what is said of all.

`sizes.json` is the answer without limits, `sizes.csv` the front over all sizes, `sizes.png` its picture.
"""

import csv
import io
from pathlib import Path
from typing import Dict, List

from efnas.core.input_size import Size
from efnas.errors import EfnasError
from efnas.files import as_json, read_file, write_together
from efnas.search.folder import Search, read_search
from efnas.search.sizes import Choice, SizesAnswer, answer_over
from efnas.search.sizes_picture import draw_sizes
from efnas.strict_json import read_json

SIZES, FRONT, PICTURE = "sizes.json", "sizes.csv", "sizes.png"


def write_sizes(folder: Path, searches: Dict[Size, Search]) -> SizesAnswer:
    """Write what is said of all sizes beside their searches. Raises EfnasError where these cannot be compared."""
    answer = answer_over(searches)
    errors = next(iter(searches.values())).errors
    content = {"geometry": errors.geometry, "checkpoint": errors.about["of"]["checkpoint"], "pairs": len(errors.pairs),
               **answer.as_dict(top=0)}  # fmt: skip
    files = {SIZES: as_json(content), FRONT: _csv(answer.front), PICTURE: draw_sizes(searches, answer, PICTURE)}
    write_together({folder / name: each for name, each in files.items()})
    return answer


def holds_sizes(folder: Path) -> bool:
    return (folder / SIZES).is_file()


def read_sizes(folder: Path) -> Dict[Size, Search]:
    """Raises EfnasError for a folder that holds no searches of several sizes, or not all of them."""
    file = folder / SIZES
    try:
        content = read_json(read_file(file).decode())
        sizes = [Size.of_text(each["size"]) for each in content["sizes"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EfnasError) as error:
        raise EfnasError(f"{file} is damaged: it is not as it was written.") from error
    return {size: read_search(folder / str(size)) for size in sizes}


def _csv(front: List[Choice]) -> str:
    text = io.StringIO()
    rows = [{**each.as_dict(), "worse_by": each.worse_by.mean} for each in front]
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
