"""The ways to walk the network. A router decides at each choice block which options run, and on what.

- `Fixed(space, code)`: only the picked options exist. For export, a single model, and counting costs.
- `Switch(space, code_tensor, layers)`: the code is a tensor; only the picked option is computed. For evaluation.
- `Lanes(space, codes_tensor)`: a whole fair cycle in one pass; every option runs once. For training.
- `Tree(space, code_tensor, layers, opened)`: every option of the opened blocks, each for every branch before it. For
  the errors of all subnets. With `codes`: what these take of it, each branch that they have in common once. For the
  errors of a pool.
- `EveryOption(space)`: over shapes, all options one after the other. For counting what the whole supernet has.

All share three methods: `each(function, x)` applies a shared layer, `choose(block, x, option)` walks a choice block
(`option(value)` builds that option, as a function of one tensor), `lanes(x)` gives a result as a list of tensors.
"""

from typing import Callable, Collection, Dict, List, NamedTuple, Sequence, Tuple

from efnas.core.branches import ROOT, Branch, Branches, branches_of, goes_through
from efnas.core.space import ArchCode, SearchSpace


class OneLane:
    """Shared layers run once."""

    def each(self, function: Callable, x):
        return function(x)

    def lanes(self, x) -> list:
        return [x]


class Fixed(OneLane):
    """Walks one subnet; nothing else of the supernet is built. Works on tensors and on shapes alike."""

    def __init__(self, space: SearchSpace, code: ArchCode):
        self.picked = {block.name: block.options[digit].value for block, digit in zip(space.blocks, code)}

    def choose(self, block: str, x, option: Callable):
        return option(self.picked[block])(x)


class EveryOption(OneLane):
    """Walks all options of each block on the same input, in their order, and goes on with what the first gives."""

    def __init__(self, space: SearchSpace):
        self.values = {block.name: [option.value for option in block.options] for block in space.blocks}

    def choose(self, block: str, x, option: Callable):
        return [option(value)(x) for value in self.values[block]][0]


class Switch(OneLane):
    """Walks the subnet that `code` (int32 [blocks]) names when the graph runs.

    The moments of the options of a block come out as one vector, because only the picked option has any:
    `packed_moments[block]` is that vector, and `layout[block][digit]` names the batch norms in it and their channels.
    """

    def __init__(self, space: SearchSpace, code, layers):
        self.space = space
        self.code = code
        self.layers = layers
        self.packed_moments: Dict[str, object] = {}
        self.layout: Dict[str, List[Dict[str, int]]] = {}

    def choose(self, block: str, x, option: Callable):
        import tensorflow.compat.v1 as tf

        place = self.space.position(block)
        options = self.space.blocks[place].options
        layout = self.layout[block] = [{} for _ in options]

        def branch(digit):
            def run():
                with self.layers.separate_moments() as seen:
                    y = option(options[digit].value)(x)
                layout[digit].update((each.name, int(each.mean.shape[0])) for each in seen)
                vectors = [vector for each in seen for vector in (each.mean, each.variance)]
                return y, tf.concat(vectors, axis=0) if vectors else tf.zeros([0])

            return run

        y, packed = tf.switch_case(self.code[place], [branch(digit) for digit in range(len(options))])
        if any(layout):
            self.packed_moments[block] = packed
        return y


class Tree(Switch):
    """Walks all options of the blocks `opened`, each for every branch that comes to it; what is shared after them runs
    once a branch. The others are switched by `code`, and come before.

    Where `codes` are given there is only what one of these takes, and they are the lanes.

    `branch` is the one whose layers are being built, so that a batch norm can have statistics a branch; what it saw of
    a batch is in `moments`, by its name and branch.
    """

    def __init__(self, space: SearchSpace, code, layers, opened: Collection[str], codes: Sequence[ArchCode] = ()):
        super().__init__(space, code, layers)
        self.opened, self.codes = frozenset(opened), tuple(codes)
        self.branch: Branch = ROOT
        self.moments: Dict[Tuple[str, Branch], object] = {}

    def each(self, function: Callable, x):
        if not isinstance(x, Branches):
            return function(x)
        return Branches((branch, self._build(branch, function, tensor)) for branch, tensor in x.items())

    def choose(self, block: str, x, option: Callable):
        if block not in self.opened:
            if isinstance(x, Branches):
                raise ValueError(f"{block} comes after blocks that are opened, and is not")
            return super().choose(block, x, option)
        place = self.space.position(block)
        grown = Branches()
        for branch, tensor in branches_of(x).items():
            options = self.space.blocks[place].options
            taken = [branch + ((place, digit),) for digit in range(len(options))]
            taken = [own for own in taken if not self.codes or any(goes_through(code, own) for code in self.codes)]
            built = [self._build(own, option(options[own[-1][1]].value), tensor) for own in taken]
            # The error of a code does not depend on who else is there, not even in its last bit.
            grown.update(zip(taken, built if self.codes else self.layers.together(built)))
        return grown

    def lanes(self, x) -> list:
        if not self.codes:
            return [x]
        branches = branches_of(x).items()
        return [next(tensor for branch, tensor in branches if goes_through(code, branch)) for code in self.codes]

    def _build(self, branch: Branch, function: Callable, tensor):
        self.branch = branch
        with self.layers.separate_moments() as seen:
            y = function(tensor)
        self.moments.update({(each.name, branch): (each.mean, each.variance) for each in seen})
        self.branch = ROOT
        return y


class InOrder(NamedTuple):
    """Tensors, one a lane, and which lane each belongs to (int32 [lanes])."""

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

    def apart(self, tensors: Sequence) -> InOrder:
        """Lanes that differ from the start, one tensor a lane: then every shared layer runs once a lane."""
        return InOrder(tuple(tensors), list(range(self.count)))

    def each(self, function: Callable, x):
        if isinstance(x, InOrder):
            return InOrder(tuple(function(tensor) for tensor in x.tensors), x.lane)
        return function(x)

    def choose(self, block: str, x, option: Callable) -> InOrder:
        place = self.space.position(block)
        wanted = self.lane_of_option[place]
        options = self.space.blocks[place].options
        inputs = self._reorder(x, wanted)
        return InOrder(tuple(option(each.value)(tensor) for each, tensor in zip(options, inputs)), wanted)

    def lanes(self, x) -> list:
        return list(self._reorder(x, list(range(self.count))))

    def _reorder(self, x, wanted) -> Tuple:
        """The tensors of `x` in the order of the lanes `wanted`."""
        import tensorflow.compat.v1 as tf

        from efnas.core.permutation import permute

        if not isinstance(x, InOrder):
            return (x,) * self.count
        same_lane = tf.equal(tf.expand_dims(x.lane, 1), tf.expand_dims(wanted, 0))
        return tuple(permute(x.tensors, tf.argmax(tf.cast(same_lane, tf.int32), axis=1, output_type=tf.int32)))
