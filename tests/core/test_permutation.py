"""Tensors put into an order that is known when the graph runs, for any number of them."""

from itertools import permutations

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from efnas.core.permutation import permute


@pytest.mark.parametrize("count", [2, 3, 4])
def test_every_order_and_its_gradient(graph, count):
    places = tf.placeholder(tf.int32, [count])
    tensors = [tf.constant([float(number), 2.0]) for number in range(count)]
    moved = permute(tensors, places)
    # A weight for each place: the gradient of a tensor then names the place that it went to.
    loss = tf.add_n([(place + 1.0) * tf.reduce_sum(tensor) for place, tensor in enumerate(moved)])
    gradients = tf.gradients(loss, tensors)
    with tf.Session() as session:
        for order in permutations(range(count)):
            got, back = session.run([moved, gradients], {places: order})
            for number, place in enumerate(order):
                np.testing.assert_array_equal(got[place], [number, 2.0])
                np.testing.assert_array_equal(back[number], [place + 1.0] * 2)


def test_the_operators_grow_with_the_square_of_the_tensors_and_not_with_their_orders(graph):
    counts = {}
    for count in (4, 8):
        before = len(graph.get_operations())
        permute([tf.zeros([2]) for _ in range(count)], tf.placeholder(tf.int32, [count]))
        counts[count] = len(graph.get_operations()) - before
    assert counts[8] < 6 * counts[4]


def test_tensors_of_different_length_keep_it_and_what_they_have_in_common_is_known(graph):
    places = tf.placeholder(tf.int32, [3])
    tensors = [tf.fill([length, 2], float(length)) for length in (1, 2, 3)]
    moved = permute(tensors, places)
    assert [each.shape.as_list() for each in moved] == [[None, 2]] * 3
    with tf.Session() as session:
        found = session.run(moved, {places: [2, 0, 1]})
    assert [each.tolist() for each in found] == [[[2, 2]] * 2, [[3, 3]] * 3, [[1, 1]]]
