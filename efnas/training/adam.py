"""Adam (Kingma and Ba, 2015), by TensorFlow's own kernel and with the variables that TensorFlow's optimiser would have.

That one reads the powers of beta anew for every variable and gives each slot first values of its own: a tenth of all
operators of a step, which each process pays for before its first one.
"""

from typing import Dict, List, Sequence, Tuple

import tensorflow.compat.v1 as tf

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


class Adam:
    """Moves `variables`, whose names its slots bear; `state` are the slots and the powers of beta."""

    def __init__(self, variables: Sequence[tf.Variable]):
        self._variables = list(variables)
        zeros: Dict[Tuple[int, ...], tf.Tensor] = {}
        for variable in self._variables:
            shape = tuple(variable.shape.as_list())
            zeros.setdefault(shape, tf.zeros(shape))
        # As TensorFlow names them: /Adam the mean of the gradients, /Adam_1 that of their squares.
        self.slots: List[Tuple[tf.Variable, tf.Variable]] = [
            tuple(
                _variable(f"{variable.op.name}/{slot}", zeros[tuple(variable.shape.as_list())])
                for slot in ("Adam", "Adam_1")
            )
            for variable in self._variables
        ]
        self._powers = [_variable("beta1_power", tf.constant(BETA_1)), _variable("beta2_power", tf.constant(BETA_2))]

    @property
    def state(self) -> List[tf.Variable]:
        return [*(slot for pair in self.slots for slot in pair), *self._powers]

    def apply(self, gradients: Sequence[tf.Tensor], rate: tf.Tensor) -> tf.Operation:
        """One update with these gradients, one a variable, at this learning rate."""
        powers = [tf.identity(power) for power in self._powers]
        betas = [tf.constant(BETA_1), tf.constant(BETA_2)]
        epsilon = tf.constant(EPSILON)
        updates = [
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle, m=mean.handle, v=square.handle, beta1_power=powers[0], beta2_power=powers[1],
                lr=rate, beta1=betas[0], beta2=betas[1], epsilon=epsilon, grad=gradient,
            )
            for variable, (mean, square), gradient in zip(self._variables, self.slots, gradients)
        ]  # fmt: skip
        with tf.control_dependencies(updates):
            return tf.group(*[power.assign(read * beta) for power, read, beta in zip(self._powers, powers, betas)])


def _variable(name: str, value: tf.Tensor) -> tf.Variable:
    return tf.get_variable(name, initializer=value, trainable=False, use_resource=True)
