"""Another TensorFlow's environment beside this one (`make runtime-2.15`), for tests of what both must do alike."""

import sys
from pathlib import Path
from typing import Optional, Tuple

import pytest
from command import EFNAS_WITH_SMALL
from conftest import PROJECT


def series_in(environment: Path) -> Optional[str]:
    """Of the TensorFlow that is installed in it, as in 2.15."""
    found = environment.glob("lib/python3*/site-packages/*tensorflow*-*.dist-info")
    names = [path.name[: -len(".dist-info")].rsplit("-", 1) for path in found]
    versions = [version for name, version in names if name.replace("intel_", "").replace("_cpu", "") == "tensorflow"]
    return ".".join(versions[0].split(".")[:2]) if versions else None


def other_runtime() -> Tuple[str, list]:
    """Its series and the command line there; skips, saying so, where there is none."""
    own = series_in(Path(sys.prefix))
    for name in (".venv-2.15", ".venv-1.15", ".venv"):
        series = series_in(PROJECT / name)
        if series not in (None, own):
            return series, [str(PROJECT / name / "bin" / "python"), *EFNAS_WITH_SMALL[1:]]
    pytest.skip("no other TensorFlow to compare with (make runtime-2.15)")
