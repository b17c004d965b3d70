"""What the host does around the network, in NumPy and in C."""

import ctypes
import shutil
import subprocess

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from conftest import PROJECT

from efnas.core.layers import Layers
from efnas.core.weights import Weights
from efnas.export.host import flow_of_outputs, upsample_x2


def test_the_hosts_upsampling_is_the_networks(rng):
    maps = rng.randn(5, 6, 2).astype("f")
    with tf.Graph().as_default(), tf.Session() as session:
        expected = session.run(Layers(Weights({})).upsample(tf.constant(maps[None])))[0]
    np.testing.assert_allclose(upsample_x2(maps), expected, atol=1e-6)


def test_two_outputs_are_put_together_in_any_order(rng):
    half, full = rng.randn(4, 6, 2), rng.randn(8, 12, 2)
    one, other = flow_of_outputs([half, full], 7, 11), flow_of_outputs([full, half], 7, 11)
    np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(one[::2, ::2], half[:4, :6] + full[:7:2, :11:2])


@pytest.mark.parametrize("height, width", [(8, 12), (7, 11), (5, 12)])
def test_the_c_function_gives_what_numpy_gives(rng, tmp_path, height, width):
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler:
        pytest.skip("no C compiler is at hand")
    library = tmp_path / "two_scale.so"
    source = PROJECT / "docs" / "two_scale.c"
    words = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-O2", "-shared", "-fPIC", str(source), "-o", str(library)]
    subprocess.run([compiler, *words], check=True)

    class Output(ctypes.Structure):
        _fields_ = [("data", ctypes.c_void_p), ("scale", ctypes.c_float), ("zero_point", ctypes.c_int32)]

    canvas = (8, 12)
    stored = [rng.randint(-128, 128, (canvas[0] // 2, canvas[1] // 2, 2)).astype(np.int8),
              rng.randint(-128, 128, (*canvas, 2)).astype(np.int8)]  # fmt: skip
    quantisation = [(0.046, 16), (0.0031, -7)]
    outputs = [Output(array.ctypes.data, *pair) for array, pair in zip(stored, quantisation)]
    flow = np.full((height, width, 2), np.nan, np.float32)
    run = ctypes.CDLL(str(library)).efnas_two_scale_flow
    run(ctypes.byref(outputs[0]), ctypes.byref(outputs[1]), *canvas, height, width, ctypes.c_void_p(flow.ctypes.data))
    real = [scale * (array.astype("f") - zero) for array, (scale, zero) in zip(stored, quantisation)]
    np.testing.assert_allclose(flow, flow_of_outputs(real, height, width), atol=1e-5)
