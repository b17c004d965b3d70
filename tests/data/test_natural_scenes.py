"""Natural scenes: their motions can be undone, their flow is exact, and each strength does what it says."""

import numpy as np
import pytest
from PIL import Image
from test_synthesis import interior, warp_back

from efnas.config_synthetic import Natural
from efnas.data.layered_scenes import Box, Layer, rendered
from efnas.data.motions import Motion, drawn_bend, drawn_matrix
from efnas.data.outlines import blob, limbs
from efnas.data.scene_style import SceneStyle
from efnas.data.synthesis import make_pair, write_dataset
from efnas.data.textures import SIDE, TILES, tile

NONE = dict.fromkeys(Natural.model_fields, 0.0)


def style(**strengths):
    return SceneStyle(96, 128, motion=4.0, shapes=6, natural=Natural(**{**NONE, "leaves": 0.5, **strengths}))


def length_of(pair):
    return np.linalg.norm(pair.flow, axis=-1)


def drawn_motion(seed, bent=True):
    rng = np.random.default_rng(seed)
    middle = np.array([60.0, 40.0])
    matrix = drawn_matrix(rng, rng.normal(0, 5, 2), middle, 60.0, turn=6.0, zoom=6.0, tilt=4.0)
    return Motion(matrix, drawn_bend(rng, 3.0, 60.0) if bent else None)


@pytest.mark.parametrize("seed", range(3))
def test_a_motion_is_undone_to_a_thousandth_of_a_pixel(seed):
    motion = drawn_motion(seed)
    x, y = np.meshgrid(np.arange(128.0), np.arange(96.0))
    moved = motion.forward(x, y)
    assert np.hypot(moved[0] - x, moved[1] - y).mean() > 1.0
    back = motion.backward(*moved)
    assert np.hypot(back[0] - x, back[1] - y).max() < 1e-3
    assert np.abs(moved[0] - drawn_motion(seed, bent=False).forward(x, y)[0]).max() > 0.1


def test_turning_nearing_and_tilting_move_the_edge_as_far_as_asked():
    lengths = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        there = Motion(drawn_matrix(rng, np.zeros(2), np.zeros(2), 50.0, turn=2.0, zoom=0.0, tilt=0.0))
        x, y = there.forward(np.array([50.0]), np.array([0.0]))
        lengths.append(np.hypot(x - 50.0, y)[0])
    assert np.sqrt(np.mean(np.square(lengths))) == pytest.approx(2.0, rel=0.15)


@pytest.mark.parametrize(
    "strengths",
    [{}, {"turn": 0.5, "zoom": 0.5, "tilt": 0.5}, {"bend": 0.6}, {"thin": 1.0}, {"planes": 1.0, "attached": 0.5}],
    ids=["shifts", "perspective", "bends", "thin", "planes"],
)
def test_warping_the_second_image_with_the_flow_gives_the_first(strengths):
    for index in range(3):
        pair = make_pair(style(**strengths), 7, index)
        seen = interior(pair.flow, pair.occluded)
        assert seen.mean() > 0.4
        error = np.abs(warp_back(pair.second, pair.flow) - pair.first)[seen].mean()
        unmoved = np.abs(pair.second.astype(float) - pair.first)[seen].mean()
        assert error < max(4.0, unmoved / 3)  # bilinear sampling of edges
        assert np.abs(warp_back(pair.second, -pair.flow) - pair.first)[seen].mean() > 2 * error


def test_no_bend_and_no_tilt_are_affine_motions():
    flow = make_pair(SceneStyle(40, 48, motion=4.0, shapes=0, natural=Natural(**NONE)), 1, 0).flow
    np.testing.assert_allclose(flow, np.broadcast_to(flow[0, 0], flow.shape), atol=1e-4)
    for strength in ("tilt", "bend"):  # every second is bent
        pairs = [make_pair(SceneStyle(40, 48, 4.0, shapes=0, natural=Natural(**{**NONE, strength: 2.0})), 1, index)
                 for index in range(4)]  # fmt: skip
        curved = [np.abs(np.diff(pair.flow, 2, axis=0)).max() for pair in pairs]
        assert max(curved) > 1e-3


