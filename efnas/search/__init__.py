"""The answer: the error of the whole space, the front with its confidence, which subnets cannot be told apart."""
