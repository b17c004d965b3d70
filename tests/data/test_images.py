"""What an image is: the check of a data set, training and inference read the same pixels, or refuse the same files."""

import io
import shutil
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from efnas.data.batches import BatchReader
from efnas.data.check import check_sample
from efnas.data.flow_files import read_flo, write_flo
from efnas.data.flying_chairs import index_folder
from efnas.data.images import PNG_END, TRAINABLE, read_image
from efnas.data.sampling_plan import evaluation_plan
from efnas.errors import EfnasError

DRAW = np.random.RandomState(4)
COLOURS = DRAW.randint(0, 256, (48, 64, 3), dtype=np.uint8)
GREY16 = DRAW.randint(0, 65536, (48, 64)).astype(np.uint16)


def saved(image, kind, **options):
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


def png_of_size(width, height):
    """A PNG that says that it is of this size, and holds nothing."""
    chunks = (b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0), b"IDAT" + zlib.compress(b""), b"IEND")
    parts = (struct.pack(">I", len(each) - 4) + each + struct.pack(">I", zlib.crc32(each)) for each in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


RGB = Image.fromarray(COLOURS)
READ = {
    "rgb": saved(RGB, "PNG"), "grey": saved(RGB.convert("L"), "PNG"), "palette": saved(RGB.quantize(16), "PNG"),
    "with an alpha channel": saved(RGB.convert("RGBA"), "PNG"), "grey of 16 bits": saved(Image.fromarray(GREY16), "PNG"),
    "a JPEG named .png": saved(RGB, "JPEG"),
}  # fmt: skip
REFUSED = {
    "BMP": (saved(RGB, "BMP"), "is a BMP file; training reads PNG and JPEG"),
    "TIFF": (saved(RGB, "TIFF"), "is a TIFF file"),
    "animated GIF": (saved(RGB, "GIF", save_all=True, append_images=[RGB.rotate(90)]), "is a GIF file"),
    "no end": (saved(RGB, "PNG")[:-12], "truncated"),
    "cut": (saved(RGB, "PNG")[:300], "truncated"),
    "60000x60000 pixels, it says": (png_of_size(60_000, 60_000), "too large"),
    "nothing": (b"", "no whole image"), "text": (b"a letter", "no whole image"),
}  # fmt: skip


@pytest.fixture
def chairs(small_chairs, tmp_path):
    return shutil.copytree(small_chairs / "val", tmp_path / "val")


def batch_of(folder, graph):
    """The first sample of a folder, as training reads it: [h, w, 6] in 0 .. 255, and its flow."""
    import tensorflow.compat.v1 as tf

    dataset = index_folder(folder)
    with tf.Session() as session:
        images, flow = next(
            BatchReader(dataset, 48, 64, batch_size=1).arrays(session, evaluation_plan(len(dataset), 1))
        )
    return np.rint((images[0] + 1.0) * 127.5), flow[0]


@pytest.mark.parametrize("kind", READ)
def test_what_is_read_is_the_same_for_all(chairs, graph, kind):
    path = chairs / "0000012-img_0.png"
    path.write_bytes(READ[kind])
    pixels = read_image(path, TRAINABLE)
    assert pixels.shape == (48, 64, 3) and pixels.dtype == np.uint8 and pixels.std() > 10
    assert check_sample(index_folder(chairs).samples[0]) is None
    read, _ = batch_of(chairs, graph)
    tolerance = 6 if kind.startswith("a JPEG") else 0  # two decoders of JPEG round otherwise
    assert np.abs(read[..., :3] - pixels).max() <= tolerance


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_refused_is_named_with_why(chairs, graph, kind):
    content, why = REFUSED[kind]
    path = chairs / "0000012-img_0.png"
    path.write_bytes(content)
    said = check_sample(index_folder(chairs).samples[0])
    assert str(path) in said and why in said
    if kind != "no end":  # TensorFlow reads that one, too: the check is the stricter
        with pytest.raises(EfnasError, match=path.name):
            batch_of(chairs, graph)


def test_flow_that_is_unknown_is_neither_checked_nor_trained_on(chairs, graph):
    path = chairs / "0000012-flow_01.flo"
    flow = read_flo(path)
    flow[2, 3] = (1.7e9, 3e38)
    write_flo(path, flow)
    assert "marks 1 pixels as unknown" in check_sample(index_folder(chairs).samples[0])
    with pytest.raises(EfnasError, match="marks 1 pixels as unknown"):
        batch_of(chairs, graph)
    assert np.array_equal(read_flo(path, require_known=False)[2, 3], flow[2, 3])


def test_the_end_of_a_png_is_its_last_chunk():
    assert saved(RGB, "PNG").endswith(PNG_END)
