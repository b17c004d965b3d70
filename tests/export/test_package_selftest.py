"""The self-test of a package, built from its folder: on this machine, and on an emulated Cortex-M55."""

import re
import shutil
import subprocess

import numpy as np
import pytest
from c_package import c_compiler
from command import answer
from conftest import PROJECT
from vela_stand_in import real_vela

from efnas.export.host import FORMS
from efnas.export.package import fixed_point
from efnas.export.package.network import deployed_network

BOARD = PROJECT / "tests" / "board"
WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Werror"]
SMALL = ["--height", 36, "--width", 48, "--base-width", 4, "--optimise", "Performance", "--arena", 100_000]
CORTEX_M55 = ["-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard"]
QEMU = ["qemu-system-arm", "-M", "mps3-an547", "-nographic", "-monitor", "none", "-serial", "none",
        "-semihosting-config", "enable=on,target=native", "-kernel"]  # fmt: skip
C_SOURCES = [f"efnas_{name}.c" for name in ("input", "flow", "colour", "selftest")]


@pytest.fixture(scope="module", params=FORMS)
def package(request, tmp_path_factory):
    """A package of random weights, with a stand-in for TensorFlow Lite Micro where the runner looks for it."""
    folder = tmp_path_factory.mktemp("packages") / request.param
    real_vela()
    code, _, said = answer(["package", "--arch", "120210120", "--skip-checkpoint", *SMALL, "--form", request.param,
                            "--out", folder])  # fmt: skip
    assert code == 0, said
    for name in ("micro/micro_interpreter", "micro/micro_mutable_op_resolver", "micro/micro_error_reporter",
                 "schema/schema_generated"):  # fmt: skip
        header = folder / "tensorflow" / "lite" / f"{name}.h"
        header.parent.mkdir(parents=True, exist_ok=True)
        header.write_text('#include "tflm_stand_in.h"\n')
    return folder


def network_of(package):
    return deployed_network(*((package / name).read_bytes() for name in ("network.tflite", "network_vela.tflite")))


def built(package, folder, off, c, cpp, options=(), last=()):
    """The program of a package, whose network's answers are `off` steps of int8 from the expected ones."""
    places, objects = ["-I", package, "-I", BOARD, f"-DSTAND_IN_OFF={off}", "-O3"], []
    for name in [*C_SOURCES, BOARD / "main.c", "efnas_runner.cc"]:
        source = package / name
        compiler = [cpp, "-std=c++11", "-fno-threadsafe-statics"] if source.suffix == ".cc" else [c, "-std=c99"]
        objects.append(folder / f"{source.stem}.o")
        call([*compiler, *WARNINGS, *options, *places, "-c", source, "-o", objects[-1]])
    call([c, *options, *objects, *last, "-o", folder / "run"])
    return folder / "run"


