"""A `.tflite` file that is no network of image pairs and their flow is refused, whatever it takes and gives."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from tensorflow.lite.python import convert as toco

from efnas.errors import EfnasError
from efnas.evaluation.inference import Inference
from efnas.export.flow import file_flow

PAIR = [1, 32, 48, 6]


def conv(x, channels, stride=1):
    kernel = np.random.RandomState(0).uniform(-1, 1, (3, 3, x.shape.as_list()[-1], channels))
    return tf.nn.conv2d(x, tf.constant(kernel, tf.float32), strides=stride, padding="SAME")


def written(path, shapes, outputs, uint8=False):
    """A file of a small graph, of float32 or, with made-up ranges, of uint8."""
    toco._toco_from_proto_bin = ""
    with tf.Graph().as_default() as graph:
        inputs = [tf.placeholder(tf.float32, shape, f"input{place}") for place, shape in enumerate(shapes)]
        made = outputs(*inputs)
        converter = tf.lite.TFLiteConverter(graph.as_graph_def(), inputs, made)
        if uint8:
            converter.inference_type = tf.uint8
            converter.quantized_input_stats, converter.default_ranges_stats = {"input0": (128, 127)}, (-6, 6)
        path.write_bytes(converter.convert())
    return path


@pytest.mark.parametrize("uint8", [False, True], ids=["float32", "uint8"])
def test_a_network_of_another_is_run_where_it_takes_pairs_and_gives_flow(tmp_path, capfd, uint8):
    path = written(tmp_path / "net.tflite", [PAIR], lambda x: [conv(x, 2)], uint8)
    capfd.readouterr()
    flow = file_flow(path)(np.random.RandomState(1).uniform(-1, 1, (40, 30, 6)).astype(np.float32))
    assert flow.shape == (40, 30, 2) and flow.std() > 0.1
    assert capfd.readouterr() == ("", "")  # the runtime's own messages are not for users


@pytest.mark.parametrize("shapes, outputs", [
    ([[1, 32, 48, 3]], lambda x: [conv(x, 2)]),
    ([[32, 48, 6]], lambda x: [x[..., :2] * 2.0]),
    ([[1, 6]], lambda x: [x * 2.0]),
    ([[1, 1, 32, 48, 6]], lambda x: [conv(tf.reshape(x, PAIR), 2)]),
    ([[2, 32, 48, 6]], lambda x: [conv(x, 2)]),
    ([PAIR, PAIR], lambda x, y: [conv(x + y, 2)]),
    ([PAIR], lambda x: [conv(x, 3)]),
    ([PAIR], lambda x: [conv(x, 2, 4)]),
    ([PAIR], lambda x: [tf.reduce_mean(x, [1, 2])]),
    ([PAIR], lambda x: [tf.reduce_mean(x)]),
    ([PAIR], lambda x: [conv(x, 2), conv(x, 2) + 1.0]),
    ([PAIR], lambda x: [conv(x, 2), conv(x, 2, 2), conv(x, 2, 4)]),
], ids=["3 channels", "rank 3", "rank 2", "rank 5", "batch of 2", "2 inputs", "3 channels of flow", "small flow", "class",
        "scalar", "2 equal outputs", "3 outputs"])  # fmt: skip
def test_another_is_refused(tmp_path, shapes, outputs):
    with pytest.raises(EfnasError, match=r"net.tflite: it is no .tflite network of two images\.$"):
        file_flow(written(tmp_path / "net.tflite", shapes, outputs))


def test_flow_that_is_not_finite_is_not_drawn(small_chairs, tmp_path):
    first, second = (small_chairs / "val" / f"0000012-img_{number}.png" for number in (0, 1))
    wanted = Inference(first, second, tmp_path / "flow.png", None)
    with pytest.raises(EfnasError, match="img_0.png and .*img_1.png by a network is not finite"):
        wanted.run(lambda images: np.full((48, 64, 2), np.nan, np.float32), "a network")
    assert not list(tmp_path.iterdir())
