"""A supernet whose weights are all drawn, and batches for it: no two of its subnets predict the same."""

import numpy as np
import tensorflow.compat.v1 as tf
from given_values import give

from efnas.core.costs import supernet_variables
from efnas.core.weights import Weights
from efnas.evaluation.subnets import SubnetEvaluator

SIZE = {"height": 32, "width": 48, "base_width": 4}


class DrawnSupernet:
    """`one_by_one` evaluates each subnet alone; of the `batches` two are for recalibration and two for validation."""

    def __init__(self, supernet):
        self.supernet, rng = supernet, np.random.RandomState(3)
        self.weights = Weights(supernet_variables(supernet, SIZE["base_width"]))
        self.one_by_one = SubnetEvaluator(supernet, self.weights, **SIZE)
        self.session = tf.Session()
        self.session.run(tf.global_variables_initializer())
        give(self.session, {variable: rng.normal(name.endswith("gamma"), 0.2, variable.shape.as_list())
                            for name, variable in self.weights.trained.items()})  # fmt: skip
        self.batches = [(rng.uniform(-1, 1, (3, 32, 48, 6)).astype("f"), rng.normal(0, 2, (3, 32, 48, 2)).astype("f"))
                        for _ in range(4)]  # fmt: skip
