"""Running Arm's Vela compiler: found, asked for its version, run in a folder of its own, its output read strictly.

Vela is a program in an environment of its own. Its version changes results and is part of every one; its milliseconds
are estimates.
"""

import configparser
import csv
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional

from efnas.errors import EfnasError

PROFILES = Path(__file__).parent / "profiles"
SUMMARY_COLUMNS = (
    "inferences_per_second",
    "inference_time",
    "sram_memory_used",
    "off_chip_flash_memory_used",
    "nn_macs",
)
# The per-layer table of 4.x. `Network%` stands twice and names may hold commas, so columns are read by position.
LAYER_HEADER = [
    "TFLite_operator", "NNG Operator", "SRAM Usage", "Peak%", "Op Cycles", "Network%", "NPU", "SRAM AC", "DRAM AC",
    "OnFlash AC", "OffFlash AC", "MAC Count", "Network%", "Util%", "Name",
]  # fmt: skip
TIME_LIMIT_SECONDS = 600


class Profile(NamedTuple):
    """A board: Vela's `ini` file and which of its sections to take; `arena_limit_kib` is what the board really has."""

    name: str
    ini: Path
    accelerator: str
    system_config: str
    memory_mode: str
    arena_limit_kib: Optional[float]


class Operator(NamedTuple):
    """A row of the per-layer table; `name` is that of the operator's output, `stage` its first part (E0, EB0, ...)."""

    kind: str
    name: str
    sram_bytes: int
    cycles: float
    macs: int

    @property
    def stage(self) -> str:
        return self.name.split("/")[0]


class Compiled(NamedTuple):
    """Vela's estimate for one file."""

    vela_version: str
    sram_kib: float
    flash_kib: float
    inference_ms: float
    fps: float
    macs: int
    npu_ops: int
    cpu_ops: int
    operators: List[Operator]

    @property
    def sram_mb(self) -> float:
        return self.sram_kib / 1024.0

    @property
    def peak(self) -> Operator:
        """The operator that needs the most SRAM."""
        return max(self.operators, key=lambda operator: operator.sram_bytes)


def find_vela(given: Optional[str] = None) -> Path:
    """The compiler: `given`, $EFNAS_VELA, the project's .venv-vela, beside the interpreter, PATH. Raises EfnasError."""
    if given or os.environ.get("EFNAS_VELA"):
        path = Path(given or os.environ["EFNAS_VELA"])
        if path.is_file():
            return path
        raise EfnasError(f"There is no Vela at {path} ({'--vela' if given else '$EFNAS_VELA'}).")
    project = Path(__file__).parents[2] / ".venv-vela" / "bin" / "vela"
    beside = Path(sys.executable).parent / "vela"
    on_path = shutil.which("vela")
    for path in (project, beside, Path(on_path) if on_path else None):
        if path and path.is_file():
            return path
    raise EfnasError(
        f"No Vela compiler found (looked at --vela, $EFNAS_VELA, {project}, {beside} and PATH); 'make setup' "
        "installs one, or 'pip install ethos-u-vela==4.5.0' in an environment of Python 3.9 or later."
    )


def vela_version(vela: Path) -> str:
    text = _run([str(vela), "--version"], 60).strip()
    if not re.fullmatch(r"\d+\.\d+\.\d+\S*", text):
        raise EfnasError(f"{vela} does not answer as Vela does: its --version says '{text[:60]}'.")
    return text


def load_profile(name: str) -> Profile:
    """A profile of the package by its name. Raises EfnasError, with the names there are, for another."""
    path = PROFILES / f"{name}.ini"
    if not path.is_file():
        known = ", ".join(sorted(ini.stem for ini in PROFILES.glob("*.ini")))
        raise EfnasError(f"There is no board profile '{name}'; the profiles are {known}.")
    parser = configparser.ConfigParser()
    parser.read(path)
    own = parser["efnas"]
    return Profile(
        name, path, own["accelerator"], own["system_config"], own["memory_mode"], own.getfloat("arena_limit_kib")
    )


