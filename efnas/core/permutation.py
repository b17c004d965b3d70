"""Tensors put into an order that is known when the graph runs: by reference, nothing is copied.

The tensors go through a sorting network (the bubble sort's). Its exchanges hand two tensors on crossed or straight,
which is two operators a tensor; a switch over all orders would need a branch for each of them.
"""

from typing import List, Sequence, Tuple

import tensorflow.compat.v1 as tf

Exchange = Tuple[int, tf.Tensor]  # place of the first of two neighbours, and whether they change places


def permute(tensors: Sequence[tf.Tensor], places) -> List[tf.Tensor]:
    """Tensor k, or the tuple that holds it alone, goes to place `places[k]` (int32 [n]). The gradient goes the same
    way back."""
    exchanges = _exchanges(tf.unstack(places, num=len(tensors)))

    @tf.custom_gradient
    def reorder(*given):
        return _pass_on(given, exchanges), lambda *gradients: _pass_on(gradients, exchanges[::-1])

    return tf.nest.pack_sequence_as(list(tensors), reorder(*tf.nest.flatten(list(tensors))))


def _exchanges(keys: List[tf.Tensor]) -> List[Exchange]:
    exchanges = []
    for last in range(len(keys) - 1, 0, -1):
        for first in range(last):
            one, other = keys[first], keys[first + 1]
            exchanges.append((first, one > other))
            keys[first], keys[first + 1] = tf.minimum(one, other), tf.maximum(one, other)
    return exchanges


def _pass_on(tensors: Sequence[tf.Tensor], exchanges: List[Exchange]) -> List[tf.Tensor]:
    passed = list(tensors)
    # Known of whatever takes a place: lanes may have batches of different size.
    known = [size[0] if len(set(size)) == 1 else None for size in zip(*(tensor.shape.as_list() for tensor in tensors))]
    for first, crossed in exchanges:
        one, other = (tf.raw_ops.Switch(data=tensor, pred=crossed) for tensor in passed[first : first + 2])
        straight = one.output_false, other.output_false
        swapped = other.output_true, one.output_true
        for place, ways in zip((first, first + 1), zip(straight, swapped)):
            merged = tf.raw_ops.Merge(inputs=list(ways)).output
            merged.set_shape(known)
            passed[place] = merged
    return passed
