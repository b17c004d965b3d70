"""The optimiser against TensorFlow's own: the same variables, and the same values to the bit."""

import numpy as np
import tensorflow.compat.v1 as tf

from efnas.training.adam import Adam


def trained(build, steps=5):
    """All variables by name after some steps on gradients that change."""
    with tf.Graph().as_default(), tf.Session() as session:
        draw = np.random.RandomState(1)
        variables = [tf.get_variable(name, initializer=draw.randn(*shape).astype("f"), use_resource=True)
                     for name, shape in (("a/kernel", (3, 3, 2, 4)), ("a/bn/gamma", (4,)), ("b/kernel", (3, 3, 2, 4)))]  # fmt: skip
        rate = tf.placeholder(tf.float32, [])
        step = build(variables, [tf.sin(3.0 * variable) for variable in variables], rate)
        session.run(tf.global_variables_initializer())
        for number in range(steps):
            session.run(step, {rate: 0.1 / (1 + number)})
        return session.run({variable.op.name: variable for variable in tf.global_variables()})


def test_it_is_tensorflows():
    ours = trained(lambda variables, gradients, rate: Adam(variables).apply(gradients, rate))
    theirs = trained(
        lambda variables, gradients, rate: tf.train.AdamOptimizer(rate).apply_gradients(zip(gradients, variables))
    )
    assert set(ours) == set(theirs) and {"a/kernel/Adam", "a/kernel/Adam_1", "beta1_power"} < set(ours)
    for name, value in theirs.items():
        np.testing.assert_array_equal(ours[name], value, err_msg=name)


def test_its_state_is_all_but_the_variables(graph):
    variable = tf.get_variable("w", initializer=np.ones(3, "f"), use_resource=True)
    adam = Adam([variable])
    assert {each.op.name for each in adam.state} == {"w/Adam", "w/Adam_1", "beta1_power", "beta2_power"}