def test_the_spread_gives_motions_of_every_length_about_one_mean():
    def lengths(spread):
        kind = SceneStyle(24, 32, motion=6.0, shapes=0, natural=Natural(**{**NONE, "spread": spread}))
        return np.array([length_of(make_pair(kind, 3, index)).mean() for index in range(120)])

    even, wide = lengths(0.0), lengths(1.0)
    assert np.log(wide).std() > np.log(even).std() + 0.3
    assert np.percentile(wide, 20) < np.percentile(even, 20)


def test_attached_shapes_move_with_the_background():
    attached, free = (make_pair(style(attached=share), 5, 0).flow for share in (1.0, 0.0))
    assert np.abs(attached - attached[0, 0]).max() < 1e-4
    assert np.abs(free - free[0, 0]).max() > 1.0


def test_shadows_only_darken_and_noise_differs_between_the_frames():
    bright, dark = (make_pair(style(shadow=strength), 2, 1) for strength in (1e-9, 1.0))
    np.testing.assert_array_equal(bright.flow, dark.flow)
    assert (dark.first.astype(int) <= bright.first.astype(int) + 1).all()
    assert (dark.first.astype(int) < bright.first.astype(int) - 5).any()
    still = SceneStyle(48, 64, motion=1e-6, shapes=0, natural=Natural(**{**NONE, "noise": 20.0}))
    difference = [np.ptp(pair.first.astype(int) - pair.second) for pair in (make_pair(still, 2, i) for i in range(4))]
    assert max(difference) > 5


def test_a_pair_is_a_function_of_seed_and_index():
    one, same, other = make_pair(style(noise=2.0), 7, 2), make_pair(style(noise=2.0), 7, 2), make_pair(style(), 8, 2)
    for left, right in zip(one, same):
        np.testing.assert_array_equal(left, right)
    assert (one.first != other.first).any()


@pytest.mark.parametrize("number", [0, TILES // 2])
def test_a_tile_repeats_without_a_seam(number):
    texture = tile(1, number).texture.astype(float)
    assert texture.shape == (SIDE, SIDE, 3)
    inside = np.abs(np.diff(texture, axis=0)).mean((1, 2))
    assert np.abs(texture[0] - texture[-1]).mean() < 1.5 * np.percentile(inside, 99)


@pytest.mark.parametrize("shape", [blob, limbs])
def test_shapes_have_smooth_edges_and_stay_within_their_masks(shape):
    masks = [shape(np.random.default_rng(seed), 20.0) for seed in range(6)]
    assert all(mask.shape == (43, 43) for mask in masks)
    assert all(0.0 < (mask > 127).mean() < 0.9 for mask in masks)
    assert any(((mask > 0) & (mask < 255)).any() for mask in masks)


def test_a_layer_is_painted_where_its_box_lies_in_either_frame():
    def square(x, y):
        return (abs(x - 10) < 4) & (abs(y - 12) < 4)

    def layer(colour, shift, covers, box=None):
        def to(sign):
            return lambda x, y: (x + sign * shift, y)

        return Layer(lambda x, y: np.full(x.shape + (3,), colour), covers, to(1), to(-1), box)

    ground = layer(10.0, 0.0, lambda x, y: np.ones(x.shape, bool))
    whole, boxed = (rendered([ground, layer(200.0, 9.0, square, box)], 30, 40) for box in (None, Box(6, 8, 14, 16)))
    for left, right in zip(whole, boxed):
        np.testing.assert_array_equal(left, right)
    assert whole.first[12, 10, 0] == 200 and whole.second[12, 19, 0] == 200 and whole.second[12, 10, 0] == 10
    assert whole.flow[12, 10, 0] == 9 and whole.occluded[12, 19] and not whole.occluded[12, 10]


def test_photos_take_the_place_of_tiles(tmp_path):
    red = np.zeros((40, 50, 3), np.uint8)
    red[..., 0] = 200
    (tmp_path / "photos").mkdir()
    Image.fromarray(red).save(tmp_path / "photos" / "red.png")
    kind = SceneStyle(32, 48, motion=2.0, shapes=2, natural=Natural(**NONE))
    write_dataset(tmp_path / "out", 1, 1, 1, kind, tmp_path / "photos")
    image = np.asarray(Image.open(tmp_path / "out" / "train" / "0000000-img_0.png"))
    _, counts = np.unique(image.reshape(-1, 3), axis=0, return_counts=True)
    assert np.sort(counts)[-3:].sum() > 0.8 * counts.sum()  # plain colours, mixed along the edges of shapes alone
