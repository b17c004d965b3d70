"""The three ways to walk the network. A router decides at each choice block which options run, and on what.

- `Fixed(space, code)`: only the picked options exist. For export, a single model, and counting costs.
- `Switch(space, code_tensor, layers)`: the code is a tensor; only the picked option is computed. For evaluation.
- `Lanes(space, codes_tensor)`: a whole fair cycle in one pass; every option runs once. For training.

All share three methods: `each(function, x)` applies a shared layer, `choose(block, x, option)` walks a choice block
(`option(value)` builds that option, as a function of one tensor), `lanes(x)` gives a result as a list of tensors.
"""

from itertools import permutations
from typing import Callable, Dict, List, NamedTuple, Tuple

from efnas.core.space import ArchCode, SearchSpace


class Fixed:
    """Walks one subnet; nothing else of the supernet is built. Works on tensors and on shapes alike."""

    def __init__(self, space: SearchSpace, code: ArchCode):
        self.picked = {block.name: block.options[digit] for block, digit in zip(space.blocks, code)}

    def each(self, function: Callable, x):
        return function(x)

    def choose(self, block: str, x, option: Callable):
        return option(self.picked[block])(x)

    def lanes(self, x) -> list:
        return [x]


class Switch:
    """Walks the subnet that `code` (int32 [blocks]) names when the graph runs.

    The moments of the options of a block come out as one vector, because only the picked option has any:
    `packed_moments[block]` is that vector, and `layout[block][digit]` names the batch norms in it.
    """

    def __init__(self, space: SearchSpace, code, layers):
        self.space = space
        self.code = code
        self.layers = layers
        self.packed_moments: Dict[str, object] = {}
        self.layout: Dict[str, List[List[str]]] = {}

    def each(self, function: Callable, x):
        return function(x)

    def choose(self, block: str, x, option: Callable):
        import tensorflow.compat.v1 as tf

        place = self.space.position(block)
        options = self.space.blocks[place].options
        layout = self.layout[block] = [[] for _ in options]

        def branch(digit):
            def run():
                with self.layers.separate_moments() as moments:
                    y = option(options[digit])(x)
                layout[digit] = [m.name for m in moments]
                vectors = [vector for m in moments for vector in (m.mean, m.variance)]
                return y, tf.concat(vectors, axis=0) if vectors else tf.zeros([0])

            return run

        y, packed = tf.switch_case(self.code[place], [branch(digit) for digit in range(len(options))])
        if any(layout):
            self.packed_moments[block] = packed
        return y

    def lanes(self, x) -> list:
        return [x]


class InOrder(NamedTuple):
    """Three tensors, one a lane, and which lane each belongs to (int32 [lanes])."""

    tensors: Tuple
    lane: object


class Lanes:
    """Walks the fair cycle `codes` (int32 [lanes, blocks]): option o of a block runs once, for the lane that picked it.

    No work is done twice and none is thrown away: between blocks only the order of the tensors changes. Before the
    first choice block all lanes are the same tensor, so the stem runs once.
    """

    def __init__(self, space: SearchSpace, codes):
        import tensorflow.compat.v1 as tf

        self.space = space
        self.count = space.options_per_block
        # The inverse of each block's permutation: which lane picked option o.
        self.lane_of_option = tf.unstack(tf.argsort(codes, axis=0), num=len(space.blocks), axis=1)

    def each(self, function: Callable, x):
        if isinstance(x, InOrder):
            return InOrder(tuple(function(tensor) for tensor in x.tensors), x.lane)
        return function(x)

    def choose(self, block: str, x, option: Callable) -> InOrder:
        place = self.space.position(block)
        wanted = self.lane_of_option[place]
        inputs = self._reorder(x, wanted)
        options = self.space.blocks[place].options
        return InOrder(tuple(option(value)(tensor) for value, tensor in zip(options, inputs)), wanted)

    def lanes(self, x) -> list:
        return list(self._reorder(x, list(range(self.count))))

    def _reorder(self, x, wanted) -> Tuple:
        """The tensors of `x` in the order of the lanes `wanted`, passed by reference: nothing is copied."""
        import tensorflow.compat.v1 as tf

        if not isinstance(x, InOrder):
            return (x,) * self.count
        source = tf.argmax(tf.cast(tf.equal(tf.expand_dims(wanted, 1), tf.expand_dims(x.lane, 0)), tf.int32), axis=1)
        orders = list(permutations(range(self.count)))
        matches = tf.reduce_all(tf.equal(tf.constant(orders, tf.int64), source), axis=1)
        chosen = tf.argmax(tf.cast(matches, tf.int32), output_type=tf.int32)
        branches = [lambda order=order: tuple(tf.identity(x.tensors[place]) for place in order) for order in orders]
        return tuple(tf.switch_case(chosen, branches))
