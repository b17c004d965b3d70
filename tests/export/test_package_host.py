"""The C sources of a package: bit by bit what NumPy says of their arithmetic, and what efnas does with frames."""

import itertools
import subprocess

import numpy as np
import pytest
from c_package import SOURCES, STRICT, HostLibrary, c_compiler, drawn_outputs, flow_stated, header_of, made_up

from efnas.data.flow_colours import flow_to_colour
from efnas.data.scaling import scaled
from efnas.evaluation.frames import padded_to
from efnas.export.package import fixed_point
from efnas.export.package.room import Frames, host_bytes

FORMS = ("two-scale", "accumulated", "packed", "packed of two heads")
# The network's own size, larger and smaller ones, one of which is smaller in one direction alone, and odd ones.
SIZES = [(20, 32), (48, 64), (37, 101), (20, 33), (11, 17), (12, 80), (1, 1), (200, 32)]


@pytest.fixture(scope="module", params=FORMS)
def host(request, tmp_path_factory) -> HostLibrary:
    return HostLibrary(made_up(request.param), tmp_path_factory.mktemp("package"))


def frames_of(rng, height, width, channels):
    """Smooth and full of contrast, as pictures are."""
    small = rng.randint(0, 256, (2, height // 3 + 2, width // 3 + 2, channels), np.uint8)
    return [scaled(each.astype(np.float32), height, width).round().astype(np.uint8) for each in small]


def input_of(network, frames) -> np.ndarray:
    """As `efnas infer --tflite` has it: in real numbers, [h, w, 6], before it is quantised."""
    images = np.concatenate([np.repeat(frame, 4 - frame.shape[2], 2)[..., :3] for frame in frames], -1)
    images = images.astype(np.float32) / 127.5 - 1.0
    small = min(images.shape[0], network.height), min(images.shape[1], network.width)
    return padded_to(scaled(images, *small), network.height, network.width)


@pytest.mark.parametrize("channels", [3, 1], ids=["RGB", "grey"])
@pytest.mark.parametrize("height, width", [*SIZES, (60, 1279)])
def test_frames_become_the_input_bit_by_bit(rng, host, height, width, channels):
    frames = frames_of(rng, height, width, channels)
    found = host.input(frames)
    stated = [fixed_point.frame_to_input(host.network, frame) for frame in frames]
    np.testing.assert_array_equal(found, np.concatenate(stated, -1))
    scale, zero_point = host.network.given.scale, host.network.given.zero_point
    quantised = np.clip(np.rint(input_of(host.network, frames) / scale + zero_point), -128, 127)
    apart = np.abs(found - quantised)
    assert apart.max() <= 1
    if (height, width) == (20, 32):
        assert apart.max() == 0


def test_the_frames_of_a_stream_are_kept_from_pair_to_pair(rng, host):
    given = host.input(frames_of(rng, 20, 32, 3))
    following = host.kept(given)
    np.testing.assert_array_equal(following[..., :3], given[..., 3:])


@pytest.mark.parametrize("height, width", SIZES)
def test_outputs_become_flow_bit_by_bit_and_in_real_numbers(rng, host, height, width):
    network, outputs = host.network, drawn_outputs(rng, host.network)
    fixed = host.flow(outputs, height, width)
    np.testing.assert_array_equal(fixed, fixed_point.flow_of_outputs(network, outputs, height, width))
    small = min(height, network.height), min(width, network.width)
    expected = scaled(flow_stated(network, outputs, *small), height, width)
    expected = expected * np.array([width / small[1], height / small[0]], np.float32)
    np.testing.assert_allclose(host.flow(outputs, height, width, real=True), expected, rtol=1e-5, atol=1e-5)
    # Half of a step is rounding; the rest are the places between pixels, of which these outputs, noise, make much.
    np.testing.assert_allclose(fixed / fixed_point.FLOW_ONE, expected, rtol=0, atol=1 / fixed_point.FLOW_ONE)


@pytest.mark.parametrize("form", FORMS[2:])
@pytest.mark.parametrize("side", [(32, 48), (19, 31)], ids=["the whole canvas", "odd"])
def test_packed_outputs_become_flow_up_to_the_last_row(rng, tmp_path, form, side):
    host = HostLibrary(made_up(form, *side), tmp_path)
    outputs = drawn_outputs(rng, host.network)
    expected = flow_stated(host.network, outputs, *side)
    np.testing.assert_allclose(host.flow(outputs, *side, real=True), expected, rtol=1e-5, atol=1e-5)
    for height, width in (side, (45, 70), (9, 13)):
        stated = fixed_point.flow_of_outputs(host.network, outputs, height, width)
        np.testing.assert_array_equal(host.flow(outputs, height, width), stated)


def test_outputs_are_told_apart_by_channels_and_rows_in_any_order():
    network = made_up("packed")
    for outputs in itertools.permutations(network.outputs):
        found = network._replace(outputs=list(outputs))
        assert [port.shape[1:] for port in found.coarse_to_fine] == [[8, 8, 2], [11, 16, 2], [10, 16, 8]]
        assert found.canvas == [20, 32]
        header = header_of(found)
        for name, port in zip(("FLOW", "RESIDUAL", "PACKED"), found.coarse_to_fine):
            assert f"#define EFNAS_{name}_OUTPUT {outputs.index(port)}\n" in header


def test_flow_that_is_longer_than_the_numbers_is_held_at_their_end(host):
    outputs = {port.name: np.full(port.shape[1:], 127, np.int8) for port in host.network.outputs}
    assert host.flow(outputs, 20, 32 * 110).max() == 32767


def test_the_picture_has_the_colours_of_efnas(host):
    angle, length = np.meshgrid(np.linspace(0, 2 * np.pi, 721), np.linspace(0, 700, 60))
    flow = np.stack([length * np.cos(angle), length * np.sin(angle)], -1).round().astype(np.int16)
    axes = np.array([[[640, 0], [-640, 0], [0, 640], [0, -640], [0, 0], [-32768, -32768]]], np.int16)
    for each in (flow, axes):
        picture = host.picture(each, 640)
        np.testing.assert_array_equal(picture, fixed_point.flow_to_rgb(each, 640))
        same = np.abs(np.hypot(*np.moveaxis(each.astype(float), -1, 0)) - 640) > 1  # else rounding tells it longer
        expected = flow_to_colour(each.astype(np.float64), 640.0).astype(int)
        assert np.abs(picture.astype(int) - expected)[same].max() <= 3
    packed = host.packed(host.picture(axes, 640))
    assert packed[0, 4] == 0xFFFF
    np.testing.assert_array_equal(packed >> 11, host.picture(axes, 640)[..., 0] >> 3)


@pytest.mark.parametrize("form, width, frames", [
    ("two-scale", 32, Frames(37, 101, 3)), ("packed", 32, Frames(7, 35, 1)), ("packed", 31, Frames(7, 35, 1)),
])  # fmt: skip
def test_the_macros_say_how_much_memory_the_functions_need(tmp_path, form, width, frames):
    network = made_up(form, 20, width)
    (tmp_path / "efnas_network.h").write_text(header_of(network, frames=frames))
    (tmp_path / "sizes.c").write_text("""#include <stdio.h>
#include "efnas_selftest.h"
int main(void) {
    const int input = 4 * EFNAS_INPUT_WORK(EFNAS_FRAME_HEIGHT, EFNAS_FRAME_WIDTH, EFNAS_FRAME_CHANNELS);
    const int flow = 4 * EFNAS_FLOW_WORK + (2 * 2 + 3) * EFNAS_FRAME_WIDTH;
    printf("%d %d %d %d\\n", EFNAS_FRAME_HEIGHT * EFNAS_FRAME_WIDTH * EFNAS_FRAME_CHANNELS, EFNAS_KEPT_BYTES,
           input > flow ? input : flow, EFNAS_SRAM_BYTES - EFNAS_ARENA_BYTES);
    return 0;
}
""")
    words = [*STRICT, "-I", tmp_path, "-I", SOURCES, tmp_path / "sizes.c", "-o", tmp_path / "sizes"]
    subprocess.run([c_compiler(), *map(str, words)], check=True)
    said = subprocess.run([str(tmp_path / "sizes")], capture_output=True, text=True, check=True).stdout.split()
    parts = host_bytes(network.height, network.width, frames, network.packed is not None)
    assert [*map(int, said)] == [*parts.values(), sum(parts.values())]


def test_the_weights_of_a_pixel_sum_to_one():
    for size in [*range(1, 130), 640, 641, 1279, 1280, 16384]:
        weights = fixed_point.scaling_weights(size, min(size, 32))
        assert (weights.sum(1) == 32768).all() and (weights >= 0).all()
