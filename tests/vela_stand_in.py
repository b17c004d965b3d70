"""A program that answers as Vela does, or does not; and where the real ones are."""

import sys

import pytest
from conftest import PROJECT

from efnas.errors import EfnasError
from efnas.vela.compiler import find_vela
from efnas.vela.output import LAYER_FORMS

SUMMARY = ("inferences_per_second,inference_time,sram_memory_used,off_chip_flash_memory_used,nn_macs\n"
           "5.0,0.2,2.0,2780.0,123\n")  # fmt: skip
LAYERS = LAYER_FORMS[0].header + "\nADD,Add,2048,1,7.0,1,1,1,0,0,0,5,1,1,Sum1/add,with comma\n"
PRINTED = """
Tensor Allocation for mem_area Sram, of mem_type_set (Scratch, Scratch_fast), using allocator HillClimb
Start Time -   End Time: Start Addr -   End Addr: Tensor Size: Memory Usage: Purpose     : Format            : Name
         0 -          1:        0x0 -      0x400:        1024:         2048: FeatureMap  : NHWC              : images
         0 -          0:      0x400 -      0x800:        1024:         2048: Weights     : Unknown           : Sum1/k_buffer
         1 -          1:        0x0 -      0x400:        1024:         1024: FeatureMap  : NHCWB16           : Sum1/add
Allocation Peak Tensor Size:       2048 (     0x800) Bytes     2.00 KiB
NPU operators = 1 (1%)
CPU operators = 0 (0%)
"""
LAYERS_5 = (
    LAYER_FORMS[1].header
    + "\nConv2D,Conv2D,NPU,2048,100,9,9,9,1,0,0,1,100,1,1,E0/Relu\nConv2D,Relu,NPU,0,0,0,0,0,0,0,0,0,0,0,100,E0/Relu\n"
    + "Add,Add,NPU,1024,50,3,3,3,1,0,0,1,23,1,1,Sum1/add\n"
)
PRINTED_5 = """
Allocation, memory Sram, usage mask: FeatureMap|Staging
Start Time - End Time  : Start Addr -   End Addr: Tensor Size: Memory Usage: Format         : Name
         0 -          0:      0x400 -      0x800:        1024:         2048: Unknown        : WB_double_1024_op0
         0 -          1:        0x0 -      0x400:        1024:         2048: NHWC           : images
Allocation Peak Tensor Size: 2048 bytes == 2.0 KiB
CPU operators = 0 (0%)
NPU operators = 2 (1%)
"""


def stand_in_program(folder, version="4.5.0", summary=SUMMARY, layers=LAYERS, printed=PRINTED, code=0, sleep=0):
    """Write the program; every compile adds a line to `runs` beside it."""
    path = folder / "vela"
    path.write_text(f"""#!{sys.executable} -S
import sys, time, pathlib
if "--version" in sys.argv:
    print({version!r}); sys.exit()
with open({str(folder / "runs")!r}, "a") as runs:
    runs.write(" ".join(sys.argv[1:]) + "\\n")
time.sleep({sleep})
out = pathlib.Path(sys.argv[sys.argv.index("--output-dir") + 1])
stem, system = pathlib.Path(sys.argv[1]).stem, sys.argv[sys.argv.index("--system-config") + 1]
if {summary!r}:
    (out / f"{{stem}}_summary_{{system}}.csv").write_text({summary!r})
(out / f"{{stem}}_per-layer.csv").write_text({layers!r})
(out / f"{{stem}}_vela.tflite").write_bytes(b"compiled")
print({printed!r}); sys.exit({code})
""")
    path.chmod(0o755)
    return path


def runs_of(program) -> list:
    runs = program.with_name("runs")
    return runs.read_text().splitlines() if runs.exists() else []


def real_vela(version=None):
    """The project's compiler; skips the test, saying so, where it is not installed."""
    try:
        return find_vela(version)
    except EfnasError as error:
        pytest.skip(str(error))


PROJECT_VELA = PROJECT / ".venv-vela" / "bin" / "vela"
