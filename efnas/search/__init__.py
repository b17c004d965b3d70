"""The answer: what the error of every subnet says, and how sure it is."""
