"""What the host does around the network."""

import numpy as np
import tensorflow.compat.v1 as tf

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
