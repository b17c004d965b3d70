"""`efnas search export-benchmark`: a search as one file for others."""

from pathlib import Path

import typer
from typing_extensions import Annotated

from efnas.cli.grouping import grouped
from efnas.cli.options import Output
from efnas.errors import EfnasError


@grouped
def export_benchmark(
    search: Annotated[Path, typer.Argument(metavar="SEARCH", help="The folder of a search.")],
    out: Annotated[Path, typer.Argument(metavar="OUT.npz", help="The file to write.")],
    float32: Annotated[bool, typer.Option("--float32", help="Errors as float32; else float16.")] = False,
    output: Output = Output(),
) -> None:
    """Errors by pair, costs and codes of all subnets as one .npz file, read in five lines of NumPy."""
    from efnas.cli.screen.console import print_json
    from efnas.files import require_folder_of
    from efnas.search.benchmark import write_benchmark
    from efnas.search.folder import read_search

    require_folder_of(out)
    if out.suffix != ".npz":
        raise EfnasError(f"Cannot write {out}: name a file that ends with .npz.")
    found = read_search(search)
    size = write_benchmark(found, out, float32)
    subnets, pairs = found.errors.errors.shape
    if output.as_json:
        print_json({"file": str(out), "bytes": size, "subnets": subnets, "pairs": pairs})
        return
    print(f"Written: {out}, {subnets:,} subnets on {pairs:,} pairs, {size / 1e6:.1f} MB")