def call(words):
    done = subprocess.run([*map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def on_this_machine(package, folder, off=0):
    return built(package, folder, off, c_compiler("gcc", "clang"), c_compiler("g++", "clang++"))


def run(words, folder):
    done = subprocess.run([*map(str, words)], cwd=folder, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout.splitlines()


def figures(line):
    return dict(re.findall(r"(\w+)=(\S+)", line))


def stated_sums(package) -> dict:
    """What NumPy says that `main.c` prints."""
    network = network_of(package)
    vectors = np.frombuffer((package / "vectors.bin").read_bytes(), np.uint8)
    frame = np.resize(vectors[: network.height * network.width * 6], 37 * 101 * 3)
    frames = [frame.reshape(37, 101, 3), frame[: 37 * 101].reshape(37, 101, 1)]
    given = np.concatenate([fixed_point.frame_to_input(network, each) for each in frames], -1)
    at, outputs = network.height * network.width * 6, {}
    for port in network.coarse_to_fine:
        size = int(np.prod(port.shape))
        outputs[port.name] = vectors[at : at + size].view(np.int8).reshape(port.shape[1:])
        at += size
    flow = fixed_point.flow_of_outputs(network, outputs, 37, 101)
    found = {"input": given, "flow": flow, "picture": fixed_point.flow_to_rgb(flow, 20)}
    return {name: sum_of(values.tobytes()) for name, values in found.items()}


def sum_of(content: bytes) -> str:
    low = np.cumsum(np.frombuffer(content, np.uint8).astype(np.int64)) % 65535
    return f"{int(low.sum() % 65535) << 16 | int(low[-1]):08x}"


def test_it_passes_where_the_network_answers_as_expected(package, tmp_path):
    code, (told, sums) = run([on_this_machine(package, tmp_path, off=1)], package)
    assert code == 0 and told.startswith("efnas-selftest: pass pairs=3 most=1 mean=0.000"), told
    assert {"us", "least", "longest", "arena", "model"} <= set(figures(told))
    assert figures(sums) == stated_sums(package)


def test_it_says_what_is_wrong(package, tmp_path):
    code, (told, _) = run([on_this_machine(package, tmp_path, off=3)], package)
    assert code == 1 and told.startswith("efnas-selftest: fail why=outputs pairs=3 most=3"), told
    program = on_this_machine(package, tmp_path)
    for name, why in (("vectors.bin", "vectors"), ("network_vela.tflite", "model")):
        other = shutil.copytree(package, tmp_path / why)
        content = bytearray((other / name).read_bytes())
        content[-1] ^= 1
        (other / name).write_bytes(content)
        code, (told, _) = run([program], other)
        assert code == 1 and told.startswith(f"efnas-selftest: fail why={why}"), told
    other = shutil.copytree(package, tmp_path / "input")
    header = other / "efnas_network.h"
    header.write_text(re.sub(r"    \{ -\d+,", "    { 5,", header.read_text()))
    code, (told, _) = run([on_this_machine(other, tmp_path)], other)
    assert code == 1 and told.startswith("efnas-selftest: fail why=input"), told


def test_the_programs_of_the_page_compile(package, tmp_path):
    board = ["uint32_t mm_reserve_align(uint32_t bytes, uint32_t alignment);", "void xprintf(const char *text, ...);"]
    for name, line in zip(("memory_manage.h", "xprintf.h"), board):
        (tmp_path / name).write_text(line)
    programs = re.findall(r"^```c\n(.*?)^```$", (package / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert len(programs) == 2
    for number, program in enumerate(programs):
        timer = "static uint32_t microseconds(void) { return 0; }\n" if "microseconds" in program else ""
        prototypes = "int app_main(void);\nint on_frame(const uint8_t *frame, int8_t *kept, int first);\n"
        source = tmp_path / f"page{number}.c"
        source.write_text(f"#include <stddef.h>\n#include <stdint.h>\n{prototypes}{program}{timer}")
        # The addresses have the 32 bits of the board.
        call([c_compiler("gcc", "clang"), "-std=c99", *WARNINGS, "-Wno-int-to-pointer-cast", "-I", package, "-I", tmp_path,
              "-c", source, "-o", tmp_path / "page.o"])  # fmt: skip


def test_a_cortex_m55_gives_the_same_bits(package, tmp_path):
    c, cpp = (c_compiler(f"arm-none-eabi-{name}") for name in ("gcc", "g++"))
    found = subprocess.run([c, "--print-file-name=rdimon.specs"], capture_output=True, text=True).stdout.strip()
    if found == "rdimon.specs" or not shutil.which(QEMU[0]):
        pytest.skip("there is no libnewlib-arm-none-eabi or qemu-system-arm here")
    startup = tmp_path / "startup.o"
    call([c, *CORTEX_M55, "-O2", "-c", BOARD / "startup.c", "-o", startup])
    more = [*CORTEX_M55, "-fno-exceptions", "-DEFNAS_TFLM_REPORTS_ERRORS"]
    last = [startup, "--specs=rdimon.specs", "-T", BOARD / "mps3.ld"]
    code, (told, sums) = run([*QEMU, built(package, tmp_path, 1, c, cpp, more, last)], package)
    assert code == 0 and told.startswith("efnas-selftest: pass pairs=3 most=1"), told
    assert figures(sums) == stated_sums(package)