def compile_file(model: Path, vela: Path, version: str, profile: Profile, optimise: str = "Size") -> Compiled:
    """Compile a `.tflite` file. Raises EfnasError when Vela fails, takes too long, or answers what is not known."""
    with tempfile.TemporaryDirectory(prefix="efnas-vela-") as folder:
        # Vela reads every section of its file, so it gets one without ours.
        ini = Path(folder) / "profile.ini"
        sections = configparser.ConfigParser()
        sections.optionxform = str
        sections.read(profile.ini)
        sections.remove_section("efnas")
        with open(ini, "w") as file:
            sections.write(file)
        words = [
            str(vela), str(model), "--accelerator-config", profile.accelerator, "--config", str(ini),
            "--system-config", profile.system_config, "--memory-mode", profile.memory_mode, "--optimise", optimise,
            "--output-dir", folder, "--verbose-performance",
        ]  # fmt: skip
        printed = _run(words, TIME_LIMIT_SECONDS)
        summary = _read_summary(Path(folder) / f"{model.stem}_summary_{profile.system_config}.csv")
        operators = _read_layers(Path(folder) / f"{model.stem}_per-layer.csv")
    counts = {kind: re.search(rf"^{kind} operators = (\d+)", printed, re.MULTILINE) for kind in ("NPU", "CPU")}
    if not all(counts.values()):
        raise EfnasError(
            f"Vela {version} does not say how many operators run on the NPU; it is not a version known here."
        )
    return Compiled(
        version, summary["sram_memory_used"], summary["off_chip_flash_memory_used"], 1000.0 * summary["inference_time"],
        summary["inferences_per_second"], int(summary["nn_macs"]), int(counts["NPU"].group(1)),
        int(counts["CPU"].group(1)), operators,
    )  # fmt: skip


def _run(words: List[str], seconds: float) -> str:
    try:
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise EfnasError(f"Vela took longer than {seconds:.0f} s and was stopped: {' '.join(words[:2])}.") from error
    except OSError as error:
        raise EfnasError(f"Cannot run {words[0]}: {error.strerror}.") from error
    if done.returncode:
        log = tempfile.NamedTemporaryFile("w", prefix="efnas-vela-", suffix=".log", delete=False)
        with log:
            log.write(" ".join(words) + "\n" + done.stdout)
        last = (done.stdout.strip().splitlines() or ["no output"])[-1]
        raise EfnasError(f"Vela failed with code {done.returncode} ({last[:120]}); its output is in {log.name}.")
    return done.stdout


def _read_summary(path: Path) -> Dict[str, float]:
    rows = _read_csv(path)
    header, values = rows[0], rows[-1]
    missing = [name for name in SUMMARY_COLUMNS if name not in header]
    if len(rows) != 2 or missing:
        raise EfnasError(f"Vela's summary {path.name} has another form than known: no column {', '.join(missing)}.")
    return {name: float(values[header.index(name)]) for name in SUMMARY_COLUMNS}


def _read_layers(path: Path) -> List[Operator]:
    header, *rows = _read_csv(path)
    if header != LAYER_HEADER:
        raise EfnasError(f"Vela's table {path.name} has a header that is not known here: {','.join(header)[:120]}.")
    name = len(LAYER_HEADER) - 1
    return [
        Operator(row[0], ",".join(row[name:]), int(float(row[2])), float(row[4]), int(float(row[11]))) for row in rows
    ]


def _read_csv(path: Path) -> List[List[str]]:
    try:
        with open(path, newline="") as file:
            rows = [row for row in csv.reader(file) if row]
    except OSError as error:
        raise EfnasError(f"Vela wrote no {path.name}.") from error
    if not rows:
        raise EfnasError(f"Vela's table {path.name} is empty.")
    return rows
